"""Descriptions of acted corpora: their miniatures with every irregularity of the releases, and EmoBox's lists."""

import shutil
from pathlib import Path

import pytest

from mscnn.config.corpus import Description
from mscnn.corpora import read
from mscnn.synthetic.miniature import recordings, write, write_noise, write_pointer
from tests.raises import fails
from tests.unit.corpora.described import Seeded, check_emobox, check_miniature, check_recipe, emobox


def test_miniature_of_ravdess(tmp_path):
    def seed(root, made):
        actor, other = (root / made[0].path).parent, (root / made[-1].path).parent
        shutil.copytree(other, root / "mirror" / other.name)  # one mirror has every recording twice
        for name in ("03-02-05-01-01-01-01", "01-01-05-01-01-01-01", "03-01-09-01-01-01-01", "03-01-05-01-01-01"):
            write_noise(actor / f"{name}.wav")
        write_noise(root / made[1].path, rate=48000)
        write_pointer(root / made[2].path)
        return Seeded(
            {"lfs-pointer": [made[2].path], "unknown-code": ["Actor01-03-01-09-01-01-01-01"]},
            {"malformed-name": 1},
            {"songs": 1, "recordings with video": 1, "second copies of a recording": 8},
        )

    check_miniature("ravdess", "ravdess8", tmp_path, seed)


def test_miniature_of_ravdess_songs(tmp_path):
    def seed(root, made):
        for name in ("03-01-05-01-01-01-18", "01-02-05-01-01-01-18", "03-02-05-01-01-01-18", "03-02-07-01-01-01-12"):
            write_noise(root / "Actor_18" / f"{name}.wav")  # speech, video, the actor without songs, disgust
        return Seeded(
            {"unknown-code": ["Actor18-03-02-05-01-01-01-18", "Actor12-03-02-07-01-01-01-12"]},
            notes={"speech": 1, "recordings with video": 1},
        )

    check_miniature("ravdess_song", "ravdess6_song", tmp_path, seed)


def test_miniature_of_ravdess_speech_and_songs(tmp_path):
    def seed(root, made):
        for name in ("03-02-06-01-01-01-12", "03-03-06-01-01-01-12", "02-01-06-01-01-01-12"):
            write_noise(root / "Actor_12" / f"{name}.wav")
        return Seeded(
            {"unknown-code": ["Actor12-03-03-06-01-01-01-12"]},
            notes={"recordings with video": 1},
            added=["Actor12-03-02-06-01-01-01-12"],
        )

    check_miniature("ravdess_all", "ravdess8_all", tmp_path, seed)


def test_miniature_of_emodb(tmp_path):
    def seed(root, made):
        for name in ("03a01Xa", "01a01Fa", "03a03Fa", "03a01F"):  # letter, speaker, text; no version
            write_noise(root / "wav" / f"{name}.wav")
        wav = root / made[0].path
        wav.write_bytes(wav.read_bytes()[:900])  # a copy on GitHub has a truncated file
        return Seeded(
            {"truncated-wav": [made[0].path], "unknown-code": ["03-03a01Xa", "01-01a01Fa", "03-03a03Fa"]},
            {"malformed-name": 1},
        )

    data = check_miniature("emodb", "emodb7", tmp_path, seed)
    assert data.text["03-03a02Wa"] == "Das will sie am Mittwoch abgeben"
    assert (data.gender["03-03a02Wa"], data.emo["03-03a02Wa"]) == ("m", "anger")


def test_miniature_of_emodb_2(tmp_path):
    def tables(root, made):
        rows = [f"{recording.path},anger,0.7" for recording in made]
        (root / "db.emotion.csv").write_text("\n".join(["file,emotion,emotion.confidence", *rows]) + "\n")

    def seed(root, made):
        shutil.copytree(root / "wav", root / "laryngo")
        write_noise(root / "wav" / "03b10Fa.wav")
        with open(root / "db.emotion.csv", "a") as file:
            file.write("wav/03b10Wa.wav,anger,0.3\n")
        kept = {"missing-row": 1, "row-without-file": 1}
        return Seeded({}, kept, {"laryngograms": len(made)}, ["03-03b10Fa"])

    check_miniature("emodb2", "emodb2_7", tmp_path, seed, tables)


