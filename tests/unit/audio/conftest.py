"""Fixtures that the tests of corpora and of the audit have, too."""

from tests.unit.corpora.conftest import release, write_wav  # noqa: F401
from tests.unit.leakage.conftest import make, protocol, tables  # noqa: F401
