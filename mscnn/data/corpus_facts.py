"""Facts about a corpus for the model card: ``corpus.yaml`` of a recipe, or the description in ``conf/corpora``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from mscnn.config import schema
from mscnn.config.corpus import Description
from mscnn.paths import names
from mscnn.text.language import check_tags

FILE = "corpus.yaml"


@dataclass(frozen=True)
class CorpusFacts:
    """Facts about a corpus.

    Attributes:
        name: name of the corpus.
        about: speakers, language, topics, and the origin of the labels.
        source: paper or web address.
        licence: terms of use.
        limits: sentences about what scores on it do not show.
        quirks: what is irregular in the release, and what is done about it.
        synthetic: whether the recordings are synthesised.
        language: tags of the spoken languages, separated by blanks; empty: not known.
        hours: hours of speech of data sets, for estimates before stage 1 has made them.
    """

    name: str
    about: str
    source: str = ""
    licence: str = ""
    limits: tuple[str, ...] = ()
    synthetic: bool = False
    quirks: tuple[str, ...] = ()
    hours: Mapping[str, float] = field(default_factory=dict)
    language: Annotated[str, AfterValidator(check_tags)] = ""

    @classmethod
    def find(cls, data: Path) -> CorpusFacts | None:
        """Facts of the corpus that a folder of a recipe belongs to, such as ``egs/NAME/data/SET`` or ``egs/NAME/exp``.

        Returns:
            content of ``corpus.yaml`` in this folder or in one of the two above it; None where there is no such file.

        Raises:
            UserError: the file has unknown or missing keys, or values of a wrong type.
        """
        folders = (data.resolve(), *data.resolve().parents[:2])
        path = next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)
        return schema.load(path, cls) if path else None

    @classmethod
    def described(cls, corpus: str) -> CorpusFacts | None:
        """Facts in the description ``conf/corpora/<corpus>.yaml``; None where there is none.

        Raises:
            UserError: the description is not valid.
        """
        if corpus not in names("corpora"):
            return None
        about = Description.load(corpus)
        return cls(about.name, about.about, about.source, about.licence, about.limits, language=about.language)
