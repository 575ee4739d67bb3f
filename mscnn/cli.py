"""``mscnn COMMAND …``: one program for all entry points of mscnn.bin."""

import difflib
import sys
from importlib import import_module
from pathlib import Path

# Commands per stage, in the order in which a recipe calls them; commands of no stage are listed last.
STAGES = {
    "own recordings": ("own", "read_table"),
    "0 preflight": ("plan", "doctor"),
    "1 data": (
        *("describe_corpus", "prepare_data", "join", "validate_data_dir", "folds", "audit", "leaks"),
        *("make_mini_iemocap", "make_mini_voices"),
    ),
    "2 x-vectors": ("extract_xvectors", "train_xvector", "score_trials", "install_xvector_model"),
    "3 features": ("extract_features",),
    "4 transcripts": ("transcribe",),
    "5 train": ("config", "train", "predict_experiments"),
    "6 score": ("score", "report", "tables", "overview", "robustness"),
    "use a model": ("predict", "timeline", "serve", "bundle", "export", "push"),
    "any predictions": ("evaluate", "compare"),
}


def commands() -> dict[str, str]:
    """Command -> first line of its docstring."""
    return {name: (import_module(f"mscnn.bin.{name}").__doc__ or "").partition("\n")[0] for name in _names()}


def _names() -> list[str]:
    return sorted(path.stem for path in (Path(__file__).parent / "bin").glob("[a-z]*.py"))


def overview() -> str:
    """Text of ``mscnn --help``: the commands by stage."""
    about = commands()
    staged = {name for names in STAGES.values() for name in names}
    groups = {**STAGES, "others": tuple(name for name in about if name not in staged)}
    lines = ["usage: mscnn COMMAND [OPTION ...]     mscnn COMMAND --help lists the options of a command", ""]
    for title, names in groups.items():
        known = [name for name in names if name in about]
        lines += [title, *(f"  {name.replace('_', '-'):<22} {about[name]}" for name in known), ""] if known else []
    lines.append("Recipes call these commands in stages; in a checkout of the repository: egs/<corpus>/run.sh --help")
    return "\n".join(lines)


def main() -> None:
    """Run the command given as first argument; without one, print the overview."""
    from mscnn.options import run

    run(_main)


def _main() -> int | None:
    from mscnn import __version__

    given = sys.argv[1:]
    if not given or given[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if given[0] == "--version":
        print(f"mscnn {__version__}")
        return 0
    name = given[0].replace("-", "_")
    if name not in _names():
        near = difflib.get_close_matches(name, _names(), n=1)
        hint = f"did you mean {near[0].replace('_', '-')}?" if near else "mscnn --help lists the commands"
        print(f"mscnn: unknown command {given[0]}; {hint}", file=sys.stderr)
        return 2
    del sys.argv[1]
    return import_module(f"mscnn.bin.{name}").main()


if __name__ == "__main__":
    main()
