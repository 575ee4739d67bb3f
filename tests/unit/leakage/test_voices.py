"""Voices on both sides of a fold, found by x-vectors."""

import numpy as np
import pytest

from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Protocol
from mscnn.leakage.voices import SHARED, shared_voices, warn_of_voices

VOICES, EACH, DIM = 10, 12, 16


@pytest.fixture
def make(tmp_path):
    """Function that makes a data directory of ten voices, and its x-vectors: (named: whether it has speakers)."""

    def run(named: bool) -> tuple[DataDir, str]:
        rng = np.random.default_rng(3)
        centres = rng.standard_normal((VOICES, DIM))
        utts, vectors = [], {}
        for voice in range(VOICES):
            for n in range(EACH):
                utt = f"v{voice}-{n:02d}"
                utts.append(utt)
                vectors[utt] = (5 + centres[voice] + 0.7 * rng.standard_normal(DIM)).astype(np.float32)
        (tmp_path / "xv").mkdir(exist_ok=True)
        lines = []
        for utt, vector in vectors.items():
            (tmp_path / "xv" / utt).write_text("[ " + " ".join(map(str, vector)) + " ]\n")
            lines.append(f"{utt} {tmp_path / 'xv' / utt}\n")
        (tmp_path / "xvector.scp").write_text("".join(lines))
        table = dict.fromkeys(utts, "")
        speakers = {utt: utt[:2] if named else "unknown" for utt in utts}
        emotions = {utt: "ab"[int(utt[-2:]) % 2] for utt in utts}
        data = DataDir(tmp_path, {}, table, speakers, emotions, dict.fromkeys(utts, 1.0))
        return data, str(tmp_path / "xvector.scp")

    return run


def test_the_share_tells_random_folds_from_folds_with_disjoint_speakers(make):
    data, scp = make(named=True)
    random = shared_voices(Protocol.load("random5").folds(data), data, scp)
    disjoint = shared_voices(Protocol.load("k_speakers").folds(data), data, scp)
    assert disjoint < SHARED / 2 < SHARED < random < 0.65


def test_a_corpus_without_speakers_is_warned_of(make, caplog):
    data, scp = make(named=False)
    assert warn_of_voices(data, ["random5"], scp) == ["random5"] and "random5" in caplog.text
    data, scp = make(named=True)
    assert not warn_of_voices(data, ["random5"], scp)
