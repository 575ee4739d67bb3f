"""Every format of the same ten recordings gives the same data directory, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.raises import fails
from tests.unit.corpora.tables.conftest import TEN, rows, table

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402

Made = tuple[Path, dict[str, object]]  # what to read, and with which options


def text(content: str, encoding: str = "utf-8", name: str = "a.dat") -> Callable[[Path, Path], Made]:
    def make(folder: Path, audio: Path) -> Made:
        (folder / name).write_bytes(content.encode(encoding))
        return folder / name, {}

    return make


def as_json(value: object, name: str = "a.txt") -> Callable[[Path, Path], Made]:
    return text(json.dumps(value), name=name)


def as_parquet(folder: Path, audio: Path) -> Made:
    parquet.write_table(pa.Table.from_pylist(rows(path="file", label="emotion")), folder / "a.bin")
    return folder / "a.bin", {}


def audformat(folder: Path, audio: Path) -> Made:
    columns = "{emotion: {scheme_id: emotion}}"
    (folder / "db.yaml").write_text(
        "name: ten\nschemes: {emotion: {dtype: str, labels: [angry, sad]}, speaker: {dtype: str}}\n"
        f"tables:\n  emotion: {{type: filewise, columns: {columns}}}\n"
        "  files: {type: filewise, columns: {speaker: {scheme_id: speaker}, duration: {}}}\n"
    )
    (folder / "db.emotion.csv").write_text(table([{"file": one.path, "emotion": one.label} for one in TEN]))
    facts = [{"file": one.path, "speaker": one.speaker, "duration": "0 days 00:00:00.25"} for one in TEN]
    (folder / "db.files.csv").write_text(table(facts))
    return folder, {}


def audio_folder(folder: Path, audio: Path) -> Made:
    (folder / "metadata.csv").write_text(table(rows(path="file_name", label="label")))
    for one in TEN:
        (folder / one.path).parent.mkdir(exist_ok=True)
        (folder / one.path).symlink_to(audio / one.path)
    return folder, {"audio_root": ""}


def emobox(folder: Path, audio: Path) -> Made:
    entries = [
        {"key": f"ten-{Path(one.path).stem}", "dataset": "ten", "wav": f"downloads/ten/{one.path}", "type": "raw"}
        | {"sample_rate": 16000, "length": 0.25, "task": "category", "emo": one.label, "speaker": one.speaker}
        for one in TEN
    ]
    (folder / "ten").mkdir()
    (folder / "ten" / "ten.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (folder / "ten" / "label_map.json").write_text('{"angry": "Angry", "sad": "Sad"}')
    return folder / "ten", {}


def msp(folder: Path, audio: Path) -> Made:
    columns = {"path": "FileName", "label": "EmoClass", "speaker": "SpkrID"}
    letters = {"angry": "A", "sad": "S"}
    entries = [{**row, "EmoClass": letters[str(row["EmoClass"])], "EmoAct": 3.5} for row in rows(**columns)]
    entries.append({**entries[0], "FileName": "x.wav", "EmoClass": "X"})
    (folder / "Labels").mkdir()
    (folder / "Labels" / "labels_concensus.csv").write_text(table(entries))
    return folder, {}


def kaldi(folder: Path, audio: Path) -> Made:
    ids = {one: Path(one.path).stem for one in TEN}
    values = {"wav.scp": "path", "utt2emo": "label", "utt2spk": "speaker"}
    for name, what in values.items():
        (folder / name).write_text("".join(f"{ids[one]} {getattr(one, what)}\n" for one in TEN))
    return folder, {}


def speechbrain(folder: Path, audio: Path) -> Made:
    entries = {
        f"utt{n}": {"wav": f"{{data_root}}/{one.path}", "length": 0.25, "emo": one.label, "spk": one.speaker}
        for n, one in enumerate(TEN)
    }
    return as_json(entries)(folder, audio)


PATTERN = r"(?P<speaker>s\d)_(?P<label>[a-z]+)_\d"
FORMATS: dict[str, Callable[[Path, Path], Made]] = {
    "csv": text(table(rows())),
    "tsv": text(table(rows(path="filename", label="Emotion", speaker="spk"), "\t")),
    "semicolons": text(table(rows(path="file", label="emotion"), ";"), "utf-8-sig"),
    "bars": text(table(rows(path="wav"), "|").replace("\n", "\r\n")),
    "utf-16": text(table(rows(), "\t"), "utf-16"),
    "json": as_json(rows(path="audio", label="class")),
    "json lines": text("".join(json.dumps(row) + "\n" for row in rows(path="audio_filepath"))),
    "json of columns": as_json({"path": [o.path for o in TEN], "label": [o.label for o in TEN]}),
    "parquet": as_parquet,
    "audformat": audformat,
    "AudioFolder": audio_folder,
    "EmoBox": emobox,
    "s3prl": as_json({"labels": {"angry": 0, "sad": 1}, "meta_data": rows()}),
    "SpeechBrain": speechbrain,
    "MSP-Podcast": msp,
    "Kaldi": kaldi,
    "folders by label": lambda folder, audio: (audio, {"audio_root": ""}),
    "name pattern": lambda folder, audio: (audio, {"audio_root": "", "name_pattern": PATTERN}),
}


def content(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "csv"])
def test_all_formats_give_the_same_data_directory(name, stage1, audio, tmp_path):
    made = {}
    for kind in ("csv", name):
        folder = tmp_path / kind
        folder.mkdir()
        path, options = FORMATS[kind](folder, audio)
        if kind in ("json of columns", "folders by label"):
            options["speaker_from"] = r"(s\d)_"
        made[kind] = content(stage1(path, **options).path)
    links = name == "AudioFolder"  # its recordings are beside its table
    assert {file for file in made["csv"] if made["csv"][file] != made[name][file]} == ({"wav.scp"} if links else set())
    assert made["csv"].keys() == made[name].keys() and len(made["csv"]["utt2emo"].splitlines()) == 10


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_audio_in_a_dataset_of_hugging_face_becomes_files(stage1, audio, tmp_path, ending):
    features = {"label": {"names": ["angry", "sad"], "_type": "ClassLabel"}, "audio": {"_type": "Audio"}}
    expected = content(stage1(table(rows())).path)
    (tmp_path / "set" / "data").mkdir(parents=True)
    for part in (0, 1):
        entries = [
            {"audio": {"bytes": (audio / one.path).read_bytes(), "path": Path(one.path).name}}
            | {"label": ["angry", "sad"].index(one.label), "speaker": one.speaker}
            for one in TEN[5 * part : 5 * part + 5]
        ]
        made = pa.Table.from_pylist(entries)
        made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        file = tmp_path / "set" / "data" / f"train-{part:05d}-of-00002.{ending}"
        if ending == "parquet":
            parquet.write_table(made, file)
        else:
            with pa.OSFile(str(file), "wb") as out, pa.ipc.new_stream(out, made.schema) as stream:
                stream.write_table(made)
    data = stage1(tmp_path / "set", audio_root="")
    actual = content(data.path)
    assert {name for name in expected if expected[name] != actual[name]} == {"wav.scp"}
    by_name = {Path(one.path).name: one for one in TEN}
    for path in map(Path, data.wav.values()):
        assert path.read_bytes() == (audio / by_name[path.name].path).read_bytes()


@pytest.mark.parametrize("folders", [("train", "test"), ("train", "dev", "test")])
def test_folders_named_after_parts_are_the_split(stage1, audio, tmp_path, folders):
    for n, one in enumerate(TEN):
        path = tmp_path / "corpus" / folders[n // 2 % len(folders)] / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((audio / one.path).read_bytes())
    data = stage1(tmp_path / "corpus", audio_root="", speaker_from=r"(s\d)_")
    assert {*data.split.values()} == {"train", "dev", "test"}
    assert {utt[:2] for utt, part in data.split.items() if part == "test"} == ({"s2", "s4"}, {"s3"})[len(folders) - 2]


def test_segments_of_recordings(stage1, audio, tmp_path):
    """In a table, in Kaldi's segments and in audformat alike."""
    times = [("0.0", "0.1"), ("0.1", "0.25")]
    spans = [(one, start, end) for one in TEN for start, end in times]
    entries = [
        {"file": one.path, "start": start, "end": end, "emotion": one.label, "speaker": one.speaker}
        for one, start, end in spans
    ]
    data = stage1(table(entries))
    assert len(data.utts) == 20 and len(data.wav) == 10
    assert data.segments["s1_angry_1_0000100_0000250"] == ("s1_angry_1", 0.1, 0.25)
    assert data.dur["s1_angry_1_0000100_0000250"] == pytest.approx(0.15)
    expected = content(data.path)
    folder = tmp_path / "kaldi"
    folder.mkdir()
    keys = {span: f"{Path(span[0].path).stem}_{n}" for n, span in enumerate(spans)}
    (folder / "wav.scp").write_text("".join(f"r{n} {one.path}\n" for n, one in enumerate(TEN)))
    number = {one: n for n, one in enumerate(TEN)}
    for name, value in (
        ("segments", lambda span: f"r{number[span[0]]} {span[1]} {span[2]}"),
        ("utt2emo", lambda span: span[0].label),
        ("utt2spk", lambda span: span[0].speaker),
    ):
        (folder / name).write_text("".join(f"{keys[span]} {value(span)}\n" for span in spans))
    theirs = stage1(folder)
    assert sorted(theirs.segments.values()) == sorted(data.segments.values())
    clock = [{**row, "start": "0 days 00:00:0" + str(row["start"]), "end": f"00:00:0{row['end']}"} for row in entries]
    assert content(stage1(table(clock)).path) == expected


