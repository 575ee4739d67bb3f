"""Where the repository keeps its facts."""

from pathlib import Path

from mscnn.errors import UserError
from mscnn.files import read_yaml

ROOT = Path(__file__).resolve().parent.parent


def conf(kind: str, name: str) -> Path:
    """Return ``conf/<kind>/<name>.yaml``, or ``name`` itself where it is the path of a YAML file.

    Raises:
        UserError: there is no such file; the message lists the names that exist.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else ROOT / "conf" / kind / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in (ROOT / "conf" / kind).glob("*.yaml")))
        raise UserError(f"{path}: no such file; conf/{kind} has: {known}. Or give the path of a .yaml file")
    return path


def read_conf(kind: str, name: str) -> dict:
    """Read the configuration ``conf/<kind>/<name>.yaml`` (see :func:`conf`)."""
    return read_yaml(conf(kind, name))
