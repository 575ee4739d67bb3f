"""Speech and data directories for the tests of ASR engines."""

import numpy as np
import pytest
import soundfile

from mscnn.data.datadir import DataDir

RATE = 16000


@pytest.fixture(scope="session")
def sentences():
    """Text -> speech of a synthetic voice in a quiet room, float32 at 16 kHz."""
    import soxr

    from mscnn.synthetic.espeak import Espeak

    voice, room = Espeak(), np.random.default_rng(0)
    speech = {}
    for text in ("this is the best day of my life", "we did it", "please sign the form here"):
        said = voice.say(text, "en-us+edward", rate=165) / np.float32(32768)
        said = np.pad(soxr.resample(said, voice.rate, RATE), RATE // 10)
        speech[text] = (said + 5e-4 * room.standard_normal(len(said))).astype(np.float32)
    return speech


@pytest.fixture
def make_data(tmp_path):
    """Writes a data directory of {utterance: (samples, words)}; utterances are named SPEAKER-NAME."""

    def make(content, **tables):
        for utt, (samples, _) in content.items():
            (tmp_path / "wav").mkdir(exist_ok=True)
            soundfile.write(tmp_path / "wav" / f"{utt}.wav", samples, RATE, subtype="PCM_16")
        path = tmp_path / "data" / "toy"
        DataDir.write(
            path,
            {
                "wav.scp": {utt: tmp_path / "wav" / f"{utt}.wav" for utt in content},
                "text": {utt: words for utt, (_, words) in content.items()},
                "utt2spk": {utt: utt.partition("-")[0] for utt in content},
                "utt2emo": dict.fromkeys(content, "neutral"),
                "utt2dur": {utt: len(samples) / RATE for utt, (samples, _) in content.items()},
                **tables,
            },
        )
        return DataDir.load(path)

    return make
