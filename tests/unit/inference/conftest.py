"""The toy corpus of the tests of training, for models to be put to work on."""

from tests.unit.training.conftest import in_process, toy  # noqa: F401
