"""Exit 0 when this Python has every requirement, else say what it lacks; plain standard library, any Python 3.

usage: check_env.py [--activated] requirements.txt ...
"""

import os
import re
import sys


def main(arguments):
    """Return what a user should read, or None when all is there."""
    if sys.version_info < (3, 10):  # noqa: UP036  this file runs before anything has chosen a Python
        return f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old: 3.10 or newer is needed"
    if arguments[0] == "--activated":
        del arguments[0]
        if sys.prefix == sys.base_prefix and not os.path.isdir(os.path.join(sys.prefix, "conda-meta")):
            return f"{sys.executable} belongs to no virtualenv and no conda environment"
    lacking = sorted({name for path in arguments for name in requirements(path) if not installed(name)})
    return f"{sys.executable} lacks {', '.join(lacking)}" if lacking else None


def requirements(path):
    """Return the names of the distributions that a pin file lists."""
    with open(path, encoding="utf-8") as lines:
        return [re.match(r"[\w.-]+", line).group() for line in lines if line.strip() and not line.startswith("#")]


def installed(name):
    """Return whether a distribution is there, in whichever version."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
