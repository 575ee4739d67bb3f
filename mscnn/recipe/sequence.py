"""The stages of a plan, one after another in this process: what utils/stages.sh calls as commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mscnn.corpora.prepare import AudioForm
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.log import get_logger
from mscnn.recipe.plan import DataSet, Plan

logger = get_logger("own")


@dataclass(frozen=True)
class Run:
    """What the stages need in addition to the plan.

    Attributes:
        parser: parser of the corpus, a name in mscnn/corpora; ``root`` is its folder.
        form: format of the recordings.
        skip: whether utterances that cannot be used are excluded, in place of an error.
        nj: processes at a time.
        device: cpu, cuda or auto.
        overwrite: whether experiments that have other options are replaced.
    """

    parser: str
    root: Path
    form: AudioForm
    skip: bool = False
    nj: int = 1
    device: str = "auto"
    overwrite: bool = False


def run_stages(plan: Plan, run: Run) -> None:
    """Run all stages but that of transcripts, in the current folder; what is up to date is kept.

    Raises:
        UserError: a stage fails.
    """
    for number, name, stage in (
        (0, "preflight", _preflight),
        (1, "data", _data),
        (2, "xvector", _xvectors),
        (3, "features", _features),
        (5, "train", _train),
        (6, "score", _score),
    ):
        logger.info("stage %d %s", number, name)
        stage(plan, run)


def _preflight(plan: Plan, run: Run) -> None:
    from mscnn.recipe.needs import Needs
    from mscnn.recipe.preflight import examine

    failed = 0
    for finding in examine(Needs(plan=plan, corpus=run.parser, root=str(run.root), nj=run.nj)):
        print(finding, flush=True)
        failed += finding.level == "FAIL"
    if failed:
        raise UserError(f"{failed} checks failed: fix these first", code="preflight-failed")


def _data(plan: Plan, run: Run) -> None:
    from mscnn.config.labels import LabelMap
    from mscnn.corpora import read
    from mscnn.corpora.prepare import prepare, report_counts

    for data in plan.data_sets:
        labels, corpus = LabelMap.load(data.labels), read(run.parser, run.root)
        report_counts(corpus, labels, None, strict=False)
        made = prepare(corpus, labels, data.subset, run.form, Path(data.path), skip=run.skip)
        if any(row.text == "gt" for row in plan.rows if row.data == data.path):
            made.text_of("gt")  # raises where no transcript has words
        _audit(data, None, run)


def _audit(data: DataSet, features: Path | None, run: Run) -> None:
    from mscnn.config.labels import LabelMap
    from mscnn.features.archive import FeatureDir
    from mscnn.leakage.report import require_no_leaks, write_audits
    from mscnn.reporting.audit import write_page

    out, classes = Path(data.path, "audit"), LabelMap.load(data.labels).classes
    archive = FeatureDir.load(features) if features else None
    for protocol, folds in data.protocols.items():
        results = write_audits(
            [protocol], DataDir.load(data.path), out, features=archive, classes=classes, first_folds=folds, nj=run.nj
        )
        for result in results:
            write_page(result, out / f"{result.protocol.name}.md")
            logger.info("%s", result)
        require_no_leaks(results)


def _xvectors(plan: Plan, run: Run) -> None:
    from mscnn.xvector.extract import extract
    from mscnn.xvector.modeldir import XvectorModel

    for data in plan.data_sets:
        for out, model in data.xvectors.items():
            extract(
                DataDir.load(data.path),
                XvectorModel.load(model),
                out,
                backend="auto",
                unvoiced="all-frames",
                chunk_size=0,
                convert=run.form.convert,
                device=run.device,
                nj=run.nj,
            )


def _features(plan: Plan, run: Run) -> None:
    from mscnn.features.config import Feature
    from mscnn.features.extract import extract
    from mscnn.features.extract_text import extract_text
    from mscnn.leakage.voices import warn_of_voices

    for data in plan.data_sets:
        directory = DataDir.load(data.path)
        for name, out in data.features.items():
            feature = Feature.load(name, data.feature_set.get(name, ()))
            extract(directory, feature, out, nj=run.nj, convert=run.form.convert, device=run.device)
        for folder, (name, text) in data.encoded.items():
            feature = Feature.load(name, data.feature_set.get(name, ()))
            extract_text(directory, feature, folder, text, nj=run.nj, device=run.device)
        for vectors in data.xvectors:
            warn_of_voices(directory, [*data.protocols], Path(vectors, "xvector.scp"))
        _audit(data, next(map(Path, data.features.values()), None), run)  # again, now that there are features


def _train(plan: Plan, run: Run) -> None:
    from mscnn.recipe.resources import fit
    from mscnn.training.runner import train_experiments

    experiments = [row.setup() for row in plan.trained]
    placed = fit(experiments, run.nj)
    if placed.failed:
        raise UserError(f"cannot be trained: {', '.join(map(str, placed.failed))}", code="experiments-failed")
    train_experiments(experiments, nj=placed.nj, overwrite=run.overwrite, devices=placed.devices)


def _score(plan: Plan, run: Run) -> None:
    from mscnn.evaluation.experiment import Experiment
    from mscnn.reporting.page.page import write_page
    from mscnn.reporting.results import write_report

    for row in plan.rows:
        write_report(Experiment.load(row.exp), row.data)
        write_page(row.exp, row.data)


def results(plan: Plan) -> Iterator[str]:
    """Lines for the user: the score of each experiment, and where its report is."""
    from mscnn.recipe.tables import headlines

    yield from headlines(plan)
    yield from (f"report: {Path(row.exp, 'report.html').absolute()}" for row in plan.rows)
