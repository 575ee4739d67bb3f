"""Faults a user can mend."""

from collections.abc import Sequence


class UserError(Exception):
    """A fault the user can mend: the message says what, where, why it matters and the cure.

    Entry points print it as ``error: ...`` and exit 1; it never reaches the user as a traceback.
    """


class DataErrors(UserError):
    """Several faults found together, listed one a line: the first ``most``, where a number is given."""

    def __init__(self, summary: str, faults: Sequence[str], most: int | None = None) -> None:
        self.faults = list(faults)
        listed = self.faults[:most]
        if len(listed) < len(self.faults):
            listed.append(f"… and {len(self.faults) - len(listed)} more")
        super().__init__("\n  ".join([summary, *listed]))
