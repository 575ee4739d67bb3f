"""Options of every entry point, with the semantics of utils/parse_options.sh.

``--stop-stage`` equals ``--stop_stage``, ``--x v`` equals ``--x=v``, booleans take ``true|false``, an unknown name is
rejected with the nearest known one, and ``--config FILE`` (YAML) gives defaults that the command line overrides.
"""

import argparse
import atexit
import difflib
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NoReturn

import configargparse
import yaml

from mscnn.errors import DENIED, SPACE, UserError, explained, printable
from mscnn.files import BaseLoader, yaml_value

DIGITS = 9  # of a count


def flag(text: str) -> bool:
    """Type of a boolean option: ``true`` or ``false``."""
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, found {text!r}")
    return text == "true"


def positive(text: str) -> int:
    """Type of a count: an integer from 1 to below a billion."""
    return _whole(text, 1)


def count(text: str) -> int:
    """Type of a number of things: an integer from 0 to below a billion."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or not least <= int(text[:DIGITS]) or len(text) > DIGITS:
        raise argparse.ArgumentTypeError(f"expected an integer from {least} to 999999999, found {text!r}")
    return int(text)


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help formatter that shows a default only where there is one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, []) else super()._get_help_string(action)


class _ConfigFile(configargparse.YAMLConfigFileParser):
    """Parser of YAML whose keys have dashes or underscores, and whose booleans are ``true|false``."""

    def parse(self, stream):
        try:
            found = yaml_value(stream.read(), BaseLoader) or {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise configargparse.ConfigFileParserException(f"not valid YAML: {str(error)[:1000]}") from None
        if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
            raise configargparse.ConfigFileParserException("expected a mapping of options to values")
        values = {key.replace("_", "-"): value for key, value in found.items() if value not in ("", "~", "null")}
        if mappings := [key for key, value in values.items() if isinstance(value, dict)]:
            raise configargparse.ConfigFileParserException(f"{mappings[0]}: expected a value, found a mapping")
        return {key: value.lower() if value in ("True", "False") else value for key, value in values.items()}


class Parser(configargparse.ArgumentParser):
    """Argument parser with the semantics of the module; wrong usage exits with status 2."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=_command(prog),
            description=description,
            allow_abbrev=False,
            formatter_class=_Help,
            config_file_parser_class=_ConfigFile,
            ignore_unknown_config_file_keys=False,
            add_config_file_help=False,
        )
        self.add_argument("--config", is_config_file=True, help="YAML file with options; the command line wins")

    def add_plan(self, what: str) -> None:
        """Add ``--plan``, an alternative to the options of a single experiment."""
        self.add_argument("--plan", type=Path, help=f"plan of a recipe, exp/plan.jsonl: {what}")

    def parse_or_plan(self, *needed: str) -> argparse.Namespace:
        """Parse the command line; ``needed`` options (names without dashes) are required without ``--plan``."""
        args = self.parse_args()
        missing = [f"--{name.replace('_', '-')}" for name in needed if getattr(args, name) in (None, [])]
        if missing and args.plan is None:
            self.error(f"the following arguments are required: {', '.join(missing)}, or --plan")
        return args

    def _print_message(self, message: str, file: IO[str] | None = None) -> None:
        (file or sys.stderr).write(message)  # argparse would drop an error of a full disk

    def parse_known_args(self, args: Sequence[str] | None = None, namespace=None, **kwargs):
        """Parse arguments; underscores in names count as dashes, unknown names exit with status 2."""
        given = [_dashed(a) for a in (sys.argv[1:] if args is None else args)]
        parsed, unknown = super().parse_known_args(given, namespace, **kwargs)
        if unknown:
            self.error(self._unknown(unknown[0]))
        return parsed, []

    def _unknown(self, word: str) -> str:
        name = word.split("=")[0]
        known = [o for a in self._actions for o in a.option_strings if o.startswith("--")]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        return f"unknown option {name}" + (f"; did you mean {near[0]}?" if near else "; --help lists the options")


def _command(module: str) -> str:
    """How the user called an entry point: ``mscnn train`` or ``python3 -m mscnn.bin.train``."""
    return (
        f"mscnn {module.rpartition('.')[2].replace('_', '-')}"
        if Path(sys.argv[0]).name in ("mscnn", "__main__.py")
        else f"python3 -m {module}"
    )


def _dashed(word: str) -> str:
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _belong_to_recipe() -> None:
    """Where ``run.sh`` started this process: end when it ends, even by kill -9, and beat for its locks."""
    from mscnn.lock import BEAT, RECIPE, Lock, Owner

    parent = os.environ.get(RECIPE, "")
    if parent != str(os.getppid()):
        return
    recipe = Owner.of(int(parent))
    locks = [Lock(path, recipe) for path in os.environ.get("MSCNN_LOCKS", "").split()]

    def watch() -> None:
        beat = time.monotonic()
        while os.getppid() == recipe.pid:
            time.sleep(0.5)
            if time.monotonic() > beat + BEAT:
                beat = time.monotonic()
                for lock in locks:
                    lock.beat()
        os._exit(1)

    threading.Thread(target=watch, name="mscnn-recipe", daemon=True).start()


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run an entry point and exit: 0 when done, 1 with a message when it failed."""
    from mscnn import log

    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115  closed by the caller (>&-)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    log.setup()
    _belong_to_recipe()
    atexit.register(gc.freeze)  # Python would search all modules for cycles: 0.2 s where torch is imported
    raise SystemExit(_status(main))


def _status(main: Callable[[], int | None]) -> object:
    """Exit status of an entry point; an error of the user is printed, in one line where it is of the file system."""
    try:
        try:
            status: object = main() or 0
        except SystemExit as end:  # --help, wrong usage
            status = end.code
        sys.stdout.flush()
        return status
    except UserError as error:
        message, status = f"error[{error.code}]: {error}", 1
    except KeyboardInterrupt:
        message, status = "interrupted; run the same command again to continue", 130
    except BrokenPipeError:
        message, status = "", 1
    except OSError as error:  # no permission, no space, a file where a folder should be
        where = error.filename or ("standard output" if _stdout_failed("\n") else None)
        if not where and error.errno not in (*SPACE, *DENIED):
            raise
        message, status = f"error[file-system]: {explained(OSError(error.errno, error.strerror, where))}", 1
    _stdout_failed()
    if message:
        print(printable(message), file=sys.stderr)
    return status


def _stdout_failed(text: str = "") -> bool:
    """Whether text, and what is left of standard output, cannot be written; it is then discarded, also at the end."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False
