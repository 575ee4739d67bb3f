"""Descriptions of corpora in many languages: miniatures with every irregularity of the releases, and EmoBox's lists."""

import json
import shutil
import zlib

import numpy as np
import pytest
import soundfile

from mscnn.corpora import read
from mscnn.synthetic.miniature import write_noise, write_pointer
from tests.unit.corpora.described import Seeded, check_emobox, check_miniature, check_recipe, emobox
from tests.videos import write_video


def stem(recording) -> str:
    return recording.path.rpartition("/")[2].rpartition(".")[0]


def truncate(path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def test_miniature_of_emovo(tmp_path):
    def seed(root, made):
        noise = np.random.default_rng(0).integers(-900, 900, (4800, 2)).astype(np.int16)
        soundfile.write(root / made[0].path, noise, 48000)  # the original release
        write_noise(root / "f1" / "dis-f4-b1.wav")
        truncate(root / made[1].path)
        (root / "f1" / ".DS_Store").write_bytes(b"x")
        return Seeded({"truncated-wav": [stem(made[1])]}, {"malformed-name": 1}, {"files that are not audio": 1})

    check_miniature("emovo", "emovo7", tmp_path, seed)


def test_miniature_of_nemo(tmp_path):
    head = ["file_id", "emotion", "raw_text", "normalized_text", "speaker_id", "gender", "age"]

    def write(root, rows):
        (root / "data.tsv").write_text("".join("\t".join(row) + "\n" for row in [head, *rows]), encoding="utf-8")

    def rows(made):
        return [
            [
                f"{stem(r)}.wav",
                r.groups["label"],
                "„Ród smoka” to serial.",
                "ród smoka",
                f"        {stem(r)[:3]}",
                "male",
                "23",
            ]
            for r in made
        ]

    def seed(root, made):
        write(root, [*rows(made)[1:], ["WR0_fear_90.wav", "fear", "Nie.", "nie", " WR0", "male", "23"]])
        write_pointer(root / made[2].path)
        write_noise(root / "samples" / "EB0_angry_1.wav")
        return Seeded(
            {"lfs-pointer": [stem(made[2])]},
            {"missing-transcript": 1, "row-without-file": 1, "malformed-name": 1},
        )

    check_miniature("nemo", "nemo6", tmp_path, seed, lambda root, made: write(root, rows(made)))
    assert {item.text for item in read("nemo", tmp_path / "nemo").items} == {"", "„Ród smoka” to serial."}


def test_miniature_of_aesdd(tmp_path):
    def seed(root, made):
        for name in ("anger/a06 (5)b.wav", "anger/a06 (5).wav", "disgust/d03 (01).wav", "sadness/s05 (3).wav"):
            write_noise(root / name)
        write_noise(root / "fear" / "f11 (7).wav")
        return Seeded({"known-bad": ["s05 (3)"]}, {"malformed-name": 1}, added=["a06 (5)b", "a06 (5)", "d03 (01)"])

    check_miniature("aesdd", "aesdd5", tmp_path, seed)
    speakers = {item.fields["stem"]: item.speaker for item in read("aesdd", tmp_path / "aesdd").items}
    assert (speakers["d03 (01)"], speakers["a06 (5)b"]) == ("1", "5")


@pytest.mark.parametrize("labels", ["jl5", "jl10"])
def test_miniature_of_jl(tmp_path, labels):
    def tables(root, made):
        for recording in made:
            (root / recording.path).with_suffix(".txt").write_text("Carl leaps into a jeep\n")
        (root / "readme.txt").write_text("not a transcript")

    def seed(root, made):
        (root / made[2].path).with_suffix(".txt").unlink()
        write_noise(root / made[1].path, rate=44100)
        write_noise(root / "male3_angry_1a_1.wav")
        return Seeded({}, {"missing-transcript": 1, "malformed-name": 1}, {"files that are not audio": len(made)})

    check_miniature("jl", labels, tmp_path, seed, tables)
    items = read("jl", tmp_path / "jl").items
    assert {item.gender for item in items if item.speaker.startswith("male")} == {"m"}
    assert {item.text for item in items} == {"", "Carl leaps into a jeep"}


@pytest.mark.parametrize("labels", ["shemo5", "shemo6"])
def test_miniature_of_shemo(tmp_path, labels):
    def tables(root, made):
        rows = {stem(r): {"speaker_id": stem(r)[:3], "transcript": "مگه من", "ipa": "mege"} for r in made}
        (root / "shemo.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")

    def seed(root, made):
        neutral = next(r for r in made if r.groups["emotion"] == "N")
        rows = json.loads((root / "shemo.json").read_text(encoding="utf-8"))
        del rows[stem(neutral)]
        (root / "shemo.json").write_text(json.dumps(rows), encoding="utf-8")
        write_noise(root / made[0].path, rate=22050)
        write_noise(root / "female" / "F01X01.wav")
        return Seeded({}, {"missing-transcript": 1, "malformed-name": 1})

    check_miniature("shemo", labels, tmp_path, seed, tables)


def test_miniature_of_casia(tmp_path):
    def tables(root, made):
        for n, recording in enumerate(made):  # the noise of write_noise depends on the name, which is the same here
            noise = np.random.default_rng(n).integers(-900, 900, 1600).astype(np.int16)
            soundfile.write(root / recording.path, noise, 16000)

    def seed(root, made):
        write_noise(root / "liuchanhg" / "angry" / "250.wav")
        write_noise(root / "liuchanhg" / "bored" / "201.wav")
        copy = root / "copy" / made[1].path
        copy.parent.mkdir(parents=True)
        shutil.copy(root / made[1].path, copy)
        return Seeded({}, {"malformed-name": 1}, {"second copies of a recording": 1}, ["250"])

    check_miniature("casia", "casia6", tmp_path, seed, tables)


def test_miniature_of_urdu(tmp_path):
    def seed(root, made):
        write_noise(root / "Angry" / "SM2_F21_A043.wav")
        write_noise(root / "Angry" / "SM2_F21_Q043.wav")
        return Seeded({}, {"malformed-name": 1}, added=["SM2_F21_A043"])

    check_miniature("urdu", "urdu4", tmp_path, seed)


def test_miniature_of_mesd(tmp_path):
    def seed(root, made):
        write_noise(root / "Fear_M_B_lento_dentro_de_todo.wav")
        write_noise(root / "Fear_X_B_lento.wav")
        return Seeded({}, {"malformed-name": 1}, added=["Fear_M_B_lento_dentro_de_todo"])

    check_miniature("mesd", "mesd6", tmp_path, seed)
    assert "lento dentro de todo" in {item.text for item in read("mesd", tmp_path / "mesd").items}


def test_miniature_of_subesco(tmp_path):
    def seed(root, made):
        write_noise(root / "F_02_MONIKA_S_2_SURPRISE_3].wav")
        write_noise(root / made[0].path, rate=48000)
        write_noise(root / "F_02_MONIKA_S_2_SHOCK_3.wav")
        return Seeded({"unknown-code": ["F_02_MONIKA_S_2_SHOCK_3"]}, added=["F_02_MONIKA_S_2_SURPRISE_3]"])

    check_miniature("subesco", "subesco7", tmp_path, seed)


def test_miniature_of_enterface(tmp_path):
    def video(path):
        noise = np.random.default_rng(zlib.crc32(str(path).encode())).integers(-900, 900, (1, 4800)).astype(np.int16)
        write_video(path, noise, 48000)

    def tables(root, made):
        for recording in made:
            video(root / recording.path)

    def seed(root, made):
        first = root / "subject 1" / "anger" / "sentence 1"
        added = ["s12_an_1", "s_3_fe_5", "s16_su_3avi"]
        video(root / "subject 11" / "anger" / "sentence 1" / "s12_an_1.avi")
        video(root / "subject 3" / "fear" / "sentence 5" / "s_3_fe_5.avi")
        video(root / "subject 16" / "surprise" / "sentence 3" / "s16_su_3avi.avi")
        video(root / "subject 6" / "anger" / "s6_an.avi")
        write_video(first / "s1_an_2.avi", np.zeros((1, 4800), np.int16), 48000, sound=False)
        truncate(root / made[1].path)
        (first / "Thumbs.db").write_bytes(b"x")
        return Seeded(
            {"known-bad": ["s6_an"], "no-sound": ["s1_an_2"], "truncated-video": [made[1].path]},
            {},
            {"files that are not audio": 1},
            [*added, "s1_an_2"],
        )

    check_miniature("enterface", "enterface6", tmp_path, seed, tables)
    speakers = {item.fields["stem"]: item.speaker for item in read("enterface", tmp_path / "enterface").items}
    assert (speakers["s12_an_1"], speakers["s_3_fe_5"]) == ("subject11", "subject3")


WHOLE = "five sentences in one video, not segmented"
EMOBOX = {  # corpus in EmoBox -> our name, labels that have another name here, and keys that differ, with the reason
    "emovo": (
        "emovo",
        {
            "dis": "disgust",
            "gio": "joy",
            "neu": "neutral",
            "pau": "fear",
            "rab": "anger",
            "sor": "surprise",
            "tri": "sadness",
        },
        {},
    ),
    "aesdd": ("aesdd", {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}, {}),
    "jlcorpus": ("jl", {}, {}),
    "shemo": (
        "shemo",
        {"angry": "anger", "fearful": "fear", "happy": "happiness", "sad": "sadness", "surprised": "surprise"},
        {},
    ),
    "casia": ("casia", {}, {}),
    "urdu": ("urdu", {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}, {}),
    "mesd": ("mesd", {}, {}),
    "subesco": ("subesco", {"angry": "anger", "happy": "happiness", "sad": "sadness"}, {}),
    "enterface": (
        "enterface",
        {"an": "anger", "di": "disgust", "fe": "fear", "ha": "happiness", "sa": "sadness", "su": "surprise"},
        {f"enterface-s6_{emotion}.avi": WHOLE for emotion in ("an", "di", "fe", "ha", "sa", "su")},
    ),
}


@pytest.mark.parametrize("name", EMOBOX)
def test_names_of_emobox_are_understood_and_the_recipe_fits_them(shared_dir, name):
    ours, same, differences = EMOBOX[name]
    rows = emobox(name, shared_dir)
    check_emobox(ours, rows, same, differences, complete=name != "shemo")  # EmoBox has those with transcripts only
    check_recipe(ours, rows)
