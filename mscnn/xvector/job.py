"""What one job of stage 2 is: a run of utterances, and how their x-vectors are made."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from mscnn.features.archive_jobs import ArchiveJob
from mscnn.files import atomic
from mscnn.stamp import Stamp
from mscnn.xvector.modeldir import XvectorModel

CODE = (
    "mscnn.audio.pcm",
    "mscnn.audio.read",
    "mscnn.features.dsp",
    "mscnn.xvector.nnet3",
    "mscnn.xvector.network",
    "mscnn.xvector.layers",
    "mscnn.xvector.frontend",
    "mscnn.xvector.modeldir",
    "mscnn.xvector.job",
    "mscnn.xvector.native",
    "mscnn.xvector.kaldi",
)
TOO_SHORT = "shorter than a frame; --unvoiced zero or drop accepts it"  # of utterances, with all-frames


@dataclass(frozen=True)
class XvectorJob(ArchiveJob):
    """X-vectors of a run of the sorted utterances.

    ``unvoiced`` is what becomes of utterances without a voiced frame; ``chunk_size`` is in frames; ``program`` says
    which Kaldi it is, and is empty for the native backend.
    """

    name: ClassVar[str] = "xvector"
    step: ClassVar[str] = "xvector"

    model: Path
    backend: str
    program: str
    unvoiced: str
    chunk_size: int
    device: str

    @property
    def unvoiced_list(self) -> Path:
        """File of the utterances without a voiced frame, one per line."""
        return self.out / "log" / f"unvoiced.{self.number}.txt"

    @property
    def outputs(self) -> list[Path]:
        """All files that the job writes."""
        return [*super().outputs, self.unvoiced_list]

    def write_unvoiced(self, utts: list[str]) -> None:
        """List the utterances without a voiced frame."""
        with atomic(self.unvoiced_list) as out:
            out.writelines(f"{utt}\n" for utt in utts)

    @property
    def stamp(self) -> Stamp:
        """Fingerprint of files, options and code."""
        options = {
            "audio": [audio.fingerprint for audio in self.utterances],
            "options": (self.backend, self.program, self.unvoiced, self.chunk_size, self.convert, self.device),
            "libraries": {name: version(name) for name in ("kaldi-native-fbank", "numpy", "torch")},
        }
        return Stamp(
            self.out / "log" / f"xvector.{self.number}.stamp",
            inputs=XvectorModel.load(self.model).files,
            options=options,
            code=CODE,
        )
