"""Only mscnn.audio opens and writes audio files."""

import ast

import pytest

from mscnn.paths import PACKAGE

LIBRARIES = {"soundfile", "wave", "audioread", "sunau"}
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if path.name != "audio" and path.suffix in ("", ".py"))


@pytest.mark.parametrize("room", ROOMS)
def test_only_mscnn_audio_opens_audio_files(room):
    path = PACKAGE / room
    for file in [path] if path.is_file() else path.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            match node:
                case ast.Import(names=names):
                    opened = {alias.name.partition(".")[0] for alias in names} & LIBRARIES
                case ast.ImportFrom(module=str(module)):
                    opened = {module.partition(".")[0]} & LIBRARIES
                case ast.Attribute(value=ast.Name(id="librosa"), attr="load" | "stream"):
                    opened = {"librosa.load"}
                case _:
                    continue
            assert not opened, f"{file}:{node.lineno}: {opened}"
