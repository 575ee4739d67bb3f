"""The toy corpus of the tests of training, for models to be put to work on."""

from tests.unit.training.conftest import toy  # noqa: F401
