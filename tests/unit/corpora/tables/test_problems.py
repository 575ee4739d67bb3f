"""Problems of a table: all at once, each with its place."""

from collections import Counter

import pytest

from mscnn.corpora.tables.items import LISTED
from tests.raises import fails
from tests.unit.corpora.tables.conftest import TEN, rows, table


def broken() -> str:
    """The table, with nine lines that have a problem behind it."""
    first = TEN[0]
    lines = table([{**row, "start": "", "end": ""} for row in rows()])
    lines += f"angry/s1_angry_l.wav,angry,{first.speaker},,\n"  # line 12: a file that does not exist
    lines += f"{TEN[1].path},nan,{TEN[1].speaker},0,0.1\n"
    lines += f",sad,{first.speaker},,\n"
    lines += f"{TEN[2].path},angry,,0,0.1\n"
    lines += f"{TEN[3].path},sad,s2,0.2,0.1\n"
    lines += f"{TEN[3].path},sad,s2,soon,0.1\n"
    lines += f"{TEN[4].path},angry,s3,,\n"  # the same row again
    lines += f"{TEN[5].path},angry,s3,,\n"  # the same recording, another label
    lines += f"{TEN[6].path},angry\n"
    return lines


def test_all_problems_are_listed_with_their_lines(read_own):
    with fails("table-wrong", "my.csv:12", "s1_angry_1.wav", "10 problems") as caught:
        read_own(broken())
    places = {(issue.code, issue.where.rpartition(":")[2]) for issue in caught.value.issues}
    assert places == {
        ("audio-missing", "12"),
        ("label-empty", "13"),
        ("path-empty", "14"),
        ("speaker-empty", "15"),
        ("time-invalid", "16"),
        ("time-invalid", "17"),
        ("row-twice", "18"),
        ("row-contradiction", "7"),
        ("row-contradiction", "19"),
        ("row-cells", "20"),
    }


def test_lines_are_those_of_the_file_also_below_empty_ones(read_own):
    with fails("table-wrong", "my.csv:14"):
        read_own("\n\r\n" + table(rows()) + "angry/absent.wav,angry,s1\n")


def test_rows_with_problems_can_be_skipped(stage1):
    data = stage1(broken(), skip=True)
    assert len(data.utts) == 9 and (TEN[5].path not in {*data.wav.values()})
    excluded = (data.path / "excluded.tsv").read_text().splitlines()
    assert Counter(line.split("\t")[1] for line in excluded[1:])["row-contradiction"] == 2


def test_problems_of_a_kind_are_counted_after_the_tenth(read_own):
    entries = [{**row, "path": f"absent{n}_{row['path']}"} for n, row in enumerate(rows() * 3)]
    with fails("table-wrong", "30 problems", "20 more of audio-missing"):
        read_own(table(entries))
    assert LISTED == 10


def test_splits(stage1, read_own):
    parts = {"s1": "Training", "s2": "training", "s3": "train", "s4": "Validation", "s5": "TEST"}
    entries = [{**row, "partition": parts[str(row["speaker"])]} for row in rows()]
    data = stage1(table(entries))
    assert Counter(data.split.values()) == {"train": 6, "dev": 2, "test": 2}

    def instead(name: str) -> str:
        return table([{**row, "partition": str(row["partition"]).replace("Validation", name)} for row in entries])

    own = read_own(instead("train"))
    assert own.protocols == ("predefined",) and any("s1" in line and "dev" in line for line in own.lines)
    assert {item.speaker for item in own.corpus.items if item.split == "dev"} == {"s1"}
    assert {item.split for item in read_own(instead("eval")).corpus.items if item.speaker == "s4"} == {"dev"}
    with fails("split-part", "test"):
        read_own(table([row for row in entries if row["speaker"] != "s5"]))
    with fails("table-wrong", "split-unknown", ":3"):
        read_own(table([{**row, "partition": "7" if n == 1 else row["partition"]} for n, row in enumerate(entries)]))


def test_speakers_for_dev_have_all_classes_not_all_spellings(read_own):
    entries = [{**row, "split": "test" if row["speaker"] == "s5" else "train"} for row in rows()]
    entries[2]["label"] = "ANGRY"
    own = read_own(table(entries))
    assert {item.speaker for item in own.corpus.items if item.split == "dev"} == {"s1"}


def test_a_split_without_speakers(read_own):
    entries = [
        {"path": one.path, "label": one.label, "split": "test" if one.speaker == "s5" else "train"} for one in TEN
    ]
    own = read_own(table(entries))
    assert Counter(item.split for item in own.corpus.items) == {"train": 6, "dev": 2, "test": 2}


@pytest.mark.parametrize(
    ("speakers", "protocol"),
    [(10, "leave_one_speaker_out"), (5, "leave_one_speaker_out"), (2, "leave_one_speaker_out_share"), (1, "random5")],
)
def test_the_protocol_fits_the_speakers(read_own, speakers, protocol, audio):
    entries = []
    for n in range(120):  # parts of recordings
        one, start = TEN[n % 10], 0.01 * (n // 10)
        entries.append({"path": one.path, "label": one.label, "speaker": f"p{n // 2 % speakers}", "start": start})
        entries[-1]["end"] = start + 0.01
    own = read_own(table(entries))
    assert own.protocols == (protocol,) and any(protocol in line for line in own.lines)
    assert any("WARNING" in line for line in own.lines) == (speakers < 3)


def test_more_than_ten_speakers_are_tested_in_five_groups_and_pooled_where_they_lack_classes(read_own):
    entries = []
    for n in range(96):  # three of twelve speakers are sad
        row = {"path": TEN[n % 10].path, "label": "angry" if n % 12 > 2 else "sad", "speaker": f"p{n % 12}"}
        entries.append({**row, "start": n / 1000, "end": n / 1000 + 0.1})
    own = read_own(table(entries))
    assert own.protocols == ("k_speakers_pooled",) and any("pooled" in line for line in own.lines)


def test_without_speakers_speaker_protocols_are_refused(read_own, stage1):
    plain = table([{"path": one.path, "label": one.label} for one in TEN])
    own = read_own(plain)
    assert own.protocols == ("random5",) and any("--speaker-from" in line for line in own.lines)
    assert not stage1(plain).speakers_known
    with fails("speakers-unknown", "k_speakers", "--speaker-from"):
        read_own(plain, protocols=("k_speakers",))
