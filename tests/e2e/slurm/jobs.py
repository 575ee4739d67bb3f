"""Jobs for a cluster: ``python -m tests.e2e.slurm.jobs FOLDER NUMBER [BAD]`` writes NUMBER tables, one by one.

The tables BAD, BAD + 1, … have a folder in their place: these jobs fail. Results have three seconds to be seen.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mscnn import log
from mscnn.errors import UserError
from mscnn.files import write_table
from mscnn.jobs import run_jobs, slurm


def main() -> int:
    """Run the jobs; returns 1 where some fail."""
    folder, number, bad = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None
    log.setup()
    slurm.GRACE = 3.0
    tables = [folder / f"{i}.tsv" for i in range(number)]
    todo = [path for path in tables if not path.is_file()]
    for path in tables[bad:] if bad is not None else []:
        path.mkdir(parents=True, exist_ok=True)
    calls = [(path, {"name": "a b$(c)", "path": Path("%a/'")}) for path in todo]
    try:
        run_jobs(write_table, calls, nj=1, step="write", log_dir=folder / "log", writes=[[path] for path in todo])
    except UserError as error:
        print(f"error[{error.code}]: {error}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
