"""wav2vec 2.0 (Baevski et al., NeurIPS 2020) by the package transformers, from a folder or the Hugging Face hub."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mscnn.errors import UserError
from mscnn.files import digest, file_digest
from mscnn.packages import require

if TYPE_CHECKING:
    from transformers import Wav2Vec2Config, Wav2Vec2Model

UNUSED_WEIGHTS = {"masked_spec_embed"}  # replaces masked frames in training; fine-tuned published models lack it


def configuration(name: str) -> Wav2Vec2Config:
    """Configuration of a model, given by folder or by name on the hub.

    Raises:
        UserError: the package is not installed, the model is not available, or it is not wav2vec 2.0.
    """
    require("transformers", f"wav2vec 2.0 {name}")
    from transformers import AutoConfig

    if os.path.isabs(name) and not os.path.isdir(name):
        raise _unreadable(name, FileNotFoundError("no such folder"))
    try:
        config = AutoConfig.from_pretrained(name)
    except Exception as error:  # the library raises many kinds of errors for a damaged folder
        raise _unreadable(name, error) from None
    if config.model_type != "wav2vec2":
        raise UserError(
            f"wav2vec 2.0 {name}: expected model_type wav2vec2, found {config.model_type}", code="pretrained-kind"
        )
    return config


def network(name: str) -> Wav2Vec2Model:
    """The model, in evaluation mode; it is downloaded where it is not in the local cache.

    Raises:
        UserError: as :func:`configuration`; or the weights are damaged, or do not match the configuration.
    """
    configuration(name)
    from transformers.utils import logging

    logging.set_verbosity_error()  # missing weights are checked below
    logging.disable_progress_bar()
    try:
        model, loading = _from_pretrained(name)
    except Exception as error:
        raise _unreadable(name, error) from None
    if missing := sorted(loading["missing_keys"] - UNUSED_WEIGHTS):
        raise UserError(
            f"wav2vec 2.0 {name}: {len(missing)} weights are missing, the first is {missing[0]}",
            code="pretrained-incomplete",
        )
    return model


def steps(config: Wav2Vec2Config, samples: int) -> int:
    """Number of hidden states of a segment of ``samples`` samples, after the convolutions."""
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        samples = (samples - kernel) // stride + 1
    return samples


@lru_cache(maxsize=1)
def revision(name: str) -> str:
    """Identity of the weights: their revision on the hub, or a digest of configuration and weights in the folder.

    Raises:
        UserError: as :func:`configuration`; or the model is not in the local cache of the hub.
    """
    configuration(name)
    if not os.path.isdir(name):
        from huggingface_hub import constants, try_to_load_from_cache

        cached = try_to_load_from_cache(name, "config.json")
        if not isinstance(cached, str):  # None, or a marker that the hub has no such file
            raise UserError(
                f"wav2vec 2.0 {name}: not in the cache of the Hugging Face hub, {constants.HF_HUB_CACHE}, so its "
                "revision is unknown: set HF_HOME to the folder of the download, remove the model from the cache and "
                "run again, or give the folder of the model",
                code="pretrained-not-cached",
            )
        return Path(cached).parent.name
    files = sorted(Path(name).iterdir())
    weights = [path for path in files if path.name == "config.json" or path.suffix in (".safetensors", ".bin")]
    return digest({path.name: file_digest(path) for path in weights})


def _from_pretrained(name: str) -> Any:
    """The model, and information on loading; transformers has no type for the pair."""
    from transformers import Wav2Vec2Model

    return Wav2Vec2Model.from_pretrained(name, output_loading_info=True, use_safetensors=True)


def _unreadable(name: str, error: Exception) -> UserError:
    reason = str(error).strip().split("\n")[0]
    return UserError(
        f"wav2vec 2.0 {name}: cannot be read ({reason}); expected a folder with config.json and model.safetensors, or "
        "the name of a model on the Hugging Face hub, as facebook/wav2vec2-base-960h, which is downloaded on first use",
        code="pretrained-unreadable",
    )
