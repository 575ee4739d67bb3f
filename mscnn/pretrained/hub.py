"""Networks of the package transformers, from a folder or the Hugging Face hub: configuration, weights, revision."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mscnn import packages
from mscnn.errors import UserError
from mscnn.files import digest, file_digest
from mscnn.packages import require

WHISPER = "whisper"
MOST, MOST_LAYERS = 10**9, 1000  # of the numbers of a configuration


@dataclass(frozen=True)
class Kind:
    """What a caller takes.

    Attributes:
        title: its name in messages.
        example: a model of this kind on the hub.
        types: ``model_type`` of its configuration; empty: any.
        unused: beginnings of the names of weights that a published model may lack, since they are not used here.
        described_by: files besides ``config.json`` and the weights on which results depend (patterns).
    """

    title: str
    example: str
    types: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    described_by: tuple[str, ...] = ()


MASK = "masked_spec_embed"  # replaces masked frames in training; fine-tuned published models lack it
WAV2VEC2 = Kind("wav2vec 2.0", "facebook/wav2vec2-base-960h", ("wav2vec2",), (MASK,))


def available(name: str, kind: Kind, files: Sequence[str] = ("config.json",)) -> None:
    """Raise UserError where the package is not installed, or a folder has none of ``files``; nothing is downloaded."""
    packages.check("transformers", f"{kind.title} {name}")
    folder = Path(name)
    if (folder.is_absolute() or folder.is_dir()) and not any((folder / file).is_file() for file in files):
        lacks = f"the folder has no {' or '.join(files)}" if folder.is_dir() else "no such folder"
        raise UserError(f"{kind.title} {name}: {lacks}", code="file-missing")


def configuration(name: str, kind: Kind) -> Any:
    """Configuration of a model, given by folder or by name on the hub.

    Raises:
        UserError: the package is not installed (``package-missing``), the model is not available
            (``pretrained-unreadable``), or it is of another kind (``pretrained-kind``).
    """
    require("transformers", f"{kind.title} {name}")
    from transformers import AutoConfig

    if os.path.isabs(name) and not os.path.isdir(name):
        raise unreadable(name, kind, FileNotFoundError("no such folder"))
    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=False)  # None asks, and runs code of the model
    except Exception as error:  # the library raises many kinds of errors for a damaged folder
        raise unreadable(name, kind, error) from None
    for key, value in config.to_dict().items():
        if isinstance(value, int) and value > (most := MOST_LAYERS if key.endswith("layers") else MOST):
            raise unreadable(name, kind, ValueError(f"{key} is {value:.0e}, and at most {most}"))
    if kind.types and config.model_type not in kind.types:
        raise UserError(
            f"{kind.title} {name}: expected model_type {' or '.join(kind.types)}, found {config.model_type}",
            code="pretrained-kind",
        )
    return config


def network(name: str, kind: Kind) -> Any:
    """The network in evaluation mode, float32, without heads; of Whisper, the encoder. It is downloaded where needed.

    Raises:
        UserError: as :func:`configuration`; or the weights are damaged (``pretrained-unreadable``), or some are missing
            (``pretrained-incomplete``).
    """
    config = configuration(name, kind)
    import torch
    from transformers import AutoModel
    from transformers.models.whisper.modeling_whisper import WhisperEncoder
    from transformers.utils import logging

    logging.set_verbosity_error()  # missing weights are checked below
    logging.disable_progress_bar()
    options: dict[str, Any] = {"output_loading_info": True, "dtype": torch.float32}
    try:
        if config.model_type == WHISPER:
            encoder: Any = WhisperEncoder  # the decoder is not read
            model, loading = encoder.from_pretrained(name, key_mapping={r"^(model\.)?encoder\.": ""}, **options)
        else:
            model, loading = AutoModel.from_pretrained(name, trust_remote_code=False, **options)
    except Exception as error:
        raise unreadable(name, kind, error) from None
    if missing := sorted(key for key in loading["missing_keys"] if not key.startswith(kind.unused)):
        raise UserError(
            f"{kind.title} {name}: {len(missing)} weights are missing, the first is {missing[0]}",
            code="pretrained-incomplete",
        )
    return model.eval()


def steps(config: Any, samples: int) -> int:
    """Number of hidden states of ``samples`` samples, after the convolutions of wav2vec 2.0 and its kin."""
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        samples = (samples - kernel) // stride + 1
    return samples


@lru_cache(maxsize=8)
def revision(name: str, kind: Kind) -> str:
    """Identity of a model: its revision on the hub, or a digest of its files in the folder.

    Raises:
        UserError: as :func:`configuration`; or the model is not in the local cache of the hub
            (``pretrained-not-cached``).
    """
    configuration(name, kind)
    return folder_digest(Path(name), kind.described_by) if os.path.isdir(name) else cached_revision(name, kind)


def folder_digest(folder: Path, patterns: tuple[str, ...] = ()) -> str:
    """Digest of ``config.json``, of the weights, and of the files of these patterns in a folder."""
    described = {path for pattern in patterns for path in folder.glob(pattern)}
    weights = {
        path for path in folder.iterdir() if path.name == "config.json" or path.suffix in (".safetensors", ".bin")
    }
    return digest({path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(described | weights)})


def cached_revision(name: str, kind: Kind) -> str:
    """Revision of a model in the local cache of the hub; raises UserError where it is not there."""
    from huggingface_hub import constants, try_to_load_from_cache

    cached = try_to_load_from_cache(name, "config.json")
    if not isinstance(cached, str):  # None, or a marker that the hub has no such file
        raise UserError(
            f"{kind.title} {name}: not in the cache of the Hugging Face hub, {constants.HF_HUB_CACHE}, so its "
            "revision is unknown: set HF_HOME to the folder of the download, remove the model from the cache and "
            "run again, or give the folder of the model",
            code="pretrained-not-cached",
        )
    return Path(cached).parent.name


def unreadable(name: str, kind: Kind, error: Exception) -> UserError:
    """The error for a model that cannot be read."""
    fix = (
        f"expected a folder with config.json and model.safetensors, or the name of a model on the Hugging Face hub, as "
        f"{kind.example}, which is downloaded on first use"
    )
    if not os.path.exists(name) and not os.path.isabs(name):
        fix += (
            f"; without internet access here, run elsewhere: hf download {name} --local-dir FOLDER, and give the folder"
        )
    return UserError(f"{kind.title} {name}: cannot be read ({reason(error)}); {fix}", code="pretrained-unreadable")


def reason(error: Exception) -> str:
    """First line of the message of an error of a library."""
    return str(error).strip().split("\n")[0]
