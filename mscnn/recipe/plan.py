"""The plan of a recipe: ``exp/plan.jsonl``, one JSON object per experiment, written before any stage runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.config import schema
from mscnn.config.embeddings import WORD2VEC
from mscnn.config.labels import LabelMap
from mscnn.data.corpus_facts import CorpusFacts
from mscnn.errors import UserError
from mscnn.files import atomic, json_value, regular

if TYPE_CHECKING:
    from mscnn.training.experiment import ExperimentConfig

NO_ENGINE = ("", "gt", "none")
NO_VECTORS = (WORD2VEC, "none")  # word vectors that are no file


def stage_of(text: str) -> int:
    """Stage that encodes transcripts: 3, or that of ASR transcripts."""
    return 3 if text == "gt" else 4


@dataclass(frozen=True)
class Row:
    """One experiment: the inputs of its training, prediction and scoring. Paths are relative to the recipe's folder.

    Attributes:
        tag: name of the experiment.
        exp: folder of the experiment.
        model: name in conf/models, or a YAML file.
        set: changes of the configuration of the model, KEY=VALUE.
        data: data directory, made with the label map ``labels`` from ``subset`` of the recordings.
        text: transcripts for training: gt, an ASR engine, or none for a model without text input.
        tokens, embeddings, emb_dim, emb_words, pieces: see :class:`mscnn.training.sources.TextOptions`.
        xvector: xvector.scp of the x-vectors, or none.
        xvector_model: x-vector network of stage 2; empty where the user gave the file.
        features: dump folder of each feature; that of transcripts ends with the name of their source.
        text_encoder: the feature of transcripts among them, or empty.
        feature_set: changes of the options of each feature.
        given: features that exist in their folders already and that stage 3 does not make.
        protocol: name in conf/protocols, or a YAML file.
        folds: number of folds to train, from the first; 0: all.
        runs: repetitions of every fold.
        seed: mixed into every seed.
        device: cpu, cuda or auto.
        tested_on: empty, or the transcripts (gt or an ASR engine) on which the models in ``trained_in`` are tested;
            then nothing is trained.
        trained_in: folder of the experiment that trains the models, or empty.
        grid: name of the grid that has the experiment, or empty.
    """

    tag: str
    exp: str
    model: str
    data: str
    labels: str
    protocol: str
    set: tuple[str, ...] = ()
    subset: str = "all"
    text: str = "none"
    tokens: str = "word"
    embeddings: str = WORD2VEC
    emb_dim: schema.Size = 300
    emb_words: schema.CountOr0 = 50_000
    pieces: schema.Count = 1000
    xvector: str = "none"
    xvector_model: str = ""
    features: Mapping[str, str] = field(default_factory=dict)
    text_encoder: str = ""
    feature_set: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    folds: schema.CountOr0 = 0
    runs: schema.Count = 1
    seed: int = 0
    device: str = "auto"
    tensorboard: bool = False
    tested_on: str = ""
    trained_in: str = ""
    grid: str = ""

    @property
    def encoded(self) -> dict[str, tuple[str, str]]:
        """Folder of the vectors of each of its transcripts -> feature and source of the transcripts."""
        if not self.text_encoder:
            return {}
        sets, sources = Path(self.features[self.text_encoder]).parent, filter(None, (self.text, self.tested_on))
        return {str(sets / source): (self.text_encoder, source) for source in sources}

    @property
    def engines(self) -> list[str]:
        """ASR engines whose transcripts the experiment takes."""
        return [source for source in (self.text, self.tested_on) if source not in NO_ENGINE]

    def setup(self) -> ExperimentConfig:
        """The experiment in the form that training takes."""
        from mscnn.training.experiment import ExperimentConfig
        from mscnn.training.sources import TextOptions

        embeddings = None if self.embeddings in NO_VECTORS else self.embeddings
        return ExperimentConfig(
            model=self.model,
            data=Path(self.data),
            labels=self.labels,
            protocol=self.protocol,
            exp=Path(self.exp),
            feature_dirs=tuple(map(Path, self.features.values())),
            text=TextOptions(self.text, self.tokens, embeddings, self.emb_dim, self.pieces, self.emb_words),
            xvector=None if self.xvector == "none" else Path(self.xvector),
            settings=self.set,
            folds=self.folds,
            runs=self.runs,
            seed=self.seed,
            device=self.device,
            tensorboard=self.tensorboard,
        )


@dataclass
class DataSet:
    """A data directory, and what the stages make from it for all experiments that use it.

    Attributes:
        path: data directory.
        labels: label map.
        subset: recordings: all, improvised or scripted.
        protocols: protocol -> number of folds that are trained, 0 for all.
        features: feature of recordings -> dump folder.
        encoded: dump folder of a feature of transcripts -> the feature, and the source of the transcripts.
        feature_set: feature -> changes of its options.
        given: features that exist already.
        xvectors: folder of x-vectors -> network that stage 2 makes them with.
        engines: ASR engines of the experiments.
    """

    path: str
    labels: str = ""
    subset: str = "all"
    protocols: dict[str, int] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    encoded: dict[str, tuple[str, str]] = field(default_factory=dict)
    feature_set: dict[str, tuple[str, ...]] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    xvectors: dict[str, str] = field(default_factory=dict)
    engines: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the data set, as in the names of its folders."""
        return Path(self.path).name

    def language(self, given: str = "") -> str:
        """Tag of the spoken language: ``given``, else that of the corpus; empty: not known.

        Raises:
            UserError: the corpus has several (``language-several``).
        """
        facts = None if given else CorpusFacts.find(Path(self.path)) or self._described()
        known = facts.language.split() if facts else [given]
        if len(known) > 1:
            raise UserError(
                f"{self.path}: {', '.join(known)} are spoken, and an ASR engine takes one: transcribe each corpus "
                "in its own recipe, or give --language",
                code="language-several",
            )
        return "".join(known)

    def _described(self) -> CorpusFacts | None:
        with suppress(UserError):  # the label map is checked elsewhere
            return CorpusFacts.described(LabelMap.load(self.labels).corpus)
        return None

    def extracted(self, stage: int) -> list[tuple[str, str, str]]:
        """Feature, dump folder and text (gt where it is of recordings) of what stage 3 or 4 extracts."""
        recorded = [(name, out, "gt") for name, out in self.features.items() if stage == 3]
        encoded = [(name, out, text) for out, (name, text) in self.encoded.items() if stage_of(text) == stage]
        return [one for one in (*recorded, *encoded) if one[0] not in self.given]

    def add(self, row: Row) -> None:
        """Add what an experiment needs."""
        folds = self.protocols.get(row.protocol, row.folds)
        self.protocols[row.protocol] = max(folds, row.folds) if folds and row.folds else 0
        self.engines = list(dict.fromkeys([*self.engines, *row.engines]))
        self.features.update({name: out for name, out in row.features.items() if name != row.text_encoder})
        self.encoded.update(row.encoded)
        self.feature_set.update(row.feature_set)
        self.given.update(row.given)
        if row.xvector_model:
            self.xvectors[str(Path(row.xvector).parent)] = row.xvector_model


