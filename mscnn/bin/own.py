"""From a table or folder of your own recordings to a report: reads it, and runs all stages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.bin.read_table import add_options, read_shown, source_of
from mscnn.device import DEVICES
from mscnn.options import Parser, count, flag, positive, run

if TYPE_CHECKING:
    import argparse

    from mscnn.corpora.tables.source import OwnCorpus, Source
    from mscnn.recipe.plan import Plan

PRETRAINED = "network of a feature, a folder, file or hub name"
MODELS = ("audio_cnn", "logmel_lr", "majority")


def parser() -> Parser:
    """The options of this command."""
    p = Parser("mscnn.bin.own", __doc__)
    add_options(p)
    p.add_argument("--model", nargs="+", default=MODELS, help="names in conf/models, or .yaml files")
    p.add_argument("--text", default="none", choices=("none", "gt"), help="gt: models take the column of transcripts")
    p.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="changes of every model")
    p.add_argument("--pretrained", nargs="+", default=[], metavar="FEATURE=MODEL", help=PRETRAINED)
    p.add_argument("--trim", default="", help="trim leading and trailing audio this many dB below the loudest part")
    p.add_argument("--folds", type=count, default=0, help="number of folds to train, from the first; 0: all")
    p.add_argument("--runs", type=positive, default=1, help="repetitions of every fold")
    p.add_argument("--tag", default="", help="name of the experiment, where there is one; default: MODEL_TEXT_PROTOCOL")
    p.add_argument("--overwrite", type=flag, default=False, help="replace experiments that have other options")
    p.add_argument("--device", default="auto", choices=DEVICES, help="device of training")
    p.add_argument("--nj", type=positive, help="processes at a time; default: one per processor")
    p.add_argument("--out", type=Path, help="folder to write; default: own_NAME, NAME from the table")
    return p


def main() -> None:
    """Read the table, run the stages in the folder ``--out``, and print the scores and the place of the reports."""
    args = parser().parse_args()

    from mscnn import jobs
    from mscnn.corpora.prepare import AudioForm
    from mscnn.corpora.tables.source import name_of
    from mscnn.lock import held, of_folder
    from mscnn.recipe.options import networks, with_paths
    from mscnn.recipe.sequence import Run, results, run_stages

    args.nj = args.nj or jobs.processors()
    source = source_of(args)
    args.model = [_conf(name) for name in args.model]
    args.set, args.pretrained = with_paths(args.set, _conf), networks(args.pretrained, _file)
    name = name_of(source.table)
    out = args.out or Path(f"own_{name}")
    out.mkdir(parents=True, exist_ok=True)
    with held(of_folder(out)):
        os.chdir(out)  # the paths of a plan are relative to this folder
        root = Path("local", name)
        own = read_shown(source, root)
        _write_facts(own, source)
        plan = _plan(args, own)
        run_stages(plan, Run("own", root, AudioForm(), source.skip, args.nj, args.device, args.overwrite))
        print("\n".join(results(plan)))


def _conf(name: str) -> str:
    """The absolute path of a YAML file; other names as they are."""
    return os.path.abspath(name) if name.endswith((".yaml", ".yml")) else name


def _file(name: str) -> str:
    """The absolute path of what exists; other names as they are."""
    return os.path.abspath(name) if os.path.exists(name) else name


def _plan(args: argparse.Namespace, own: OwnCorpus) -> Plan:
    from mscnn.recipe.make import make_plan
    from mscnn.recipe.options import Options

    options = Options(
        labels=str(own.labels),
        corpus="own",
        models=tuple(args.model),
        texts=(args.text,),
        protocols=own.protocols,
        set=args.set,
        pretrained=args.pretrained,
        trim=args.trim,
        folds=args.folds,
        runs=args.runs,
        device=args.device,
        nj=args.nj,
        tag=args.tag,
        overwrite=args.overwrite,
    )
    plan = make_plan(options)
    print("".join(f"{sentence}\n" for sentence in plan.left_out), end="", flush=True)
    plan.write("exp/plan.jsonl")
    return plan


def _write_facts(own: OwnCorpus, source: Source) -> None:
    """Write ``corpus.yaml``, for the model card; one that exists is kept."""
    import yaml

    from mscnn.data.corpus_facts import FILE
    from mscnn.files import atomic

    if Path(FILE).is_file():
        return
    facts = {
        "name": source.table.name,
        "about": f"{len(own.corpus.items)} recordings of a table, labelled by its author",
        "source": str(source.table),
        "limits": ["Origin, language and annotation of the recordings are not stated: add them to corpus.yaml."],
    }
    with atomic(FILE) as out:
        yaml.safe_dump(facts, out, allow_unicode=True, sort_keys=False)


if __name__ == "__main__":
    run(main)
