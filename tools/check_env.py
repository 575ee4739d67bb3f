"""Exit 0 when this Python has the requirements of pyproject.toml, else list the missing ones; standard library only.

usage: check_env.py [--activated] [EXTRA ...]
  --activated   only a virtualenv or a conda environment counts
  EXTRA         names of required extras
"""

import os
import re
import sys


def main(arguments):
    """Return a message for the user, or None when nothing is missing."""
    if sys.version_info < (3, 10):  # noqa: UP036  this file runs with any Python
        return f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old: 3.10 or newer is needed"
    if arguments[:1] == ["--activated"]:
        del arguments[0]
        if sys.prefix == sys.base_prefix and not os.path.isdir(os.path.join(sys.prefix, "conda-meta")):
            return f"{sys.executable} belongs to no virtualenv and no conda environment"
    missing = sorted(name for name in requirements(arguments) if not installed(name))
    return f"{sys.executable} lacks {', '.join(missing)}" if missing else None


def requirements(extras):
    """Return the names of the distributions that pyproject.toml requires, those of extras included."""
    try:
        import tomllib
    except ImportError:  # Python 3.10
        from pip._vendor import tomli as tomllib
    with open(os.path.join(os.path.dirname(__file__), "..", "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)["project"]
    waiting, names = [*project["dependencies"]], set()
    for extra in extras:
        waiting += project["optional-dependencies"][extra]
    while waiting:
        name, inner = re.match(r"([\w.-]+)(?:\[([\w,]+)\])?", waiting.pop()).groups()
        if name == project["name"]:  # an extra that consists of other extras
            waiting += [one for extra in inner.split(",") for one in project["optional-dependencies"][extra]]
        else:
            names.add(name)
    return names


def installed(name):
    """Return whether a distribution is installed, in any version."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
