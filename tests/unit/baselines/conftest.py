"""The toy corpus of the tests of training."""

from tests.unit.training.conftest import toy  # noqa: F401
