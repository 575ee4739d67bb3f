"""Errors that a user can fix."""

from collections.abc import Sequence
from dataclasses import dataclass


class UserError(Exception):
    """An error the user can fix: the message says what, where, why it matters, and the fix.

    Entry points print it as ``error[code]: message`` and exit 1; it never reaches the user as a traceback.

    Attributes:
        code: name of the kind of error, in kebab case; tests and programs compare it, the message may change.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple:
        """Pickle it as it is: jobs and workers send errors from process to process."""
        return _restore, (type(self), self.args, self.__dict__)


@dataclass(frozen=True)
class Issue:
    """One of several errors: its kind (``code``), and a message that says what, where and the fix."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


class DataErrors(UserError):
    """Several issues found together; the message lists the first ``most`` (None: all), one per line.

    Attributes:
        issues: all of them, listed or not.
    """

    def __init__(self, summary: str, issues: Sequence[Issue], most: int | None = None, *, code: str) -> None:
        self.issues = list(issues)
        listed = [str(issue) for issue in self.issues[:most]]
        if len(listed) < len(self.issues):
            listed.append(f"… and {len(self.issues) - len(listed)} more")
        super().__init__("\n  ".join([summary, *listed]), code=code)


def _restore(kind: type[UserError], args: tuple, state: dict) -> UserError:
    """An error of a kind, without its ``__init__``."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