def votes(root, made):
    """The votes of CREMA-D, as the names say."""
    head = '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"'
    rows = [(Path(recording.path).stem, recording.groups["emotion"][0]) for recording in made]
    lines = [f'"{n}","{stem}","{vote}","9","A","9","{vote}","9"' for n, (stem, vote) in enumerate(rows)]
    (root / "processedResults").mkdir()
    (root / "processedResults" / "summaryTable.csv").write_text("\n".join([head, *lines]) + "\n")


@pytest.mark.parametrize("labels", ["intended", "voice", "audiovisual"])
def test_miniature_of_cremad(tmp_path, labels):
    def seed(root, made):
        for name in ("1076_MTI_SAD_XX", "1040_ITH_SAD_X", "2001_IEO_ANG_HI", "1001_IEO_JOY_HI", "1003_IEO_SAD_LO"):
            write_noise(root / "AudioWAV" / f"{name}.wav")
        write_pointer(root / made[0].path)
        table = root / "processedResults" / "summaryTable.csv"
        text = table.read_text().replace('"H","9","A","9","H"', '"A:H","30:30","A","9","A:H"', 1)
        rows = ('"97","1076_MTI_SAD_XX","N","9","N","9","N","9"', '"98","1040_ITH_SAD_X","N","50","A","9","S","50"')
        table.write_text("\n".join([text.rstrip(), *rows, '"99","1001_IEO_JOY_HI","H"']) + "\n")
        tied = [recording.path for recording in made if recording.groups["emotion"] == "HAP"][:1]
        unrated = "1003-1003_IEO_SAD_LO"
        perceived = labels != "intended"
        return Seeded(
            {
                "lfs-pointer": [made[0].path],
                "known-bad": ["1076-1076_MTI_SAD_XX"],
                "unknown-code": ["1001-1001_IEO_JOY_HI"],
                **({"unknown-label": [unrated]} if perceived else {}),
            },
            {"malformed-name": 1, "malformed-line": 1, "missing-row": 4},
            added=["1040-1040_ITH_SAD_X", *([] if perceived else [unrated])],
            dropped=tied if perceived else [],
        )

    data = check_miniature("cremad", f"cremad6_{labels}", tmp_path, seed, votes)
    assert data.emo["1040-1040_ITH_SAD_X"] == ("neutral" if labels == "voice" else "sadness")


def test_perceived_labels_of_cremad_need_their_table(tmp_path):
    write(Description.load("cremad"), tmp_path)
    with fails("labels-absent", "voice", "summaryTable.csv"):
        read("cremad", tmp_path).labelled_by("voice")


def test_miniature_of_savee(tmp_path):
    def seed(root, made):
        folder = root / "AudioData"
        (root / made[0].path).rename(root / "DC_sa01.wav")  # as on Kaggle
        shutil.copy(root / made[1].path, root / f"DC_{Path(made[1].path).name}")
        write_noise(folder / "DC" / "s01.wav")
        write_noise(folder / "XX" / "a01.wav")
        write_noise(root / made[2].path, rate=44100)
        return Seeded({"unknown-code": ["DC-s01"]}, {"malformed-name": 1}, {"second copies of a recording": 1})

    check_miniature("savee", "savee7", tmp_path, seed)


