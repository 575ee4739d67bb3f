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

UNUSED = {"masked_spec_embed"}  # replaces masked steps in training; published models that were tuned lack it


def configuration(name: str) -> Wav2Vec2Config:
    """Configuration of the model in a folder, or of that name on the hub.

    Raises:
        UserError: the package is not installed, there is no such model, or it is of another kind.
    """
    require("transformers", f"wav2vec 2.0 {name}")
    from transformers import AutoConfig

    if os.path.isabs(name) and not os.path.isdir(name):
        raise _unreadable(name, FileNotFoundError("no such folder"))
    try:
        config = AutoConfig.from_pretrained(name)
    except Exception as error:  # what a damaged folder makes the library raise is any of a dozen kinds
        raise _unreadable(name, error) from None
    if config.model_type != "wav2vec2":
        raise UserError(
            f"wav2vec 2.0 {name}: this is a model of another kind: {config.model_type}", code="pretrained-kind"
        )
    return config


def network(name: str) -> Wav2Vec2Model:
    """The model itself, in evaluation mode; fetched first where the hub has it and this machine does not.

    Raises:
        UserError: as :func:`configuration`; or the weights are damaged, or not those that the configuration describes.
    """
    configuration(name)
    from transformers.utils import logging

    logging.set_verbosity_error()  # missing weights are looked for below
    logging.disable_progress_bar()
    try:
        model, loading = _from_pretrained(name)
    except Exception as error:
        raise _unreadable(name, error) from None
    if missing := sorted(loading["missing_keys"] - UNUSED):
        raise UserError(
            f"wav2vec 2.0 {name}: {len(missing)} weights are missing, the first is {missing[0]}",
            code="pretrained-incomplete",
        )
    return model


def steps(config: Wav2Vec2Config, samples: int) -> int:
    """Hidden states of a segment: what the convolutions leave of ``samples``."""
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        samples = (samples - kernel) // stride + 1
    return samples


@lru_cache(maxsize=1)
def revision(name: str) -> str:
    """What names the weights: their revision on the hub, or a digest of the folder's configuration and weights.

    Raises:
        UserError: as :func:`configuration`; or the hub's cache does not have the model.
    """
    configuration(name)
    if not os.path.isdir(name):
        from huggingface_hub import constants, try_to_load_from_cache

        cached = try_to_load_from_cache(name, "config.json")
        if not isinstance(cached, str):  # None, or a mark that the hub has no such file
            raise UserError(
                f"wav2vec 2.0 {name}: not in the cache of the Hugging Face hub, {constants.HF_HUB_CACHE}, so nothing "
                "says which revision it is: set HF_HOME to where it was fetched to, remove the model from the cache to "
                "have it fetched again, or give the folder of the model",
                code="pretrained-not-cached",
            )
        return Path(cached).parent.name
    files = sorted(Path(name).iterdir())
    weights = [path for path in files if path.name == "config.json" or path.suffix in (".safetensors", ".bin")]
    return digest({path.name: file_digest(path) for path in weights})


def _from_pretrained(name: str) -> Any:
    """The model, and what was found in its files; transformers does not type the pair."""
    from transformers import Wav2Vec2Model

    return Wav2Vec2Model.from_pretrained(name, output_loading_info=True, use_safetensors=True)


def _unreadable(name: str, error: Exception) -> UserError:
    reason = str(error).strip().split("\n")[0]
    return UserError(
        f"wav2vec 2.0 {name}: cannot be read ({reason}); expected a folder with config.json and model.safetensors, or "
        "the name of a model on the Hugging Face hub, as facebook/wav2vec2-base-960h, which is fetched on first use",
        code="pretrained-unreadable",
    )
