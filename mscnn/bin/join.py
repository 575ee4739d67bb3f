"""Stage 1: join data directories, to train on some corpora and test on another."""

from itertools import product
from pathlib import Path

from mscnn.log import get_logger
from mscnn.options import Parser, run


def parser() -> Parser:
    """The options of this entry point."""
    p = Parser("mscnn.bin.join", __doc__)
    p.add_argument(
        "--train-on",
        nargs="+",
        required=True,
        help="data directories, or recipes with one (RECIPE:SET of several); A+B trains on both together",
    )
    p.add_argument("--test-on", nargs="+", required=True, help="likewise; each pair without a common corpus is made")
    p.add_argument("--classes", default="common", help="classes, separated by commas; common: those of all corpora")
    p.add_argument("--out", type=Path, default=Path("data"), help="folder of the data directories")
    p.add_argument("--caller", type=Path, default=Path(), help="second folder that relative paths are looked up in")
    p.add_argument("--model", nargs="*", default=[], help="models of the grid of several pairs")
    p.add_argument("--text", nargs="*", default=["none"], help="transcripts of that grid")
    return p


def main() -> None:
    """Write the data directories and their label maps; prints the label map; of several, the first and the grid."""
    args = parser().parse_args()
    import json
    from dataclasses import asdict

    from mscnn.data import joint
    from mscnn.data.corpus_facts import FILE
    from mscnn.errors import UserError
    from mscnn.files import atomic

    def source(place: str) -> joint.Source:
        if place not in found:
            here = place if Path(place.partition(":")[0]).exists() else str(args.caller / place)
            found[place] = joint.find_source(here)
        return found[place]

    found: dict[str, joint.Source] = {}
    log, folder, maps = get_logger("join"), args.out / "labels", []
    wanted = [] if args.classes == "common" else args.classes.split(",")
    for places, place in product(args.train_on, args.test_on):
        train, test = [source(one) for one in places.split("+")], source(place)
        if len(args.train_on) * len(args.test_on) > 1 and test.name in [one.name for one in train]:
            continue
        made = joint.join(train, test, wanted)
        for line in joint.describe([*train, test], made):
            log.info("%s: %s", made.name, line)
        if joint.write(made, args.out / made.name):
            log.info("wrote %s: %d utterances", args.out / made.name, len(made.tables["utt2spk"]))
        with atomic(args.out / made.name / FILE) as out:
            out.write(json.dumps(asdict(joint.facts([*train, test], made.name)), ensure_ascii=False, indent=1) + "\n")
        maps.append(folder / f"{made.name}.yaml")
        with atomic(maps[-1]) as out:
            out.write(json.dumps(made.label_map(), ensure_ascii=False, indent=1) + "\n")
    if not maps:
        raise UserError("no pair of different corpora in --train-on and --test-on", code="joint-same")
    if len(maps) > 1:
        entry = {"model": args.model, "text": args.text, "labels": [str(path) for path in maps]}
        with atomic(folder / "cross.yaml") as out:
            out.write(json.dumps({"experiments": [entry]}, ensure_ascii=False, indent=1) + "\n")
        print(maps[0])
    print(maps[0] if len(maps) == 1 else folder / "cross.yaml")


if __name__ == "__main__":
    run(main)