def test_miniature_of_tess(tmp_path):
    def seed(root, made):
        folders = sorted(path for path in root.iterdir())
        for folder in folders:  # the archive has its folder inside itself
            shutil.copytree(folder, root / "TESS Toronto emotional speech set data" / folder.name)
        write_noise(root / "OAF_neutral" / "OA_bite_neutral.wav")
        write_noise(root / "OAF_Fear" / "OAF_food_fear.wav", rate=96000)
        write_noise(root / "OAF_Fear" / "790testOAF_kill_happy33.wav")  # as in a copy on GitHub
        write_noise(root / "OAF_Fear" / "OAF_food_surprise.wav")
        write_noise(root / "OAF_Fear" / "OAF_food.wav")
        return Seeded(
            {"unknown-code": ["OAF-food_surprise"]},
            {"malformed-name": 1},
            {"second copies of a recording": len(made)},
            ["OAF-bite_neutral", "OAF-food_fear", "OAF-kill_happy"],
        )

    data = check_miniature("tess", "tess7", tmp_path, seed)
    assert data.text["OAF-bite_neutral"] == "Say the word bite" and {*data.spk.values()} == {"OAF", "YAF"}


SAID = {
    "0001": "你好吗",
    "0002": "他说 café 很好",
    "0011": "It’s the café’s cat",
    "0012": "It's a cat",
    "0015": "The cat’s",
}
ENCODINGS = {"0001": "gb18030", "0002": "utf-16", "0011": "cp1252", "0012": "utf-8", "0015": "gb18030"}


def transcripts(root, made):
    """Transcripts of ESD, each speaker in another encoding, with tabs or blanks."""
    for speaker in {recording.groups["speaker"] for recording in made}:
        own = [recording for recording in made if recording.groups["speaker"] == speaker]
        word = {"Neutral": "中立", "Angry": "生气"} if speaker not in ("0011", "0012") else {}
        blank = "\t" if speaker != "0002" else "  "
        lines = [
            blank.join([Path(r.path).stem, SAID[speaker], word.get(r.groups["emotion"], r.groups["emotion"])])
            for r in own
        ]
        text = "\r\n".join([*lines, ""]).replace("é", "é" if ENCODINGS[speaker] != "gb18030" else "e")
        (root / speaker / f"{speaker}.txt").write_bytes(text.encode(ENCODINGS[speaker]))


@pytest.mark.parametrize("half", ["en", "zh"])
def test_miniature_of_esd(tmp_path, half):
    first, other = ("0011", "0001") if half == "en" else ("0001", "0011")

    def seed(root, made):
        folder = root / first / "Angry"
        write_noise(root / other / "Angry" / f"{other}_000351.wav")  # the other language: not read
        write_noise(folder / f"{first}_000399.wav")  # the newer archive has no folders of parts
        write_noise(folder / f"{other}_000398.wav")
        write_noise(folder.with_name("Joyful") / f"{first}_000397.wav")
        table = root / first / f"{first}.txt"
        words = SAID[first].encode(ENCODINGS[first])
        table.write_bytes(table.read_bytes() + f"{first}_000399\t".encode() + words + f"\n{first}\n".encode())
        return Seeded(
            {"unknown-code": [f"{first}-{first}_000397"]},
            {"malformed-name": 1, "malformed-line": 1, "missing-transcript": 1},
            added=[f"{first}-{first}_000399"],
        )

    data = check_miniature(f"esd_{half}", f"esd5_{half}", tmp_path, seed, transcripts)
    assert {data.spk[utt]: text for utt, text in data.text.items()} == {
        speaker: text for speaker, text in SAID.items() if speaker in data.spk.values()
    }
    assert not data.split  # one utterance is in none of the parts


def test_texts_of_esd_are_corrected_in_any_encoding(tmp_path):
    write_noise(tmp_path / "0015" / "Neutral" / "test" / "0015_000137.wav")
    write_noise(tmp_path / "0015" / "Neutral" / "test" / "0015_000001.wav")
    lines = f"0015_000001\t{SAID['0015']}\t中立\n0015_000137\twrong\tNeutral\n"
    (tmp_path / "0015" / "0015.txt").write_bytes(lines.encode("gb18030"))
    one, other = read("esd", tmp_path).items
    assert (one.text, other.text, other.split) == (SAID["0015"], "Let the glass globe be.", "test")


