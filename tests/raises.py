"""How tests expect an error: by its code, and by the names and numbers that its message must hold."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mscnn.errors import UserError


@contextmanager
def fails(code: str, *names: object) -> Iterator[pytest.ExceptionInfo[UserError]]:
    """The block must raise a UserError of this code whose message holds each of ``names`` (ids, paths, numbers)."""
    with pytest.raises(UserError) as caught:
        yield caught
    check(caught.value, code, *names)


def check(error: UserError, code: str, *names: object) -> None:
    """An error has this code, and its message holds each of ``names``."""
    assert error.code == code, f"expected the code {code!r}, found {error.code!r}: {error}"
    for name in names:
        assert str(name) in str(error), f"{name!s} is not in: {error}"
