"""The toy corpus of the tests of training."""

from tests.unit.training.conftest import in_process, toy  # noqa: F401
