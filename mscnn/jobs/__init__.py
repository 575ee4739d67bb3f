"""Job queue, on the backend that ``cmd.sh`` selects (``MSCNN_BACKEND``)."""

from mscnn.jobs.job import Need
from mscnn.jobs.machine import MEMORY_SHARE, gpu_memory, gpus, memory, processors
from mscnn.jobs.pool import workers
from mscnn.jobs.run import BACKENDS, STEPS, check_backend, run_jobs
from mscnn.jobs.settings import Settings

__all__ = [
    "BACKENDS",
    "MEMORY_SHARE",
    "STEPS",
    "Need",
    "Settings",
    "check_backend",
    "gpu_memory",
    "gpus",
    "memory",
    "processors",
    "run_jobs",
    "workers",
]