def test_miniature_of_emovdb(tmp_path):
    def tables(root, made):
        lines = [f'( arctic_a{n:04} "Sentence {n}." )\n( arctic_b{n:04} "Another." )\n' for n in range(1, 20)]
        (root / "cmuarctic.data").write_text("".join(lines))

    def seed(root, made):
        sam, josh = root / "sam_Disgusted", root / "josh" / "Amused"
        for path in (
            sam / "Disgust_1-28_0011.wav",
            josh / "amused_1_28_0012.wav",
            josh / "sleepiness_1-28_0013.wav",
            josh / "amused_0014.wav",
            sam / "disgust_29-56_0030.wav",
        ):
            write_noise(path)
        write_noise(root / made[0].path, rate=44100)
        return Seeded(
            {"unknown-code": ["josh--0013"]},
            {"malformed-name": 1, "missing-transcript": 1},
            added=["sam-disgusted-0011", "josh-amused-0012", "sam-disgusted-0030"],
        )

    data = check_miniature("emovdb", "emovdb5", tmp_path, seed, tables)
    assert (data.text["sam-disgusted-0011"], data.text["sam-disgusted-0030"]) == ("Sentence 11.", "")


def test_miniature_of_cafe(tmp_path):
    def seed(root, made):
        folder = (root / made[0].path).parent
        other = root / "CaFE_48k" / "Cole\u0300re" / "Fort"  # the accent as macOS has it
        write_noise(other / "01-C-2-1.wav")
        write_noise(root / "CaFE_48k" / "D‚go–t" / "Fort" / "01-D-2-1.wav")  # as code page 437 spells it
        write_noise(root / "CaFE_192k_1" / "Neutre" / "01-N-1-1.wav")
        write_noise(folder / "13-C-1-1.wav")
        write_noise(folder / "01-X-1-1.wav")
        write_noise(folder / "01-C-3-1.wav")
        return Seeded(
            {"unknown-code": ["13-C-1-1", "01-X-1-1"]},
            {"malformed-name": 1},
            {"copies with 192 kHz": 1},
            ["01-C-2-1", "01-D-2-1"],
        )

    check_miniature("cafe", "cafe7", tmp_path, seed)


RAVDESS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
SIX = {"sad": "sadness", "happy": "happiness", "angry": "anger"}
EMOBOX = {  # corpus -> labels of EmoBox that have another name here, and keys that differ, with the reason
    "ravdess": ({label.capitalize(): label for label in RAVDESS}, {}),
    "emodb": ({"boredem": "boredom", "happy": "happiness", "sad": "sadness"}, {}),
    "cremad": (
        dict(ANG="anger", DIS="disgust", FEA="fear", HAP="happiness", NEU="neutral", SAD="sadness"),
        {"cremad-1076-MTI-SAD-XX": "silent: it is known to be bad, and excluded"},
    ),
    "savee": (
        dict(a="anger", d="disgust", f="fear", h="happiness", n="neutral", sa="sadness", su="surprise"),
        {},
    ),
    "tess": ({**SIX, "ps": "pleasant_surprise"}, {}),
    "esd": ({label.capitalize(): label for label in ("neutral", "angry", "happy", "sad", "surprise")}, {}),
    "emovdb": (
        {"Disgust": "disgusted", **{label.capitalize(): label for label in ("amused", "angry", "neutral", "sleepy")}},
        {},
    ),
    "cafe": (
        dict(c="anger", d="disgust", j="happiness", n="neutral", p="fear", s="surprise", t="sadness"),
        {},
    ),
}


@pytest.mark.parametrize("name", EMOBOX)
def test_names_of_emobox_are_understood_and_the_recipe_fits_them(shared_dir, name):
    rows = emobox(name, shared_dir)
    check_emobox(name, rows, *EMOBOX[name])
    check_recipe(name, rows)


@pytest.mark.parametrize("name", ["ravdess_song", "ravdess_all", "emodb2"])
def test_the_recipe_fits_the_names_of_a_release(name):
    made = recordings(Description.load(name), speakers=100)
    check_recipe(name, [{"wav": recording.path} for recording in made])
