"""Jobs on the backend that ``cmd.sh`` selects (``MSCNN_BACKEND``)."""

from mscnn.jobs.local import BACKENDS, run_jobs, workers

__all__ = ["BACKENDS", "run_jobs", "workers"]
