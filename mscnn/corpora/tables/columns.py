"""Which column of a table is what: paths, labels, speakers, …, under the names that tables give them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from mscnn.errors import UserError

# what is understood -> names of columns, the most specific first
ALIASES: Mapping[str, tuple[str, ...]] = {
    "path": (
        *("path", "file", "filename", "file_name", "filepath", "file_path", "wav", "wav_path", "wav_file", "wavfile"),
        *("audio", "audio_path", "audio_file", "audio_filepath", "recording", "sound", "clip", "name", "fname"),
    ),
    "label": ("emotion", "emo", "emotion_label", "emoclass", "label", "class", "category", "target", "labels"),
    "speaker": (
        *("speaker", "spk", "speaker_id", "speakerid", "spk_id", "spkid", "spkrid", "actor", "actor_id", "subject"),
        *("subject_id", "participant", "participant_id", "client_id", "talker"),
    ),
    "text": ("text", "transcript", "transcription", "transcripts", "sentence", "utterance", "normalized_text"),
    "start": ("start", "start_time", "begin", "begin_time", "onset", "start_s", "tmin", "offset"),
    "end": ("end", "end_time", "stop", "stop_time", "end_s", "tmax"),
    "duration": ("duration", "dur", "length", "seconds", "duration_s"),
    "split": ("split", "split_set", "set", "partition", "subset", "part"),
    "session": ("session", "session_id", "ses"),
    "scene": ("scene", "scene_id", "dialogue", "dialogue_id", "dialog", "conversation", "conversation_id"),
    "gender": ("gender", "sex"),
    "language": ("language", "lang", "locale"),
    "utterance_id": ("utterance_id", "utt_id", "utt"),
}
REQUIRED = ("path", "label")


def plain(name: str) -> str:
    """Name of a column in small letters, with underscores for blanks and dashes."""
    return "_".join(name.strip().lower().replace("-", " ").split())


KNOWN = frozenset(alias for aliases in ALIASES.values() for alias in aliases)


def parse_columns(text: str) -> dict[str, str]:
    """The option ``--columns path=file,label=emotion``: what is understood -> name of the column.

    Raises:
        UserError: an entry is not ``what=name`` (``columns-option``), or ``what`` is not understood.
    """
    given = {}
    for entry in (entry for entry in text.split(",") if entry.strip()):
        what, equals, name = (part.strip() for part in entry.partition("="))
        if not equals or not name:
            raise UserError(
                f"--columns {text}: expected path=NAME,label=NAME,…; found {entry!r}", code="columns-option"
            )
        if what not in ALIASES:
            raise UserError(f"--columns {text}: {_unknown(what, [*ALIASES])}", code="columns-option")
        given[what] = name
    return given


def understand(columns: Sequence[str], given: Mapping[str, str], others: Sequence[str] = ()) -> dict[str, str]:
    """What is understood -> column, in the order of ALIASES.

    Args:
        columns: names of the table's columns.
        given: what the user says of them.
        others: what has another source than a column, as a pattern for names of files.

    Raises:
        UserError: a given column does not exist, or a required one is not found (``table-column``).
    """
    if absent := next((name for name in given.values() if name not in columns), None):
        raise UserError(f"--columns: the table has no {_unknown(absent, columns)}", code="table-column")
    by_name = {plain(name): name for name in reversed(columns)}
    taken, found = {*given.values()}, dict[str, str]()
    for what, aliases in ALIASES.items():
        names = [by_name[alias] for alias in aliases if alias in by_name and by_name[alias] not in taken]
        if what in given:
            found[what] = given[what]
        elif names and what not in others:
            found[what] = names[0]
            taken.add(names[0])
    if missing := [what for what in REQUIRED if what not in found and what not in others]:
        near = {what: [name for name in columns if _near(plain(name), ALIASES[what])] for what in missing}
        hints = [f"Is {names[0]!r} the {what}?" for what, names in near.items() if names]
        raise UserError(
            f"no column for {' and '.join(missing)}; the columns are: {', '.join(columns) or '(none)'}. The first line "
            f"of a table names its columns, and paths and labels are needed. {' '.join(hints)}".rstrip()
            + f" To name them: --columns {','.join(f'{what}=NAME' for what in missing)}",
            code="table-column",
        )
    return found


def alternatives(columns: Sequence[str], found: Mapping[str, str]) -> list[str]:
    """Sentences about columns that are not used: the nearest known name, or what they could also be."""
    used, lines = {*found.values()}, []
    for name in (name for name in columns if name not in used):
        what = next((what for what, aliases in ALIASES.items() if plain(name) in aliases), None)
        if what:
            lines.append(
                f"{name}: not used, {what} is {found.get(what, 'given')}; to choose it: --columns {what}={name}"
            )
        else:
            near = _near(plain(name), KNOWN)
            lines.append(f"{name}: not used" + (f"; is it {near[0]}? Rename it" if near else ""))
    return lines


def _near(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, [*known], n=1, cutoff=0.75)


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"{name!r}; " + (f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}")