def test_what_a_kaldi_directory_has_twice_or_without_label_is_told(read_own, audio, tmp_path):
    kaldi(tmp_path, audio)
    first = Path(TEN[0].path).stem
    with (tmp_path / "wav.scp").open("a") as file:
        file.write(f"unlabelled {TEN[0].path}\n")
    assert any("unlabelled" in line and "utt2emo" in line for line in read_own(tmp_path).lines)
    with (tmp_path / "utt2emo").open("a") as file:
        file.write(f"{first} sad\n")
    with fails("table-wrong", "row-twice", "utt2emo:11", first):
        read_own(tmp_path)


def test_a_segment_after_the_end_of_its_recording(read_own):
    entries = [{**row, "start": 0, "end": 0.25 if n else 9} for n, row in enumerate(rows())]
    with fails("table-wrong", "time-invalid", TEN[0].path, ":2", "0.250") as caught:
        read_own(table(entries))
    assert [issue.code for issue in caught.value.issues] == ["time-invalid"]


def test_emotions_that_change_within_a_recording(stage1, audio, tmp_path):
    entries = {
        f"utt{n}": {
            "wav": one.path,
            "duration": 0.25,
            "spk": one.speaker,
            "emotion": [{"emo": one.label, "start": 0.0, "end": 0.1}, {"emo": "neutral", "start": 0.1, "end": 0.25}],
        }
        for n, one in enumerate(TEN)
    }
    (tmp_path / "zed.json").write_text(json.dumps(entries))
    data = stage1(tmp_path / "zed.json")
    assert data.classes == ["angry", "neutral", "sad"] and len(data.utts) == 20


