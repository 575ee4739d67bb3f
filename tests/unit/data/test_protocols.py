"""Protocols: complete files, folds that fulfil them or are refused, results that depend on ids only."""

import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from mscnn.data.protocols import Protocol, folds_digest, make_folds, shared, short_hash, write_folds
from mscnn.paths import ROOT, conf, names
from tests.raises import fails

NAMES = names("protocols")


@pytest.fixture
def changed(tmp_path):
    """Function that gives a shipped protocol with other facts: (name, **changes)."""

    def change(name, /, **changes):
        facts = yaml.safe_load(conf("protocols", name).read_text()) | changes
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(facts))
        return Protocol.load(str(tmp_path / "mine.yaml"))

    return change


def disjoint(**pairs):
    return {"train-test": [], "train-dev": [], "dev-test": [], **{k.replace("_", "-"): v for k, v in pairs.items()}}


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_protocol_states_everything(name):
    protocol, text = Protocol.load(name), conf("protocols", name).read_text()
    assert protocol.name == name and type(protocol.version) is int and text.startswith("# ")
    assert protocol.aggregate in ("fold-mean", "pooled")


def test_folds_do_not_depend_on_input_order_or_hash_seed(tmp_path):
    """Other processes, other hash seeds, tables in another order: the same bytes in every list of every protocol."""
    script = tmp_path / "digest.py"
    script.write_text(
        "import hashlib, random, sys, tempfile\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from mscnn.data.protocols import Protocol, make_folds, write_folds\n"
        "from tests.unit.data.conftest import corpus\n"
        "data, rng = corpus(utts_each=24), random.Random(int(sys.argv[1]))\n"
        "def shuffled(table): return dict(rng.sample(list(table.items()), len(table)))\n"
        "data = replace(data, split={u: ('train', 'dev', 'test')[int(u[4]) % 3] for u in data.utts},\n"
        "               scene={u: f'impro{int(u[7:]) % 3:02d}' for u in data.utts})\n"
        "names = ('spk', 'emo', 'session', 'gender', 'text', 'dur', 'split', 'scene')\n"
        "data = replace(data, **{name: shuffled(getattr(data, name)) for name in names})\n"
        "for name in sys.argv[2:]:\n"
        "    with tempfile.TemporaryDirectory() as folder:\n"
        "        write_folds(make_folds(Protocol.load(name), data), folder)\n"
        "        files = sorted(Path(folder).iterdir())\n"
        "        print(name, len(files), hashlib.sha256(b''.join(f.read_bytes() for f in files)).hexdigest())\n"
    )
    of_others = ("ravdess6", "side10", "meld", "msp_improv6", "msp_podcast_test1", "msp_podcast_test2", "subesco5")
    names = [name for name in NAMES if name not in of_others]
    outputs = {
        subprocess.run(
            [sys.executable, script, seed, *names], cwd=ROOT, text=True, capture_output=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PATH": ""},
        ).stdout
        for seed in ("0", "1", "77")
    }  # fmt: skip
    assert len(outputs) == 1 and len(outputs.pop().splitlines()) == len(names)


def test_lists_and_hash(corpus, tmp_path):
    data, protocol = corpus(), Protocol.load("loso5")
    folds = make_folds(protocol, data)
    write_folds(folds, tmp_path)
    assert (tmp_path / "fold01.test").read_text() == "".join(f"Ses01{g}-{i}\n" for g in "FM" for i in range(4))
    assert short_hash(digest := folds_digest(protocol, folds)) == digest[:4]
    assert protocol.folds(data) == folds and protocol.title(folds) == f"loso5@{digest[:4]}"
    assert folds_digest(protocol, folds) != folds_digest(replace(protocol, version=2), folds)


def test_a_false_statement_of_disjointness_is_refused(corpus, changed):
    lie = changed("random10", disjoint=disjoint(train_test=["speaker"]))
    with fails("folds-invalid", "fold 1", "(train)", "(test)", "speaker") as caught:
        make_folds(lie, corpus())
    assert [issue.code for issue in caught.value.issues] == ["protocol-overlap"] * 10


def test_side10_must_not_claim_to_be_speaker_disjoint(iemocap, changed):
    lie = changed("side10", disjoint=disjoint(train_test=["side", "speaker"]))
    with fails("folds-invalid", "speaker 'Ses01F'"):
        make_folds(lie, iemocap())


def test_texts_are_compared_normalised(corpus, changed):
    protocol = changed("loso5", disjoint=disjoint(train_test=["text"]))
    data = corpus()
    text = {u: "[LAUGHTER]" if u[-1] == "0" else f"line {u}" for u in data.utts}
    assert len(make_folds(protocol, replace(data, text=text))) == 5  # texts without words are not the same text
    text |= {"Ses01F-1": "Oh, really?", "Ses04M-2": "oh  really [LAUGHTER]"}
    with fails("folds-invalid", "Ses04M-2 (train) and Ses01F-1 (test)", "text 'oh really'"):
        make_folds(protocol, replace(data, text=text))


