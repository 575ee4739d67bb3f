"""Transcripts from a file, made by another program."""

from dataclasses import dataclass
from pathlib import Path

from mscnn.asr.base import Engine, clean, log
from mscnn.data.datadir import DataDir
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.files import file_digest, read_table


@dataclass(frozen=True)
class TranscriptTable(Engine):
    """A Kaldi table ``utterance transcript``; keys are utterance ids, or corpus ids (without speaker and dash)."""

    file: str

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": "file", "table": Path(self.file).name, "digest": file_digest(self.file)}

    def transcribe(self, data: DataDir, out: Path, nj: int) -> dict[str, str]:
        """Transcript of every utterance; surplus keys of the table are logged.

        Raises:
            UserError: the table is malformed, or does not cover the data directory.
        """
        table = read_table(self.file)
        key = {utt: utt if utt in table else utt.partition("-")[2] for utt in data.utts}
        missing = [utt for utt in data.utts if key[utt] not in table]
        surplus = sorted(table.keys() - set(key.values()))
        if missing:
            issues = [Issue("transcript-missing", f"no transcript of {utt}") for utt in missing]
            issues += [Issue("utterance-unknown", f"no utterance for {name}") for name in surplus]
            raise DataErrors(
                f"{self.file}: {len(missing)} of {len(data.utts)} utterances of {data.path} are missing, and "
                f"{len(surplus)} of {len(table)} keys are not among them; every utterance needs a line, which may have "
                "an empty transcript. The first are:",
                issues,
                code="transcript-missing",
            )
        if surplus:
            log.info("%s: %d keys are not in %s, the first is %s", self.file, len(surplus), data.path, surplus[0])
        return {utt: clean(table[key[utt]]) for utt in data.utts}


def create(*, table: str | None = None) -> TranscriptTable:
    """The engine; raises UserError without a table."""
    if table is None:
        raise UserError(
            "engine file: no table; give the transcripts with --table FILE (lines 'utterance transcript')",
            code="option-missing",
        )
    return TranscriptTable(table)