@pytest.mark.parametrize("change", ["gold", "ambiguous", "none"])
def test_audformat_tables_are_chosen(stage1, audio, tmp_path, change):
    folder = tmp_path / "db"
    folder.mkdir()
    names = {
        "gold": ("emotion.categories.desired", "emotion.categories.gold_standard"),
        "ambiguous": ("emotion.one", "emotion.two"),
        "none": ("files",),
    }[change]
    column = "speaker" if change == "none" else "emotion"
    tables = "".join(f"  {name}: {{type: filewise, columns: {{{column}: {{}}}}}}\n" for name in names)
    (folder / "db.yaml").write_text(f"name: x\ntables:\n{tables}")
    for name in names:
        label = "speaker" if name.endswith("desired") else "label"
        entries = [{"file": one.path, column: getattr(one, label), "spk": one.speaker} for one in TEN]
        (folder / f"db.{name}.csv").write_text(table(entries))
    if change == "gold":
        assert stage1(folder).classes == ["angry", "sad"]
    else:
        with fails("audformat-table", *names):
            stage1(folder)
        if change == "ambiguous":
            assert stage1(folder / "db.emotion.one.csv").classes == ["angry", "sad"]


def test_lists_of_a_fold_of_emobox_are_the_split(stage1, audio, tmp_path):
    folder = tmp_path / "fold_1"
    folder.mkdir()
    for part, members in (("train", TEN[:6]), ("test", TEN[6:])):
        entries = [{"key": one.path, "wav": one.path, "emo": one.label, "speaker": one.speaker} for one in members]
        lines = [json.dumps(entry) for entry in entries]
        (folder / f"ten_{part}_fold_1.jsonl").write_text("\n".join(lines) + "\n")
    data = stage1(folder)
    assert {utt[:2] for utt in data.utts if data.split[utt] == "test"} == {"s4", "s5"} and len(data.utts) == 10


def test_metadata_in_the_folders_of_a_split(stage1, audio, tmp_path):
    for n, one in enumerate(TEN):
        folder = tmp_path / "corpus" / ("train", "validation", "test")[n // 2 % 3]
        (folder / "wavs").mkdir(parents=True, exist_ok=True)
        (folder / "wavs" / Path(one.path).name).write_bytes((audio / one.path).read_bytes())
        entry = {"file_name": f"wavs/{Path(one.path).name}", "emotion": one.label, "speaker": one.speaker}
        with (folder / "metadata.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")
    data = stage1(tmp_path / "corpus", audio_root="")
    assert {utt[:2] for utt in data.utts if data.split[utt] == "dev"} == {"s2", "s5"} and len(data.utts) == 10


def test_folders_that_are_no_whole_split_are_told(read_own, audio, tmp_path):
    for one in TEN:
        target = tmp_path / "corpus" / ("train" if one.speaker < "s4" else "val") / one.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((audio / one.path).read_bytes())
    own = read_own(tmp_path / "corpus", audio_root="", speaker_from="s[0-9]")
    assert own.protocols == ("leave_one_speaker_out",)
    assert any("dev and train" in line for line in own.lines)
