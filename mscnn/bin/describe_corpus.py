"""Propose the description and the label map of a corpus from the names of its recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.options import Parser, run

if TYPE_CHECKING:
    from mscnn.corpora.propose import Proposal

EXAMPLE = [f"{who}_{what}_{n:02d}.wav" for who in ("ann", "ben") for what in ("angry", "happy", "sad") for n in (1, 2)]
MOST = 3  # names that do not fit, shown


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.describe_corpus", __doc__)
    p.add_argument("--name", required=True, help="name of the corpus: lower-case letters, digits and _")
    p.add_argument("--from", dest="root", type=Path, help="folder with recordings; by default an invented example")
    p.add_argument(
        "--out",
        type=Path,
        help="folder to write corpora/NAME.yaml and labels/NAME.yaml in; default: conf of the checkout, or else .",
    )
    return p


def main() -> None:
    """Write both files, and print what was seen and the protocol that fits."""
    args = parser().parse_args()
    from mscnn.corpora import declarative
    from mscnn.corpora.propose import propose
    from mscnn.errors import UserError
    from mscnn.paths import CONF, PACKAGE

    out = args.out or (Path() if CONF.parent == PACKAGE else CONF)
    description, labels = out / "corpora" / f"{args.name}.yaml", out / "labels" / f"{args.name}.yaml"
    for path in (description, labels):
        if path.exists():
            raise UserError(f"{path} exists already; nothing was changed", code="file-exists")
    if args.root and not args.root.is_dir():
        raise UserError(f"{args.root}: no such folder (from {Path.cwd()})", code="corpus-missing")
    names = declarative.recordings_in(args.root) if args.root else EXAMPLE
    proposal = propose(args.name, names)
    protocol = _protocol(proposal, args.root or Path("example"), names)
    _write(description, _description(args.name, proposal))
    _write(labels, _labels(args.name, proposal))
    print(f"wrote {description}\nwrote {labels}\nseen in {len(names)} names:")
    print(*(f"  {line}" for line in proposal.seen), sep="\n")
    for stem in proposal.unfit[:MOST]:
        print(f"  not understood, {len(proposal.unfit)} in all: {stem}")
    print(f"protocol: {protocol}")


def _protocol(proposal: Proposal, root: Path, names: Sequence[str]) -> str:
    """The protocol that fits the names best; k_speakers where none fits them."""
    from mscnn.corpora import declarative
    from mscnn.corpora.ids import valid_ids
    from mscnn.data.datadir import DataDir
    from mscnn.data.fit import suggested
    from mscnn.errors import UserError

    corpus = valid_ids(declarative.parse(proposal.description(), root, names))
    data = DataDir(
        path=root,
        wav={item.utt: item.wav for item in corpus.items},
        text=dict.fromkeys((item.utt for item in corpus.items), ""),
        spk={item.utt: item.speaker for item in corpus.items},
        emo={item.utt: item.label for item in corpus.items},
        dur=dict.fromkeys((item.utt for item in corpus.items), 1.0),
    )
    try:
        return suggested(data).name
    except UserError:
        return "k_speakers"


def _write(path: Path, text: str) -> None:
    from mscnn.files import atomic

    with atomic(path) as file:
        file.write(text)


def _yaml(values: Mapping[str, object]) -> str:
    import yaml

    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def _description(name: str, proposal: Proposal) -> str:
    values = dict(proposal.values)
    seen = "\n".join(f"#   {line}" for line in proposal.seen)
    return (
        f"# {name}: proposed from names of recordings. Keys: docs/reference/config.md.\n"
        "# Groups of the pattern, and their values; where others are the speaker and the label (code), rename them:\n"
        f"{seen}\n"
        + _yaml({key: values.pop(key) for key in ("name", "example", "names")})
        + _yaml(values)
        + "# about: speakers, language, material, and the origin of the labels\n"
        "# language: of the speech, such as en-US\n"
        "# source: paper and web address\n"
        "# licence: terms of use\n"
        '# counts: {"*": {"*": 0}}   # utterances of a complete copy\n'
    )


def _labels(name: str, proposal: Proposal) -> str:
    classes = sorted({*proposal.classes.values()})
    values = {"name": name, "corpus": name, "classes": classes, "map": {one: one for one in classes}, "drop": []}
    return f"# Classes of {name}: every label stands in map or in drop.\n{_yaml(values)}"


if __name__ == "__main__":
    run(main)