def test_leave_out_makes_parts_disjoint(corpus, changed):
    data = corpus()
    data = replace(data, text={u: f"own line {u}" if u[-1] == "0" else f"line {u[-1]}" for u in data.utts})
    facts = {"disjoint": disjoint(train_test=["text"], dev_test=["text"])}
    with fails("folds-invalid", "text 'line 1'"):
        make_folds(changed("loso5", **facts), data)
    for fold in make_folds(changed("loso5", leave_out=["text"], **facts), data):
        assert {u[-1] for u in fold.train + fold.dev} == {"0"}
        assert (len(fold.train), len(fold.dev), len(fold.test)) == (6, 2, 8)


def test_shared_values_have_an_example_in_each_part():
    value = {"a": "x", "b": "x", "c": "y", "d": "x", "e": "z"}
    assert shared(value, ["a", "b", "c", "unknown"], ["d", "e"]) == {"x": ("a", "d")}


def test_wrong_corpora_and_files_are_refused(corpus, tmp_path):
    with fails("attribute-absent", "utt2session", "data"):
        make_folds(Protocol.load("loso5"), replace(corpus(), session={}))
    with fails("attribute-absent", "utt2scene", "data"):
        make_folds(Protocol.load("scene_disjoint54"), corpus())
    with fails("protocol-parts", 5, 6, "data"):
        make_folds(Protocol.load("ravdess6"), corpus())
    with fails("protocol-parts", "side10", 10, 4, "data"):
        make_folds(Protocol.load("side10"), corpus())
    with fails("part-empty", "delta_s5", "fold 1", "data"):
        make_folds(Protocol.load("delta_s5"), replace(corpus(), session=dict.fromkeys(corpus().utts, "Ses01")))
    with fails("conf-unknown", "lose5", "loso5"):
        Protocol.load("lose5")
    (tmp_path / "p.yaml").write_text("name: p\n")
    with fails("config-missing-key", "p.yaml", "version", "disjoint"):
        Protocol.load(str(tmp_path / "p.yaml"))


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"test": [1]}, "config-value", ["test"]),
        ({"test": {"scheme": "randm", "folds": 2}}, "config-value", ["test.scheme", "randm", "random"]),
        ({"test": {"scheme": "random", "folds": 2}}, "protocol-scheme-options", ["random", "folds", "seed"]),
        ({"test": {"scheme": "random", "folds": 2, "sed": 1}}, "config-unknown-key", ["test.sed", "test.seed"]),
        ({"test": {"scheme": "random", "folds": 0, "seed": 1}}, "config-value", ["test.folds", "'0'"]),
        ({"test": {"scheme": "random", "folds": 2, "seed": "x"}}, "config-value", ["test.seed", "'x'"]),
        ({"test": {"scheme": "group", "by": "sesion"}}, "config-value", ["test.by", "'sesion'", "'session'"]),
        ({"test": {"scheme": "group", "by": ["session", 3]}}, "config-value", ["test.by", "'3'"]),
        ({"dev": {"scheme": "share", "share": 2, "seed": 1}}, "config-value", ["dev.share", "'2'"]),
        ({"disjoint": {}}, "config-value", ["disjoint", "train-test", "train-dev", "dev-test"]),
        ({"disjoint": disjoint(train_test=["speakr"])}, "config-value", ["disjoint.train-test", "'speakr'"]),
        ({"disjoint": disjoint(train_test="speaker")}, "config-value", ["disjoint.train-test", "'speaker'"]),
        ({"leave_out": ["words"]}, "config-value", ["leave_out", "'words'"]),
        ({"aggregate": "mean"}, "config-value", ["aggregate", "'mean'", "'pooled'"]),
        ({"version": True}, "config-value", ["version", "'true'"]),
        ({"version": 0}, "config-value", ["version", "'0'"]),
        ({"version": [1]}, "config-value", ["version", "['1']"]),
        ({"legacy": "legacy_test_best"}, "config-value", ["legacy", "'legacy_test_best'"]),
        ({"legacy": ["side taken for speaker"]}, "config-value", ["legacy", "'side taken for speaker'"]),
        ({"legacy": None}, "config-value", ["legacy", "'null'"]),
        ({"legacy": 3}, "config-value", ["legacy", "'3'"]),
        ({"name": "../x"}, "config-value", ["name", "'../x'"]),
        ({"test": {"scheme": "predefined", "lists": [3]}}, "config-value", ["test.lists", "['3']"]),
        ({"seed": 1}, "config-unknown-key", ["seed", "selection"]),
    ],
)
def test_invalid_files_are_refused(changed, changes, code, names):
    with fails(code, "mine.yaml", *names):
        changed("random10", **changes)


@pytest.mark.parametrize("changes", [{"legacy": []}, {"selection": "dev"}, {"dev": {"scheme": "next_part"}}])
def test_selection_on_test_cannot_be_hidden(changed, changes):
    with fails("protocol-selection", "legacy_test_best"):
        changed("glam80_20", **changes)
