"""``corpus.yaml`` of a recipe: what the model card says of a corpus that its data directory does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import read_yaml

FILE = "corpus.yaml"


@dataclass(frozen=True)
class CorpusFacts:
    """A corpus in words.

    Attributes:
        name: what it is called.
        about: who speaks, in what language, of what; and where the labels come from.
        source: paper or address.
        licence: under which it may be used.
        limits: sentences; what scores on it do not tell.
        synthetic: whether a program made the recordings.
    """

    name: str
    about: str
    source: str = ""
    licence: str = ""
    limits: tuple[str, ...] = ()
    synthetic: bool = False

    @classmethod
    def find(cls, data: Path) -> CorpusFacts | None:
        """Those of a data directory, ``egs/NAME/data/SET``, or of another folder of a recipe, ``egs/NAME/exp``.

        The file stands there or in one of the two folders above.

        Raises:
            UserError: the file is there, and has unknown or missing keys, or values that are no text.
        """
        folders = (data.resolve(), *data.resolve().parents[:2])
        path = next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)
        return path and cls._read(path, read_yaml(path))

    @classmethod
    def _read(cls, path: Path, facts: Mapping[str, object]) -> CorpusFacts:
        known = cls.__dataclass_fields__
        faults = [f"unknown key {key}" for key in facts if key not in known]
        faults += [f"lacks {key}" for key in ("name", "about") if key not in facts]
        limits, synthetic = facts.get("limits") or [], facts.get("synthetic", False)
        texts = [facts[key] for key in ("name", "about", "source", "licence") if key in facts]
        texts += limits if isinstance(limits, list) else [limits, None]
        if not all(isinstance(text, str) for text in texts) or not isinstance(synthetic, bool):
            faults.append("limits must be a list of sentences, synthetic true or false, the others text")
        if faults:
            raise UserError(f"{path}: {'; '.join(faults)}; known keys: {', '.join(known)}")
        return cls(**{**facts, "limits": tuple(limits), "synthetic": synthetic})
