"""Label maps: from a corpus' own labels to an ordered list of classes."""

from collections.abc import Mapping
from dataclasses import dataclass

from mscnn.errors import UserError
from mscnn.files import read_yaml
from mscnn.paths import conf


@dataclass(frozen=True)
class LabelMap:
    """Ordered classes, and the class of each raw label (None: utterances with it are left out)."""

    name: str
    corpus: str
    classes: tuple[str, ...]
    mapping: Mapping[str, str | None]

    @classmethod
    def load(cls, name: str) -> "LabelMap":
        """Read ``conf/labels/<name>.yaml`` (or the YAML file ``name``).

        Raises:
            UserError: a key is missing, a raw label stands twice, or a class is unknown or never reached.
        """
        path = conf("labels", name)
        facts = read_yaml(path)
        absent = {"name", "corpus", "classes", "map", "drop"} - facts.keys()
        if absent:
            raise UserError(f"{path}: keys missing: {', '.join(sorted(absent))}")
        drop = facts["drop"] or ()
        if not isinstance(facts["map"], dict) or not isinstance(facts["classes"], list):
            raise UserError(f"{path}: expected 'classes' to be a list, and 'map' to map raw labels to them")
        if any(len(str(name).split()) != 1 for name in facts["classes"]):
            raise UserError(f"{path}: the name of a class is one word, without blanks")
        mapping = {**facts["map"], **dict.fromkeys(drop)}
        twice = facts["map"].keys() & set(drop)
        if twice:
            raise UserError(f"{path}: mapped and dropped at once: {', '.join(sorted(twice))}")
        if set(facts["map"].values()) != set(facts["classes"]):
            raise UserError(f"{path}: 'classes' and the values of 'map' must be the same set of names")
        return cls(facts["name"], facts["corpus"], tuple(facts["classes"]), mapping)

    def apply(self, raw: str) -> str | None:
        """Class of a raw label, None where the map drops it.

        Raises:
            UserError: the map does not know the label.
        """
        if raw not in self.mapping:
            raise UserError(f"label {raw!r} is not in label map {self.name}; known: {', '.join(sorted(self.mapping))}")
        return self.mapping[raw]
