"""Journal of transcripts: an interruption loses one utterance at most, and none is transcribed twice."""

from contextlib import suppress
from pathlib import Path

from mscnn.files import atomic


class Journal:
    """Finished transcripts of one engine with one set of options, in one folder.

    ``done.tsv`` has the transcripts of finished runs; each job appends to its ``partial.JOB.tsv``. A line is
    ``utterance TAB digest of its audio TAB transcript``. A truncated line, without a newline, is ignored.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def job(self, number: int) -> Path:
        """Path of the transcripts of one job."""
        return self.path / f"partial.{number}.tsv"

    def read(self) -> dict[tuple[str, str], str]:
        """(utterance, digest of its audio) -> transcript, of all files; jobs may be writing."""
        files = [self.path / "done.tsv", *self._partial()]
        return {(utt, audio): text for file in files for utt, audio, text in lines(file)}

    def collect(self) -> dict[tuple[str, str], str]:
        """As :meth:`read`; merges all files into ``done.tsv``, and removes those of jobs, which must have ended."""
        partial, done = self._partial(), self.read()
        if partial:
            with atomic(self.path / "done.tsv") as out:
                out.writelines(f"{utt}\t{audio}\t{done[utt, audio]}\n" for utt, audio in sorted(done))
        for file in partial:
            file.unlink()
        return done

    def _partial(self) -> list[Path]:
        return sorted(self.path.glob("partial.*.tsv"))


def lines(file: Path) -> list[tuple[str, str, str]]:
    """Complete lines of a file of a journal: utterance, digest of its audio, transcript."""
    complete = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    found = []
    for line in complete:
        with suppress(ValueError):  # a damaged line: its utterance is transcribed again
            utt, audio, text = line.decode("utf-8").split("\t")
            found.append((utt, audio, text))
    return found
