"""What a file of ``conf/protocols`` may say; ``mscnn.data.protocols`` cuts data by it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field
from typing_extensions import Required, TypedDict

Group: TypeAlias = Literal["speaker", "session", "scene", "scenario", "side"]
Attribute: TypeAlias = Literal["speaker", "session", "scene", "scenario", "side", "text"]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]  # it names files, and stands in score lines
Version: TypeAlias = Annotated[int, Field(ge=1)]
Aggregate: TypeAlias = Literal["fold-mean", "pooled"]
Legacy: TypeAlias = Literal["legacy_test_best"]

ATTRIBUTES = get_args(Attribute)  # what parts can be disjoint in
AGGREGATES = get_args(Aggregate)
Disjoint: TypeAlias = Mapping[str, Sequence[Attribute]]  # train-test, train-dev and dev-test


class Choice(TypedDict, total=False):
    """How test or dev are chosen: a scheme, and the options that it takes.

    Attributes:
        scheme: name of the scheme.
        folds: number of folds.
        seed: of the random numbers.
        by: attribute whose values make the groups, or several that count together.
        name: the group that is meant, a value of ``by``.
        lists: folder of id lists, relative to the file.
        share: share of each class that is drawn.
    """

    scheme: Required[str]
    folds: Annotated[int, Field(ge=1)]
    seed: int
    by: Group | Sequence[Group]
    name: str
    lists: str
    share: Annotated[float, Field(gt=0, lt=1)]
