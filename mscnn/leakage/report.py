"""The audits of protocols on a data directory: what train and test share, and what memorising would earn.

``<protocol>.json`` holds every number, ``<protocol>.md`` the table for people. Nothing in them has a date.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from mscnn.config.model import ModelSpec
from mscnn.data.datadir import DataDir
from mscnn.data.protocols import Fold, Protocol, folds_digest, make_folds
from mscnn.errors import DataErrors, UserError
from mscnn.features.archive import FeatureDir
from mscnn.files import atomic, digest, read_mapping
from mscnn.jobs import workers
from mscnn.leakage import markdown
from mscnn.leakage.measures import leaks, measure
from mscnn.leakage.recordings import contents
from mscnn.log import get_logger
from mscnn.stamp import source_digest

CODE = (  # whatever makes the numbers
    "mscnn.leakage", "mscnn.baselines", "mscnn.data", "mscnn.features.archive", "mscnn.evaluation.metrics",
    "mscnn.text.normal",
)  # fmt: skip
PACKAGES = ("numpy", "scikit-learn")
MOST = 20  # leaks that are listed
SMALL = 2000  # utterances; a baseline learns so few sooner than a process starts
log = get_logger("audit")
Result = dict[str, object]


def write_audits(
    protocols: Sequence[str], data: Path, out: Path, *, feature_dir: Path | None = None, nj: int = 1
) -> list[Result]:
    """Audit protocols, with ``nj`` processes, into ``out/<protocol>.{json,md}``; unchanged audits are not made again.

    Without ``feature_dir``, what the sound earns is not computed; where an unchanged audit has it, it stays.

    Raises:
        UserError: two protocols have one name; a protocol does not fit the data, or they break one of its promises: two
            utterances are named.
        DataErrors: two utterances in different parts of a fold are the same recording.
    """
    directory = DataDir.load(data)
    features = FeatureDir.load(feature_dir) if feature_dir else None
    cuts = [(protocol, make_folds(protocol, directory)) for protocol in _load(protocols, out)]
    recordings = contents(directory, out / "recordings.json")
    results = []
    with workers(nj if len(directory.utts) > SMALL else 1) as each:
        for protocol, folds in cuts:
            results.append(_audit(protocol, folds, directory, recordings, features, out, each))
            log.info("%s", markdown.summary(results[-1]))
    found = [leak for result in results for leak in result["leaks"]]
    if found:
        raise DataErrors(
            f"{data}: {len(found)} pair(s) of utterances in different parts of a fold are the same recording, sample "
            "for sample: what is tested, or selected on, has been learnt. Keep one of each pair, take the other out of "
            "the corpus, and run stage 1 (data) again; with --on-bad skip it leaves out the other by itself:",
            found,
            MOST,
        )
    return results


def _load(protocols: Sequence[str], out: Path) -> list[Protocol]:
    found: dict[str, str] = {}
    loaded = [Protocol.load(protocol) for protocol in protocols]
    for protocol, given in zip(loaded, protocols, strict=True):
        if protocol.name in found:
            raise UserError(
                f"protocols {found[protocol.name]} and {given} have one name, {protocol.name}, and one audit, "
                f"{out / protocol.name}.json: change name in one of the files, or audit it into another --out"
            )
        found[protocol.name] = given
    return loaded


def _audit(
    protocol: Protocol,
    folds: Sequence[Fold],
    data: DataDir,
    recordings: Mapping[str, str],
    features: FeatureDir | None,
    out: Path,
    each: Callable,
) -> Result:
    """Audit one protocol and write the result, unless it is there already."""
    facts = {"protocol": _facts(protocol, folds), "data": data.name, "utterances": len(data.utts)}
    facts["inputs"] = digest(
        [
            facts,
            [data.spk, data.emo, data.text, data.session, data.scene, recordings],
            [ModelSpec.load(model).describe() for model in ("tfidf_lr", "logmel_lr")],
            [source_digest(module) for module in CODE],
            [version(package) for package in PACKAGES],
        ]
    )
    path = out / f"{protocol.name}.json"
    result: Result = read_mapping(path)
    heard = features.content if features else result.get("heard")
    if (result.get("inputs"), result.get("heard")) != (facts["inputs"], heard):
        facts["heard"] = features and features.content
        found = leaks(protocol, folds, data, recordings)
        result = {**facts, "leaks": found, **measure(folds, data, recordings, features, each=each)}
        with atomic(path) as file:
            json.dump(result, file, indent=1, ensure_ascii=False)
            file.write("\n")
    with atomic(path.with_suffix(".md")) as file:
        file.write(markdown.page(result))
    return result


def _facts(protocol: Protocol, folds: Sequence[Fold]) -> dict[str, object]:
    sha256 = folds_digest(protocol, folds)
    return {
        "name": protocol.name,
        "version": protocol.version,
        "hash": sha256[:4],
        "sha256": sha256,
        "disjoint": {pair: list(what) for pair, what in protocol.disjoint.items()},
        "selection": protocol.selection,
        "legacy": list(protocol.legacy),
        "aggregate": protocol.aggregate,
    }
