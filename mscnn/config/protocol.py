"""Types of the values in a file of ``conf/protocols``; ``mscnn.data.protocols`` splits data by it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field
from typing_extensions import Required, TypedDict

from mscnn.config.schema import Count, Seed, Share, matching

Group: TypeAlias = Literal["speaker", "session", "scene", "scenario", "side"]
Attribute: TypeAlias = Literal["speaker", "session", "scene", "scenario", "side", "text"]
# names are part of file names and score lines
Name: TypeAlias = Annotated[str, matching("[A-Za-z0-9_-]+", "letters, digits, - and _")]
Version: TypeAlias = Annotated[int, Field(ge=1)]
Aggregate: TypeAlias = Literal["fold-mean", "pooled"]
Legacy: TypeAlias = Literal["legacy_test_best"]

ATTRIBUTES = get_args(Attribute)  # attributes in which parts can be disjoint
AGGREGATES = get_args(Aggregate)
Disjoint: TypeAlias = Mapping[str, Sequence[Attribute]]  # train-test, train-dev and dev-test


class Choice(TypedDict, total=False):
    """How test or dev is chosen: a scheme and its options.

    Attributes:
        scheme: name of the scheme.
        folds: number of folds.
        seed: of the random numbers.
        by: attribute whose values make the groups, or several that count together.
        name: the group that is meant, a value of ``by``; of predefined, the value of utt2split that is tested.
        lists: folder of id lists, relative to the file.
        share: share of each class that is drawn.
    """

    scheme: Required[str]
    folds: Count
    seed: Seed
    by: Group | Sequence[Group]
    name: str
    lists: str
    share: Share
