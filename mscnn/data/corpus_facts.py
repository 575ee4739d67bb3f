"""``corpus.yaml`` of a recipe: what the model card says of a corpus that its data directory does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mscnn.config import schema

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
        return schema.load(path, cls) if path else None
