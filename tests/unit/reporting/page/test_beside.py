"""Systems beside a report, and what a reader must not miss."""

from dataclasses import replace

import pytest
import yaml

from mscnn.evaluation.experiment import Experiment
from mscnn.evaluation.groups import read_attributes
from mscnn.reporting.lines import read_score
from mscnn.reporting.page import beside
from mscnn.reporting.page.page import write_page
from mscnn.reporting.page.source import read_data
from mscnn.reporting.results import write_report
from tests.unit.evaluation.conftest import make_experiment
from tests.unit.reporting.page.conftest import write_audit
from tests.unit.reporting.reading import read_html


@pytest.fixture
def sibling(scored):
    """Function that puts a scored experiment beside the toy: (folder, model, ua, **fields)."""

    def put(folder, model, ua, **fields):
        line = read_score(scored / "score_test.txt")
        values, fields = {**line.values, "ua": ua}, {**line.fields, "model": model, **fields}
        (scored.parent / folder).mkdir()
        (scored.parent / folder / "score_test.txt").write_text(f"{replace(line, values=values, fields=fields)}\n")

    return put


def notes(folder):
    return {note.code: note.text for note in beside.notes(read_data(folder))}


def test_systems_of_the_same_protocol_stand_beside_the_report(scored, sibling):
    assert beside.table(read_data(scored)) is None
    sibling("b", "logmel_lr", 50.0)
    sibling("c", "text_cnn", 90.0)
    sibling("d", "glam", 95.0, protocol="random10@0000")
    sibling("e", "glam", 95.0, data="other")
    sibling("f", "glam", 95.0, partial="1/2")
    (scored.parent / "g").mkdir()
    (scored.parent / "g" / "score_test.txt").write_text("damaged\n")
    section = read_html(write_page(scored).read_text())["systems"]
    rows = section.all("table")[0].rows[1:]
    names = [row[0] for row in rows]
    assert names[0] == "text_cnn" and names[1].endswith("this report") and names[2] == "logmel_lr (baseline)"
    assert [row[-3] for row in rows] == ["90.00", "84.38", "50.00"]
    assert [link.attributes["href"] for link in section.all("a")] == ["../c/report.html", "../b/report.html"]


def test_a_system_that_is_no_better_than_a_baseline(scored, sibling, tmp_path):
    sibling("b", "majority", 50.0)
    sibling("c", "text_cnn", 99.0)
    assert "no-better-than-baseline" not in notes(scored)
    sibling("d", "logmel_lr", 84.5)
    text = notes(scored)["no-better-than-baseline"]
    assert "logmel_lr" in text and "84.50" in text


def test_baselines_of_the_audit_count_where_none_is_trained(scored, tmp_path):
    result = write_audit(tmp_path / "data" / "toy", {})
    assert "no-better-than-baseline" not in notes(scored)
    path = tmp_path / "data" / "toy" / "audit" / "random10.json"
    path.write_text(path.read_text().replace("60.42", "84.42"))
    assert result and "tfidf_lr" in notes(scored)["no-better-than-baseline"]


def test_dev_far_above_test(scored):
    assert "dev-above-test" not in notes(scored)
    data = read_data(scored)
    dev = replace(data.lines["dev"][0], values={**data.line.values, "ua": 97.0})
    far = replace(data, lines={**data.lines, "dev": [dev]})
    (text,) = [note.text for note in beside.notes(far) if note.code == "dev-above-test"]
    assert "97.00" in text and "84.38" in text and "12.62" in text


def test_how_to_use_the_model(scored):
    page = read_html(write_page(scored).read_text())
    assert page["use-command"].text == "mscnn predict exp/try FILE.wav"
    for weights in scored.glob("fold*/run*/model.safetensors"):
        weights.unlink()
    assert not beside.use(read_data(scored))["network"]


def test_the_title_names_the_corpus(scored, tmp_path):
    assert "toy" in read_html(write_page(scored).read_text()).all("h1")[0].text
    (tmp_path / "corpus.yaml").write_text("name: Town\nabout: people\n")
    page = read_html(write_page(scored).read_text())
    assert "Town" in page.all("h1")[0].text and "Town" in page.all("title")[0].text


def test_scores_by_whether_the_text_is_in_training(scored, tmp_path):
    """Texts of fold 1's training part with one class, with several, and others."""
    experiment = Experiment.load(scored)
    tested = experiment.parts["test"][0][0].utts
    others = [utt for utt in (tmp_path / "data/toy/utt2emo").read_text().split()[::2] if utt not in tested]
    (scored / "folds").mkdir()
    for number in range(1, len(experiment.parts["test"]) + 1):
        (scored / "folds" / f"fold{number:02d}.train").write_text("\n".join(others) + "\n")
    emotions = dict(line.split() for line in (tmp_path / "data/toy/utt2emo").read_text().splitlines())
    texts = {utt: f"said {emotions[utt]}" if utt in others else "new" for utt in emotions}
    texts |= {tested[0]: "said calm", tested[1]: "Said, CALM!", tested[2]: "both"}
    texts |= {others[0]: "both", next(u for u in others if emotions[u] != emotions[others[0]]): "both"}
    (tmp_path / "data/toy/text").write_text("".join(f"{utt} {texts[utt]}\n" for utt in sorted(texts)))
    values = read_attributes(Experiment.load(scored))["text in training"]
    assert [values[utt] for utt in tested[:4]] == ["with one class", "with one class", "with several classes", "no"]
    write_report(Experiment.load(scored))
    assert "text in training" in (scored / "statistics.json").read_text()


def test_majority_under_pooled_folds_is_explained(tmp_path):
    facts = {"model": "majority", "model_options": {"kind": "majority"}}
    counts = [[[[0, 4], [0, 1]]], [[[1, 0], [4, 0]]]]  # the class that is rare in test
    folder = make_experiment(tmp_path / "exp" / "m", counts, **facts)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["protocol"]["aggregate"] = "pooled"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    write_report(Experiment.load(folder))
    remarks = (folder / "score_test.txt").read_text()
    assert (
        remarks.startswith("%UA 20.00")
        and "# majority: " in remarks
        and "50.00" in remarks
        and "never predicted" not in remarks
    )
