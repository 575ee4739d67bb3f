"""What a reader is, and readers of one file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mscnn.paths import CONF

Read = Callable[[Path], object]
Reader = Callable[[Path], tuple[Sequence[Path], Read]]


def of_files(contents: Mapping[str, str | bytes] | Callable[[], Mapping[str, str | bytes]], read: Read) -> Reader:
    """A reader of files of their own, each in a folder of its own; contents by names."""

    def reader(folder: Path) -> tuple[Sequence[Path], Read]:
        given = contents() if callable(contents) else contents
        paths = []
        for number, (name, content) in enumerate(given.items()):
            paths.append(folder / str(number) / name)
            paths[-1].parent.mkdir()
            paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
        return paths, read

    return reader


def of_conf(name: str, read: Read, most: int = 10) -> Reader:
    """A reader of files as those in a folder of conf/; some ``most`` of them."""
    files = sorted((CONF / name).rglob("*.yaml"))
    some = files[:: -(-len(files) // most)]
    return of_files({path.name: path.read_bytes() for path in some}, read)
