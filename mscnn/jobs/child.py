"""Child process of :class:`mscnn.jobs.worker.Worker`: it executes the calls that it receives until its parent ends."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import threading

from mscnn import log
from mscnn.files import written_to
from mscnn.jobs.job import Job, execute


def run_logged(text: str, append: bool) -> int:
    """Run a job in JSON of the parent, which may call anything; its output, also of C libraries, is written to its log.

    ``append``: what the log has from earlier is kept.

    Returns:
        0, or 1 where it failed.
    """
    job = Job.from_json(text, anywhere=True)
    with written_to(job.log), open(job.log, "a", encoding="utf-8") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            log.setup()
            return execute(job, append)


def _end_with_parent(lifeline: int) -> None:
    """Exit when the parent ends: an orphan would write to the same files as the next run."""
    os.read(lifeline, 1)
    os._exit(1)


def main() -> None:
    """Serve pickled calls: (function, arguments) in, (True, result) or (False, error) out."""
    threading.Thread(target=_end_with_parent, args=(int(sys.argv[1]),), name="mscnn-parent", daemon=True).start()
    calls, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # standard output of a call must not mix with the replies
    log.setup()
    while True:
        try:
            function, args = pickle.load(calls)
        except EOFError:
            os._exit(0)
        try:
            reply = True, function(*args)
        except Exception as error:  # raised again in the parent
            reply = False, error
        pickle.dump(reply, replies)
        replies.flush()
