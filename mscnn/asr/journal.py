"""Transcripts kept as they come, so that an interruption costs one utterance and no engine is paid twice."""

from pathlib import Path

from mscnn.files import atomic


class Journal:
    """Finished transcripts of one engine with one set of options, in a folder of their own.

    ``done.tsv`` has what earlier runs finished; each job of the current run appends to its ``partial.JOB.tsv``. A line
    is ``utterance TAB digest of its audio TAB transcript``. A line that was cut short has no newline: it does not
    count.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def job(self, number: int) -> Path:
        """File for the transcripts of one job of this run."""
        return self.path / f"partial.{number}.tsv"

    def collect(self) -> dict[tuple[str, str], str]:
        """Gather all files into ``done.tsv``; returns (utterance, digest of its audio) -> transcript.

        The partial files are removed: a process that outlived its run writes into the void, never between our lines.
        """
        partial = sorted(self.path.glob("partial.*.tsv"))
        done: dict[tuple[str, str], str] = {}
        for file in [self.path / "done.tsv", *partial]:
            whole = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
            for line in whole:
                utt, audio, text = line.decode("utf-8").split("\t")
                done[utt, audio] = text
        if partial:
            with atomic(self.path / "done.tsv") as out:
                out.writelines(f"{utt}\t{audio}\t{done[utt, audio]}\n" for utt, audio in sorted(done))
        for file in partial:
            file.unlink()
        return done
