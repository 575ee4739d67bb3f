"""Job queue, on the backend that ``cmd.sh`` selects (``MSCNN_BACKEND``)."""

from mscnn.jobs.machine import MEMORY_SHARE, gpus, memory, processors
from mscnn.jobs.pool import workers
from mscnn.jobs.run import BACKENDS, run_jobs

__all__ = ["BACKENDS", "MEMORY_SHARE", "gpus", "memory", "processors", "run_jobs", "workers"]
