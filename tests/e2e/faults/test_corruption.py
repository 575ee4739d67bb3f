"""Every kind of file, damaged in every way: the error comes before the file is used, and what it says helps.

The stage that a message names is run, then what failed is run again, and must leave the bytes of an undisturbed run.
"""

import os
import pickle
import re
from collections.abc import Callable

import pytest

from mscnn.errors import UserError
from mscnn.training import checkpoint
from tests.e2e.faults.conftest import MOMENTS


def flipped(content: bytes) -> bytes:
    """With one bit flipped in the middle."""
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def swapped(content: bytes) -> bytes:
    """With the first two lines exchanged, or the first two bytes of one line."""
    lines = content.splitlines(keepends=True)
    return b"".join([lines[1], lines[0], *lines[2:]]) if len(lines) > 1 else content[1::-1] + content[2:]


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "bit": flipped,
    "cut": lambda content: content[:-30],
    "empty": lambda content: b"",
    "longer": lambda content: content + b"\0\n",
    "missing": lambda content: None,
    "swapped": swapped,
}
# file -> stage that uses it, code of the error; None: a notice, and the stage makes the file again by itself
FILES: dict[str, tuple[str, str | None]] = {
    "exp/xvector/toy/xvector.1.ark": ("5", "xvector-damaged"),
    "exp/xvector/toy/xvector.scp": ("5", "xvector-damaged"),
    "exp/xvector/toy/xvector.yaml": ("5", "xvector-damaged"),
    "exp/xvector/toy/log/xvector.1.stamp": ("2", None),
    "dump/feats.1.ark": ("5", "features-damaged"),
    "dump/feats.scp": ("5", "features-damaged"),
    "dump/utt2num_frames": ("5", "features-damaged"),
    "dump/feature.yaml": ("5", "features-damaged"),
    "dump/feats.1.tsv": ("3", None),
    "dump/log/feats.1.stamp": ("3", None),
    "exp/t/config.yaml": ("read", "experiment-damaged"),
    "exp/t/folds/fold01.test": ("read", "experiment-damaged"),
    "exp/t/vectors.safetensors": ("read", "experiment-damaged"),
    "exp/t/written.json": ("5", None),
    "exp/t/fold01/run1/done.json": ("5", None),
    "exp/t/fold01/run1/model.safetensors": ("read", "experiment-damaged"),
    "exp/t/fold01/run1/vocabulary.txt": ("read", "experiment-damaged"),
    "exp/t/fold01/run1/metrics.jsonl": ("report", "experiment-damaged"),
    "exp/t/fold02/run1/predictions_dev.tsv": ("read", "experiment-damaged"),
    "exp/t/fold02/run1/predictions_test.tsv": ("read", "experiment-damaged"),
    "exp/again/config.yaml": ("read", "experiment-damaged"),
    "exp/again/fold01/run1/predictions_test.tsv": ("read", "experiment-damaged"),
    "exp/t/score_test.txt": ("report", "scores-outdated"),
    "exp/t/statistics.json": ("report", "scores-outdated"),
}
MISSING = {  # codes of files that are not there
    "exp/t/score_test.txt": "not-scored",
    "exp/xvector/toy/xvector.yaml": "xvector-damaged",
    "dump/feature.yaml": "features-missing",
    "exp/t/config.yaml": "experiment-missing",
    "exp/again/config.yaml": "experiment-missing",
    "exp/t/fold02/run1/predictions_dev.tsv": "experiment-unfinished",
    "exp/t/fold02/run1/predictions_test.tsv": "experiment-unfinished",
    "exp/again/fold01/run1/predictions_test.tsv": "experiment-unfinished",
}
FAST = ("bit", "missing")
NIGHTLY = os.environ.get("MSCNN_TEST_NIGHTLY") == "true"
PAGES = {".png", ".svg", ".pdf", ".csv", ".html", ".md"}  # of stage 6, in part written by both of its commands


def rows() -> list:
    """Each file with each damage in tests/nightly.sh, else with one of two."""
    return [
        pytest.param(name, damage, id=f"{name}-{damage}")
        for number, name in enumerate(FILES)
        for damage in (DAMAGES if NIGHTLY else [FAST[number % 2]])
    ]


@pytest.mark.parametrize(("name", "damage"), rows())
def test_damage_is_noticed_and_the_stage_that_is_named_makes_it_good(corpus, name, damage):
    path, (stage, code) = corpus.root / name, FILES[name]
    content = DAMAGES[damage](path.read_bytes())
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    if code is None:
        corpus.stages[stage]()
    else:
        with pytest.raises(UserError) as caught:
            corpus.stages[stage]()
        assert caught.value.code == (MISSING.get(name, code) if damage == "missing" else code), caught.value
        named = re.search(r"stage (\d)", str(caught.value))
        assert named, caught.value
        corpus.stages[named[1]]()
        corpus.stages[stage]()
    for file, before in corpus.files.items():
        assert file.is_file(), file
        assert file.name in MOMENTS or file.suffix in PAGES or file.read_bytes() == before, file


CHECKPOINTS = {
    **DAMAGES,
    "pickle": lambda content: pickle.dumps({"model": 1}),
    "other": lambda content: b"PK\5\6" + bytes(18),
}


@pytest.mark.parametrize("damage", [name for name in CHECKPOINTS if name != "missing"])
def test_a_damaged_checkpoint_is_set_aside_and_the_run_ends_as_an_undisturbed_one(corpus, damage, monkeypatch, caplog):
    run = corpus.root / "exp/t/fold01/run1"
    (run / "done.json").unlink()
    save = checkpoint.save

    def interrupted(*args) -> None:
        save(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        corpus.stages["5"]()
    monkeypatch.setattr(checkpoint, "save", save)
    written = run / "checkpoint.pt"
    written.write_bytes(CHECKPOINTS[damage](written.read_bytes()))
    caplog.set_level("INFO", "train")
    corpus.stages["5"]()
    noticed = "checkpoint.damaged" in (run / "train.log").read_text()
    assert noticed or damage == "longer", "a longer archive is still whole"
    for file in ("model.safetensors", "predictions_test.tsv", "metrics.jsonl"):
        assert (run / file).read_bytes() == corpus.files[run / file], file
    assert not [*run.glob("checkpoint.*")]
