"""Joint data directories: training on one corpus or several, testing on another."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mscnn.config.synonyms import canonical, synonyms
from mscnn.data.corpus_facts import CorpusFacts
from mscnn.data.datadir import DataDir
from mscnn.errors import UserError
from mscnn.files import read_table

DEV_SHARE = 0.1  # of the speakers' utterances of a training corpus, at least
RANDOM_DEV_SHARE = 0.2  # of each class, where a training corpus has too few speakers
PER_UTTERANCE = ("utt2gender", "utt2session", "utt2scene")


@dataclass(frozen=True)
class Source:
    """A corpus that takes part: its name, and its data directory."""

    name: str
    data: DataDir

    @property
    def speakers(self) -> list[str]:
        """Its speakers in bytewise order."""
        return sorted({*self.data.spk.values()}, key=str.encode)


@dataclass(frozen=True)
class Joint:
    """A joint data set.

    Attributes:
        name: ``A+B_to_C``, trained on A and B, tested on C.
        classes: the classes, sorted.
        mapping: class in a corpus -> class here; None: its utterances are excluded.
        tables: tables of the data directory.
    """

    name: str
    classes: tuple[str, ...]
    mapping: Mapping[str, str | None]
    tables: Mapping[str, Mapping[str, str]]

    def label_map(self) -> dict[str, object]:
        """Content of its label map."""
        kept = {raw: name for raw, name in self.mapping.items() if name}
        dropped = [raw for raw, name in self.mapping.items() if not name]
        return {"name": self.name, "corpus": "joint", "classes": [*self.classes], "map": kept, "drop": dropped}


def find_source(place: str) -> Source:
    """The source in a data directory, or in a recipe that has one; ``RECIPE:SET`` names one of several.

    Raises:
        UserError: there is none (``joint-source``), or a recipe has several.
    """
    folder, _, wanted = place.partition(":")
    path = Path(folder)
    if (path / "utt2spk").is_file():
        return Source(_clean(path.resolve().name), DataDir.load(path))
    sets = sorted(found.parent for found in path.glob("data/*/utt2emo") if not found.parent.name.startswith("."))
    chosen = [found for found in sets if found.name == wanted or not wanted]
    if len(chosen) != 1:
        names = ", ".join(found.name for found in sets)
        message = f"no data directory in it; make one: {path / 'run.sh'} --stop-stage data"
        if sets:
            message = f"it has the data directories {names}: name one, as in {folder}:{sets[0].name}"
        raise UserError(f"{place}: {message}", code="joint-source")
    name = path.resolve().name + (f"_{chosen[0].name}" if wanted else "")
    return Source(_clean(name), DataDir.load(chosen[0]))


def join(train: Sequence[Source], test: Source, wanted: Sequence[str] = ()) -> Joint:
    """The joint data set of training corpora and a test corpus: ids, speakers and recordings get the corpus in front.

    All of ``test`` is tested. Dev is taken from each training corpus: its last speakers, until they have a tenth of its
    utterances and every class, or a random fifth of each class where speakers are too few for that. Transcripts are
    kept where every corpus has them, and so are other tables.

    Args:
        wanted: classes; empty: those that all corpora have, by name (``conf/synonyms.yaml``).

    Raises:
        UserError: the corpora are not different (``joint-same``), have less than two classes in common, or lack a
            wanted one (``joint-classes``).
    """
    sources = [*train, test]
    if len({source.name for source in sources}) < len(sources):
        names = ", ".join(source.name for source in sources)
        raise UserError(f"{names}: the corpora of training and test must have different names", code="joint-same")
    known = synonyms()
    mapping: dict[str, str | None] = {}
    for source in sources:
        mapping |= {raw: canonical(raw, known) for raw in source.data.classes}
    classes = _classes(sources, mapping, [canonical(name, known) for name in wanted])
    mapping = {raw: name if name in classes else None for raw, name in mapping.items()}
    name = f"{'+'.join(source.name for source in train)}_to_{test.name}"
    parts = [*((source, "train") for source in train), (test, "test")]
    segments = any(source.data.segments for source in sources)
    tables: dict[str, dict[str, str]] = {}
    for source, part in parts:
        for table, rows in _tables(source, part, mapping, segments).items():
            tables.setdefault(table, {}).update(rows)
    utts = tables["utt2spk"].keys()
    whole = {table: rows for table, rows in tables.items() if table not in PER_UTTERANCE or rows.keys() == utts}
    if not all(source.data.wav for source in sources):
        whole = {table: rows for table, rows in whole.items() if table not in ("wav.scp", "segments")}
    if not all(any(text.strip() for text in source.data.text.values()) for source in sources):
        whole["text"] = dict.fromkeys(utts, "")
    return Joint(name, classes, mapping, whole)


def describe(sources: Sequence[Source], joint: Joint) -> Iterator[str]:
    """One line per class with its names in the corpora, and one per corpus with what is excluded."""
    for name in joint.classes:
        names = {s.name: [raw for raw in s.data.classes if joint.mapping[raw] == name] for s in sources}
        yield f"{name} ← " + "; ".join(f"{corpus}: {', '.join(raws)}" for corpus, raws in names.items())
    for source in sources:
        counts = Counter(raw for raw in source.data.emo.values() if not joint.mapping[raw])
        if counts:
            listed = ", ".join(f"{raw} {number}" for raw, number in sorted(counts.items()))
            yield f"{source.name}: excluded: {listed}"


def write(joint: Joint, path: Path) -> bool:
    """Write the data directory, unless it has the same tables; returns whether it was written."""
    names = (*joint.tables, *PER_UTTERANCE, "wav.scp", "segments")
    if {file.name: read_table(file) for file in path.glob("*") if file.name in names} == joint.tables:
        return False
    DataDir.write(path, joint.tables)
    return True


def facts(sources: Sequence[Source], name: str) -> CorpusFacts:
    """What the model card says of the corpora: their facts, one after the other."""
    known = {s.name: found for s in sources if (found := CorpusFacts.find(s.data.path))}
    about, origin, licence = (
        "; ".join(f"{corpus}: {getattr(fact, key)}" for corpus, fact in known.items() if getattr(fact, key))
        for key in ("about", "source", "licence")
    )
    limits = dict.fromkeys(text for fact in known.values() for text in fact.limits)
    languages = dict.fromkeys(tag for fact in known.values() for tag in fact.language.split())
    return CorpusFacts(
        name,
        about or name,
        origin,
        licence,
        (*limits,),
        any(f.synthetic for f in known.values()),
        language=" ".join(languages),
    )


def _clean(name: str) -> str:
    """A name for ids: without the characters that join names."""
    return "".join(c if c.isalnum() or c == "_" else "_" for c in name).replace("_to_", "__")


def _classes(sources: Sequence[Source], mapping: Mapping[str, str | None], wanted: Sequence[str]) -> tuple[str, ...]:
    of = {source.name: {str(mapping[raw]) for raw in source.data.classes} for source in sources}
    common = set.intersection(*of.values())
    absent = [f"{name} in {corpus}" for name in wanted for corpus, names in of.items() if name not in names]
    if absent or len(common) < 2:
        listed = "; ".join(f"{corpus}: {', '.join(sorted(names))}" for corpus, names in of.items())
        what = f"no {', no '.join(absent)}" if absent else f"{len(common)} classes in common, and 2 are needed"
        raise UserError(
            f"{what}. Classes by name: {listed}. Add other names of a class to conf/synonyms.yaml, or use another "
            "label map",
            code="joint-classes",
        )
    return tuple(sorted({*wanted} or common))


def _tables(source: Source, part: str, mapping: Mapping[str, str | None], segments: bool) -> dict[str, dict[str, str]]:
    """Tables of one corpus; with ``segments``, an utterance that is a whole recording has one, too."""
    data, name = source.data, source.name
    kept = [utt for utt in data.utts if mapping[data.emo[utt]]]
    dev = {*_dev(source, kept)} if part == "train" else set()

    def of(values: Mapping[str, object], text: str = "{}") -> dict[str, str]:
        return {f"{name}-{utt}": text.format(values[utt]) for utt in kept if utt in values}

    tables = {
        "text": of(data.text),
        "utt2spk": of(data.spk, f"{name}-{{}}"),
        "utt2emo": {f"{name}-{utt}": str(mapping[data.emo[utt]]) for utt in kept},
        "utt2dur": {f"{name}-{utt}": f"{data.dur[utt]:.6f}" for utt in kept},
        "utt2corpus": dict.fromkeys((f"{name}-{utt}" for utt in kept), name),
        "utt2split": {f"{name}-{utt}": "dev" if utt in dev else part for utt in kept},
        "utt2gender": of(data.gender),
        "utt2session": of(data.session, f"{name}-{{}}"),
        "utt2scene": of(data.scene, f"{name}-{{}}"),
    }
    if segments and data.wav:
        whole = {utt: (utt, 0.0, data.dur[utt]) for utt in kept if not data.segments}
        spans = {utt: f"{name}-{key} {start} {end}" for utt, (key, start, end) in (data.segments or whole).items()}
        tables |= {"segments": of(spans), "wav.scp": {f"{name}-{key}": wav for key, wav in data.wav.items()}}
    elif data.wav:
        tables["wav.scp"] = of(data.wav)
    return tables


def _dev(source: Source, kept: Sequence[str]) -> list[str]:
    data, classes = source.data, {source.data.emo[utt] for utt in kept}
    dev: list[str] = []
    for speaker in reversed(source.speakers):
        if len(dev) >= DEV_SHARE * len(kept) and {data.emo[utt] for utt in dev} == classes:
            break
        dev += [utt for utt in kept if data.spk[utt] == speaker]
    if {data.emo[utt] for utt in {*kept}.difference(dev)} == classes:
        return dev
    rng, dev = random.Random(source.name), []
    for name in sorted(classes):
        utts = [utt for utt in kept if data.emo[utt] == name]
        rng.shuffle(utts)
        dev += utts[: max(1, round(RANDOM_DEV_SHARE * len(utts)))]
    return dev
