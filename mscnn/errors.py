"""Errors that a user can fix."""

import errno
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

KEPT = "\n\t\u200c\u200d"  # line ends, and zero-width characters that words of many scripts are written with
MOST_OF_A_KIND = 10  # issues that are listed; the others are counted


SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


def explained(error: OSError) -> str:
    """What an error of the file system is about, where, and what fixes it, in one line."""
    fix = {
        **dict.fromkeys(SPACE, "free space or raise the quota"),
        **dict.fromkeys(DENIED, "allow writing and reading there, or use another folder"),
        errno.EISDIR: "a file is to be written or read there: remove the folder, or choose another name",
        errno.EMFILE: "raise the limit of open files (ulimit -n)",
    }.get(error.errno or 0)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}" + (f"; {fix}, then run the same command again" if fix else "")


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


def printable(text: str) -> str:
    """Text for terminals and logs: control characters, and bytes of names that are not UTF-8, as ``\\x1b``.

    Names and labels of corpora may have such that recolour a terminal, or reorder what is shown.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in KEPT else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name, as Python represents it
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


@dataclass(frozen=True)
class Issue:
    """One of several errors: its kind (``code``), and a message that says what, where and the fix."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


def listed(issues: Sequence[Issue], most: int = MOST_OF_A_KIND) -> Iterator[str]:
    """A line for each issue, in order; after ``most`` of a kind (code), one line with the number of the others."""
    totals, seen = Counter(issue.code for issue in issues), Counter[str]()
    for issue in issues:
        seen[issue.code] += 1
        if seen[issue.code] <= most:
            yield str(issue)
        if seen[issue.code] == most + 1:
            yield f"… and {totals[issue.code] - most} more of {issue.code}"


class DataErrors(UserError):
    """Several issues found together; the message lists the first ``most`` of each kind (code), one per line.

    Attributes:
        issues: all of them, listed or not.
    """

    def __init__(self, summary: str, issues: Sequence[Issue], most: int = MOST_OF_A_KIND, *, code: str) -> None:
        self.issues = list(issues)
        super().__init__("\n  ".join([summary, *listed(self.issues, most)]), code=code)


def _restore(kind: type[UserError], args: tuple, state: dict) -> UserError:
    """An error of a kind, without its ``__init__``."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
