"""Label maps: from the labels of a corpus to an ordered list of classes."""

from collections.abc import Mapping
from dataclasses import dataclass

from mscnn.config import schema
from mscnn.errors import UserError
from mscnn.paths import composed, conf, why_no_name


@dataclass(frozen=True)
class _File:
    """What a file of ``conf/labels`` has: all of it, although ``drop`` may be null.

    Attributes:
        name: name of the map, that of its file.
        corpus: the corpus whose labels it maps, a name in conf/corpora or mscnn/corpora.
        classes: the classes in order, one word each; predictions, scores and bundles keep this order.
        map: class of each label of the corpus.
        drop: labels whose utterances are excluded.
        field: the field of the description of a corpus (conf/corpora) that has these labels; by default its label.
    """

    name: str
    corpus: str
    classes: tuple[str, ...]
    map: Mapping[str, str]
    drop: tuple[str, ...] | None
    field: str = "label"

    def __post_init__(self) -> None:
        labels = [composed(label) for label in self.map]
        if twice := next((label for label in labels if labels.count(label) > 1), ""):
            raise UserError(f"the label {twice} is mapped twice, in two forms of Unicode", code="labels-twice")
        object.__setattr__(self, "classes", tuple(map(composed, self.classes)))
        object.__setattr__(self, "map", dict(zip(labels, map(composed, self.map.values()), strict=True)))
        object.__setattr__(self, "drop", self.drop and tuple(map(composed, self.drop)))
        for name in self.classes:
            if why := why_no_name(name):
                raise UserError(f"classes: {name!r} is no name of a class: {why}", code="labels-class")
        contradicting = self.map.keys() & {*(self.drop or ())}
        if contradicting:
            raise UserError(f"labels both mapped and dropped: {', '.join(sorted(contradicting))}", code="labels-twice")
        if len({*self.classes}) < len(self.classes) or {*self.map.values()} != {*self.classes}:
            raise UserError(
                f"'classes' ({', '.join(self.classes)}) and the values of 'map' must be the same set of names",
                code="labels-class",
            )


@dataclass(frozen=True)
class LabelMap:
    """Ordered classes, and the class of each label of the corpus (None: utterances with it are excluded).

    ``field`` names what has the labels, in a corpus that has several sets of them.
    """

    name: str
    corpus: str
    classes: tuple[str, ...]
    mapping: Mapping[str, str | None]
    field: str = "label"

    @classmethod
    def load(cls, name: str) -> "LabelMap":
        """The map in ``conf/labels/<name>.yaml`` (or in the YAML file ``name``).

        Raises:
            UserError: as :func:`schema.load`; or a label is mapped twice, or a class is unknown or has no label.
        """
        file = schema.load(conf("labels", name), _File)
        return cls(file.name, file.corpus, file.classes, {**file.map, **dict.fromkeys(file.drop or ())}, file.field)

    def apply(self, raw: str) -> str | None:
        """Class of a label of the corpus, None where the map drops it.

        Raises:
            UserError: the map does not know the label (``label-unknown``).
        """
        if raw not in self.mapping:
            raise UserError(
                f"label {raw!r} is not in label map {self.name}; known: {', '.join(sorted(self.mapping))}",
                code="label-unknown",
            )
        return self.mapping[raw]
