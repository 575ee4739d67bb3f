"""Miniatures of described corpora."""

import pytest

from mscnn.config.corpus import Description
from mscnn.paths import conf, names
from mscnn.synthetic.miniature import recordings
from tests.raises import fails


@pytest.mark.parametrize("name", names("corpora"))
def test_every_description_has_a_miniature(name):
    made = recordings(Description.load(name), speakers=3)
    assert len({recording.path for recording in made}) == len(made) >= 4


def test_folders_follow_the_parts_of_the_name():
    fields = {"label": "{emotion}", "speaker": "{who}", "gender": {"of": "{who}", "codes": {"x1 x2": "f"}}}
    pattern = r"(?P<who>x\d)_(?P<emotion>[ab])"
    description = Description.of(
        {"name": "toy", "names": [pattern], "example": "x1/wav/x1_a.wav", "fields": fields}, "toy"
    )
    assert [made.path for made in recordings(description)] == ["x1/wav/x1_a.wav", "x2/wav/x2_a.wav"]


def test_an_example_that_no_pattern_matches_is_refused():
    with fails("corpus-example", "toy", "nonsense.wav"):
        recordings(Description("toy", ("(?P<label>a)",), example="nonsense.wav"))


@pytest.mark.parametrize("code", ["/tmp/x", "../../x"])
def test_codes_that_lead_out_of_the_corpus_are_refused(code, tmp_path):
    text = conf("corpora", "tess").read_text()
    (tmp_path / "tess.yaml").write_text(text.replace("YAF: YAF", f"{code}: YAF").replace("OAF OA: OAF, ", ""))
    with fails("corpus-example", code):
        recordings(Description.load(str(tmp_path / "tess.yaml")))
