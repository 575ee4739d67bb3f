"""Jobs as JSON: all arguments come back as they were, and nothing outside the package can be named."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from mscnn.data.audio import UtteranceAudio
from mscnn.features.archive_jobs import run_job
from mscnn.features.config import Feature
from mscnn.features.extract import FeatureJob, write_features
from mscnn.files import write_table
from mscnn.jobs import codec
from mscnn.jobs.job import Job
from mscnn.paths import CONF
from mscnn.xvector.extract import write_vectors
from mscnn.xvector.job import XvectorJob
from tests.raises import fails


@dataclass(frozen=True)
class Other:
    """A dataclass outside the package."""

    value: int = 1


AUDIO = (UtteranceAudio("a-1", "ä \udce4.wav", 0.1, 2 / 3), UtteranceAudio("a-2", "b.wav"))


@pytest.mark.parametrize(
    "args",
    [
        (None, True, -3, 0.1, 1e300, "ü\n'\"$(x)", [1, (2, [Path("a b")])], {"a": (1,), 2: None}),
        (FeatureJob(1, AUDIO, True, Path("out"), Feature.load("mfcc120")), write_features),
        (XvectorJob(2, AUDIO, False, Path("out"), Path("m"), "native", "", "zero", 10, "cpu"), write_vectors),
    ],
)
def test_a_job_comes_back_as_it_was(args):
    job = Job.of(run_job, args, Path("log/x.1.log"), (Path("out/a"),))
    line = job.json()
    assert Job.from_json(line) == job and "\n" not in line and line.isascii()


@pytest.mark.parametrize("feature", sorted(path.stem for path in (CONF / "features").glob("*.yaml")))
def test_every_feature_is_an_argument(feature):
    value = Feature.load(feature)
    assert codec.decode(json.loads(json.dumps(codec.encode(value)))) == value


def test_only_functions_and_dataclasses_of_the_package_are_called():
    def job(function, *args):
        return json.dumps({"function": function, "args": {"tuple": [*args]}, "log": {"path": "l"}, "writes": []})

    assert Job.from_json(job("mscnn.files:write_table")).call.__self__.function == "mscnn.files:write_table"
    wrong = [
        job("os:system"), job("mscnn.files:os"), job("mscnn.files:os.system"), job("mscnn.files:json"), job("mscnn"),
        job("mscnn.jobs.run:ThreadPoolExecutor"), job("mscnn.nothing:at_all"), job("mscnnx:f"), job(""),
        job("mscnn.files:write_table", {"function": "os:system"}), job("mscnn.files:write_table", {"os:system": {}}),
        job("mscnn.files:write_table", {"mscnn.stamp:Stamp": {"path": "a"}}),
        job("mscnn.files:write_table", {"mscnn.data.audio:UtteranceAudio": {"wav": "a"}}),
        job("mscnn.files:write_table", {"mscnn.data.audio:UtteranceAudio": [1]}),
        job("mscnn.files:write_table", {"path": "a", "tuple": []}), job("tests.unit.jobs.test_codec:job"),
        "[" * 100_000, "{", "[]", "null", '{"function": "mscnn.files:write_table"}', "\x00",
    ]  # fmt: skip
    for text in wrong:
        with fails("job-invalid"):
            Job.from_json(text)
    text = Job.of(write_table, (Other(),), Path("l")).json()
    assert Job.from_json(text, anywhere=True).args == (Other(),)


def test_what_is_no_argument(monkeypatch):
    for value in (object(), {1}, b"x", Other):
        with pytest.raises(TypeError):
            codec.encode(value)
    monkeypatch.setattr("mscnn.jobs.job.MOST", 1000)
    with fails("job-too-large", "x.log"):
        Job.of(write_table, ("x" * 1000,), Path("x.log")).json()