@dataclass(frozen=True)
class Plan:
    """All experiments of a recipe; ``left_out`` are sentences on those of a grid that it does not have, not written."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan.

        Raises:
            UserError: the file is missing (``plan-missing``) or is not a plan (``plan-malformed``).
        """
        try:
            lines = regular(path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: not text: {error}; run again", code="plan-malformed") from None
        except OSError:
            raise UserError(f"{path}: no such plan; make it with run.sh or mscnn plan", code="plan-missing") from None
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                values = json_value(line)
                if not isinstance(values, dict):
                    raise ValueError(f"expected an object, found {schema.shown(values)}")
            except ValueError as error:
                raise UserError(f"{path}:{number}: not JSON: {error}; run again", code="plan-malformed") from None
            rows.append(schema.build(Row, values, f"{path}:{number}"))
        return cls(tuple(rows))

    def write(self, path: str | Path) -> None:
        """Write one JSON object per experiment, atomically."""
        with atomic(path) as out:
            out.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in self.rows)

    @property
    def trained(self) -> list[Row]:
        """Experiments that are trained."""
        return [row for row in self.rows if not row.trained_in]

    @property
    def predicted(self) -> list[Row]:
        """Experiments that test the models of another experiment on other transcripts."""
        return [row for row in self.rows if row.trained_in]

    @property
    def data_sets(self) -> list[DataSet]:
        """Data sets that the stages before training make."""
        sets: dict[str, DataSet] = {}
        for row in self.rows:
            sets.setdefault(row.data, DataSet(row.data, row.labels, row.subset)).add(row)
        return list(sets.values())

    def transcripts(self, engines: Sequence[str]) -> list[tuple[DataSet, str]]:
        """Data sets and the ASR engines that transcribe them: those of their experiments.

        Of ``engines``, one that no experiment takes transcribes every data set.
        """
        used = {engine for data in self.data_sets for engine in data.engines}
        more = [engine for engine in engines if engine not in used]
        return [(data, engine) for data in self.data_sets for engine in dict.fromkeys([*more, *data.engines])]
