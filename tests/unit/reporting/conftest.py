"""The hand-made experiment of the evaluation's tests."""

from tests.unit.evaluation.conftest import experiment, folder  # noqa: F401
