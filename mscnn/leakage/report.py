"""Audits of protocols on a data directory: what train and test share, and scores of baselines.

``<protocol>.json`` has all values and no date: equal audits give equal files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.data.fit import applicable, check_fit
from mscnn.data.protocols import Fold, Protocol
from mscnn.errors import DataErrors, Issue, UserError
from mscnn.features.archive import FeatureDir
from mscnn.files import digest
from mscnn.jobs import Settings, processors, run_jobs, workers
from mscnn.leakage.measures import facts, measure
from mscnn.leakage.recordings import contents
from mscnn.leakage.result import AuditResult
from mscnn.stamp import source_digest

CODE = (  # modules that determine the results
    "mscnn.leakage.measures", "mscnn.leakage.recordings", "mscnn.audio.duplicates", "mscnn.baselines", "mscnn.data",
    "mscnn.features.archive", "mscnn.evaluation.metrics", "mscnn.text.normal",
)  # fmt: skip
PACKAGES = ("numpy", "scikit-learn")
SERIAL_BELOW = 2000  # utterances; fitting on fewer is faster than starting processes


def audit(data: DataDir, protocol: Protocol | str, *, features: FeatureDir | None = None, nj: int = 1) -> AuditResult:
    """Audit a protocol on a data directory; nothing is written.

    Args:
        protocol: a protocol, or a name in conf/protocols, or a .yaml file.
        features: input of the audio baseline; without them it is omitted.
        nj: number of processes; 1: the calling process does everything.

    Returns:
        what train and test share, per fold and over folds; ``leaks`` are recordings in two parts of a fold.

    Raises:
        UserError: there is no such protocol, or it does not fit the data.
        DataErrors: a part is empty, parts share what the protocol states to be disjoint, or recordings cannot be read.
    """
    protocol = Protocol.load(protocol) if isinstance(protocol, str) else protocol
    folds = protocol.folds(data)
    with workers(nj) as map_fn:
        return measure(protocol, folds, data, contents(data), features, map_fn=map_fn)


def write_audits(
    protocols: Sequence[str],
    data: DataDir,
    out: Path,
    *,
    features: FeatureDir | None = None,
    classes: Sequence[str] = (),
    first_folds: int = 0,
    nj: int = 1,
) -> list[AuditResult]:
    """Write audits of protocols to ``out/<protocol>.json`` and return them; up-to-date files are kept.

    Args:
        protocols: names in conf/protocols, or .yaml files.
        features: input of the audio baseline; without them an up-to-date audit keeps its scores.
        classes: classes of the label map; where given, every part of the folds that are trained must have all.
        first_folds: number of folds that are trained; 0: all.
        nj: number of processes; results do not depend on it.

    Raises:
        UserError: two protocols have the same name, or a protocol does not fit the data; with ``classes`` the message
            names those of conf/protocols that do.
        DataErrors: a part is empty or lacks a class, or parts share what the protocol states to be disjoint.
    """
    splits = [
        (protocol, check_fit(protocol, data, classes, first_folds) if classes else protocol.folds(data))
        for protocol in _applicable(_load(protocols, out), data, classes, first_folds)
    ]
    recordings = contents(data, out / "recordings.json")
    if len(data.utts) > SERIAL_BELOW and Settings.of("audit").elsewhere:
        given = {Protocol.load(name).name: name for name in protocols}
        stale = [
            given[protocol.name]
            for protocol, folds in splits
            if protocol.name in given
            and not _current(protocol, _inputs(protocol, folds, data, recordings), features, out)
        ]
        _audit_elsewhere(stale, data, out, features, classes, first_folds)
    with workers(nj if len(data.utts) > SERIAL_BELOW else 1) as map_fn:
        return [_audit(protocol, folds, data, recordings, features, out, map_fn) for protocol, folds in splits]


def require_no_leaks(results: Sequence[AuditResult]) -> None:
    """Raise DataErrors where two utterances in different parts of a fold are the same recording."""
    issues = [Issue("recording-twice", leak) for result in results for leak in result.leaks]
    if issues:
        raise DataErrors(
            f"{results[0].data}: {len(issues)} pair(s) of utterances in different parts of a fold are the same "
            "recording, sample for sample: the model is tested, or selected, on training data. Keep one of each pair, "
            "remove the other from the corpus, and run stage 1 (data) again; --on-bad skip excludes the other "
            "automatically:",
            issues,
            code="recording-twice",
        )


def _applicable(
    protocols: Sequence[Protocol], data: DataDir, classes: Sequence[str], first_folds: int
) -> list[Protocol]:
    """The protocols that training will use, each once."""
    used = [applicable(protocol, data, classes, first_folds) if classes else protocol for protocol in protocols]
    return [*{protocol.name: protocol for protocol in used}.values()]


def _load(names: Sequence[str], out: Path) -> list[Protocol]:
    given: dict[str, str] = {}
    protocols = [Protocol.load(name) for name in names]
    for protocol, name in zip(protocols, names, strict=True):
        if protocol.name in given:
            raise UserError(
                f"protocols {given[protocol.name]} and {name} have the same name, {protocol.name}, and the same "
                f"audit, {out / protocol.name}.json: change the name in one of the files, or use another --out",
                code="protocol-name-twice",
            )
        given[protocol.name] = name
    return protocols


def audit_one(
    protocol: str, data: Path, out: Path, features: Path | None, classes: tuple[str, ...], first_folds: int
) -> None:
    """Write the audit of one protocol, as :func:`write_audits`, on the machine that a cluster gives."""
    archive = FeatureDir.load(features) if features else None
    write_audits(
        [protocol], DataDir.load(data), out, features=archive, classes=classes, first_folds=first_folds, nj=processors()
    )


def _audit_elsewhere(
    names: Sequence[str],
    data: DataDir,
    out: Path,
    features: FeatureDir | None,
    classes: Sequence[str],
    first_folds: int,
) -> None:
    """Write audits of a large set on a cluster, one job per protocol."""
    run_jobs(
        audit_one,
        [(name, data.path, out, features.path if features else None, tuple(classes), first_folds) for name in names],
        nj=1,
        step="audit",
        log_dir=out / "log",
        writes=[[out / f"{Protocol.load(name).name}.json"] for name in names],
    )


def _audit(
    protocol: Protocol,
    folds: Sequence[Fold],
    data: DataDir,
    recordings: Mapping[str, str],
    features: FeatureDir | None,
    out: Path,
    map_fn: Callable,
) -> AuditResult:
    """Result for one protocol, read from its file where that is up to date, else measured and written."""
    inputs = _inputs(protocol, folds, data, recordings)
    if previous := _current(protocol, inputs, features, out):
        return previous
    result = measure(protocol, folds, data, recordings, features, inputs=inputs, map_fn=map_fn)
    result.write(out / f"{protocol.name}.json")
    return result


def _current(protocol: Protocol, inputs: str, features: FeatureDir | None, out: Path) -> AuditResult | None:
    """The result in its file; None where that is missing, or not of these inputs."""
    found = AuditResult.read(out / f"{protocol.name}.json")
    return (
        found
        if found and found.inputs == inputs and (features is None or found.features_digest == features.content)
        else None
    )


def _inputs(protocol: Protocol, folds: Sequence[Fold], data: DataDir, recordings: Mapping[str, str]) -> str:
    """Digest of all that a result depends on, but for features."""
    return digest(
        [
            [asdict(facts(protocol, folds)), data.name, len(data.utts)],
            [data.spk, data.emo, data.text, data.session, data.scene, recordings],
            [ModelSpec.load(model).describe() for model in ("tfidf_lr", "logmel_lr")],
            [source_digest(module) for module in CODE],
            [version(package) for package in PACKAGES],
        ]
    )
