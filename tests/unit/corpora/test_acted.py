"""Descriptions of acted corpora: their miniatures with every irregularity of the releases, and EmoBox's lists."""

import shutil

import pytest

from mscnn.synthetic.miniature import write_noise, write_pointer
from tests.unit.corpora.described import Seeded, check_emobox, check_miniature, emobox


def test_miniature_of_ravdess(tmp_path):
    def seed(root, made):
        actor, other = (root / made[0].path).parent, (root / made[-1].path).parent
        shutil.copytree(other, root / "mirror" / other.name)  # one mirror has every recording twice
        for name in ("03-02-05-01-01-01-01", "01-01-05-01-01-01-01"):
            write_noise(actor / f"{name}.wav")
        write_noise(root / made[1].path, rate=48000)
        write_pointer(root / made[2].path)
        write_noise(actor / "03-01-09-01-01-01-01.wav")
        write_noise(actor / "03-01-05-01-01-01.wav")
        return Seeded(
            {"lfs-pointer": [made[2].path[-24:-4]], "unknown-code": ["03-01-09-01-01-01-01"]},
            {"malformed-name": 1},
            {"songs": 1, "recordings with video": 1, "second copies of a recording": 8},
        )

    check_miniature("ravdess", "ravdess8", tmp_path, seed)


RAVDESS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
EMOBOX = {  # corpus -> labels of EmoBox that have another name here, and keys that differ, with the reason
    "ravdess": ({label.capitalize(): label for label in RAVDESS}, {}),
    "emodb": ({"boredem": "boredom", "happy": "happiness", "sad": "sadness"}, {}),
}


@pytest.mark.parametrize("name", EMOBOX)
def test_names_of_emobox_are_understood(shared_dir, name):
    check_emobox(name, emobox(name, shared_dir), *EMOBOX[name])
