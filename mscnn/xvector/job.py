"""A job of stage 2: x-vectors of consecutive utterances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    "mscnn.audio.video",
    "mscnn.features.dsp",
    "mscnn.xvector.nnet3",
    "mscnn.xvector.network",
    "mscnn.xvector.layers",
    "mscnn.xvector.frontend",
    "mscnn.xvector.modeldir",
    "mscnn.xvector.ge2e",
    "mscnn.xvector.job",
    "mscnn.xvector.native",
    "mscnn.xvector.kaldi",
)
TOO_SHORT = "shorter than a frame; use --unvoiced zero or drop"  # error of an utterance with --unvoiced all-frames


@dataclass(frozen=True)
class XvectorJob(ArchiveJob):
    """X-vectors of consecutive utterances of the sorted list.

    ``unvoiced`` is the treatment of utterances without a voiced frame; ``chunk_size`` is in frames; ``program``
    identifies the Kaldi programs and is empty for the native backend.
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
        """Path of the list of utterances without a voiced frame, one per line."""
        return self.out / "log" / f"unvoiced.{self.number}.txt"

    @property
    def outputs(self) -> list[Path]:
        """All files that the job writes."""
        return [*super().outputs, self.unvoiced_list, self.notices_list]

    @property
    def notices_list(self) -> Path:
        """Path of the notices on the recordings, one line ``utterance<tab>notice; notice`` per utterance."""
        return self.out / "log" / f"notices.{self.number}.tsv"

    def write_lists(self, utts: list[str], notices: Mapping[str, Sequence[str]]) -> None:
        """Write the list of utterances without a voiced frame, and that of the notices on the recordings."""
        with atomic(self.notices_list) as out:
            out.writelines(f"{utt}\t{'; '.join(found)}\n" for utt, found in notices.items())
        with atomic(self.unvoiced_list) as out:
            out.writelines(f"{utt}\n" for utt in utts)

    @property
    def stamp(self) -> Stamp:
        """Fingerprint of files, options and code."""
        model = XvectorModel.load(self.model)
        options = {
            "audio": [audio.fingerprint for audio in self.utterances],
            "options": (self.backend, self.program, self.unvoiced, self.chunk_size, self.convert, self.device),
            "libraries": {name: version(name) for name in model.libraries},
        }
        return Stamp(
            self.out / "log" / f"xvector.{self.number}.stamp",
            inputs=model.files,
            options=options,
            code=CODE,
        )
