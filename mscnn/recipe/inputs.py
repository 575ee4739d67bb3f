"""Preflight checks of the inputs of a run: configurations, networks, ASR engines and corpus."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mscnn.recipe.needs import Finding, Needs
from mscnn.recipe.plan import NO_VECTORS, DataSet
from mscnn.reporting.formats import counted

if TYPE_CHECKING:
    from mscnn.features.config import Feature

LFS_POINTER_BYTES = 200  # a git-LFS pointer is smaller, any recording larger


def _xvector_models(needs: Needs) -> Iterator[Finding]:
    from mscnn.xvector.modeldir import XvectorModel

    for model in needs.xvector_models:
        network = XvectorModel.load(model).network()
        parameters = sum(p.numel() for p in network.parameters())
        yield Finding("ok", f"x-vector model: {model}, {network.dim} dimensions, {parameters:,} parameters")


def _word_vectors(needs: Needs) -> Iterator[Finding]:
    from mscnn.config.embeddings import locate
    from mscnn.text.vectorfiles import dimension

    names = {row.embeddings for row in needs.plan.trained} - {*NO_VECTORS} if needs.runs_stage(5) else set()
    for name in sorted(names):
        path = locate(name)
        try:
            size = dimension(path)
        except (ValueError, EOFError, zlib.error) as error:
            yield Finding("FAIL", f"word vectors: {path}: {error}", "give a GloVe, word2vec or fastText file")
        else:
            yield Finding("ok", f"word vectors: {name}, {f'{size} dimensions, ' if size else ''}{path}")


def _configuration(needs: Needs) -> Iterator[Finding]:
    """Features, models and protocols are valid, and what they need is available; wav2vec 2.0 is downloaded now."""
    from mscnn.config.model import ModelSpec
    from mscnn.features.config import Feature
    from mscnn.models import options

    plan = needs.plan
    speech_models: set[str] = set()
    for data in plan.data_sets:
        for name in dict.fromkeys(name for s in (3, 4) if needs.runs_stage(s) for name, *_ in data.extracted(s)):
            feature = Feature.load(name, data.feature_set.get(name, ()))
            yield from _unknown_corpora(feature, data)
            if feature.kind == "wav2vec2":
                speech_models.add(str(feature.options["model"]))
            else:
                feature.extractor.check()
                if weights := feature.extractor.weights:
                    yield Finding("ok", f"{feature.title}: {feature.extractor.dim} dimensions, weights {weights[:12]}")
    for row in plan.rows if needs.runs_stage(5) else ():
        spec = ModelSpec.load(row.model, row.set)
        options(spec)
        speech_models |= {str(spec.options.get("wav2vec2") or "")} - {""}
    if plan.rows:
        models, protocols = {row.model for row in plan.rows}, {row.protocol for row in plan.rows}
        number = counted(len(plan.rows), "experiment")
        yield Finding("ok", f"plan: {number}: {', '.join(sorted(models))}; {', '.join(sorted(protocols))}")
    for name in sorted(speech_models):
        yield _wav2vec2(name)


def _unknown_corpora(feature: Feature, data: DataSet) -> Iterator[Finding]:
    """Corpora in ``trained_on`` that no score line can name: misspelt, or without a recipe."""
    from mscnn.training.contamination import corpora_under_test, unknown

    for name, known in unknown(feature.trained_on, corpora_under_test(data.labels, Path(data.path))).items():
        yield Finding("warn", f"{feature.name}: trained_on: no recipe has the corpus {name}", known)


def _wav2vec2(name: str) -> Finding:
    from mscnn.pretrained.hub import WAV2VEC2, network

    model = network(name, WAV2VEC2)
    parameters = sum(p.numel() for p in model.parameters())
    return Finding("ok", f"wav2vec 2.0: {name}, {model.config.hidden_size} dimensions, {parameters:,} parameters")


def _engines(needs: Needs) -> Iterator[Finding]:
    """Every ASR engine is ready: package, model, credentials. An engine that downloads its model does so now."""
    from mscnn.asr import ENGINES, make_engine, options_of

    if not needs.runs_stage(4):
        return
    given = dict(needs.asr_options)
    named = given.get("language", "")
    wanted = [
        (name, data.language(named)) for data in needs.plan.data_sets for name in [*needs.engines, *data.engines]
    ] or [(name, named) for name in needs.engines]
    for name, language in dict.fromkeys(wanted):
        if name in needs.engines or name in ENGINES:
            takes = name in ENGINES and "language" in options_of(name)
            options = {**given, "language": language} if takes else given
            engine = make_engine(name, **{option: value or None for option, value in options.items()})
            facts = [engine.identity.get("language", ""), engine.identity.get("model", "")[:12]]
            yield Finding("ok", f"asr: {', '.join(filter(None, [name, *facts]))}")


def _voices(needs: Needs) -> Iterator[Finding]:
    if not needs.voices:
        return
    from mscnn.synthetic.espeak import Espeak

    yield Finding("ok", f"voices: espeak-ng, {Espeak().rate} Hz")


def _corpus(needs: Needs) -> Iterator[Finding]:
    """The parser can read the corpus, and its recordings are sound files; stage 1 lists issues of single utterances."""
    from mscnn.audio.check import BadAudio, read_headers
    from mscnn.corpora import is_corpus, names, read

    if not needs.corpus or needs.voices or not needs.runs_stage(1):
        return
    if not is_corpus(needs.corpus):
        yield Finding("FAIL", f"corpus: unknown parser {needs.corpus!r}", f"--parser {'|'.join(names())}")
        return
    corpus = read(needs.corpus, Path(needs.root))
    wavs = [item.wav for item in corpus.items if item.wav]
    small = [wav for wav in wavs if os.path.exists(wav) and os.path.getsize(wav) < LFS_POINTER_BYTES]
    small = [*dict.fromkeys([*wavs[:1], *small])]  # the first one shows whether packages are there that read videos
    pointers = [
        wav
        for wav, header in zip(small, read_headers(small), strict=True)
        if isinstance(header, BadAudio) and header.kind == "lfs-pointer"
    ]
    issues = f"; {counted(len(corpus.issues), 'issue')}, listed by stage 1" if corpus.issues else ""
    outputs = _outputs_from_audio(needs)
    if pointers:
        message = f"corpus: {len(pointers)} of {len(wavs)} recordings are git-LFS pointers, such as {pointers[0]}"
        yield Finding("FAIL", message, f"git -C {needs.root} lfs pull")
    elif wavs:
        yield Finding("ok", f"corpus: {needs.corpus}, {len(wavs)} recordings in {needs.root}{issues}")
    elif not any(item.seconds for item in corpus.items):
        yield Finding("FAIL", f"corpus: no recordings in {needs.root}", "unpack the complete release again")
    elif outputs:
        message = f"corpus: {needs.corpus} has no recordings to make {', '.join(outputs)} from"
        yield Finding("FAIL", message, "choose models that take text only, such as text_cnn, and --text gt")
    else:
        yield Finding("ok", f"corpus: {needs.corpus}, {len(corpus.items)} utterances, text only{issues}")


def _outputs_from_audio(needs: Needs) -> list[str]:
    """Features, x-vectors and ASR engines of a run that need recordings."""
    features = [name for data in needs.plan.data_sets for name in data.features]
    engines = [engine for data in needs.plan.data_sets for engine in data.engines]
    vectors = ["x-vectors"] if needs.xvector_models else []
    return [*dict.fromkeys([*features, *vectors, *({*needs.engines, *engines} - {"file"})])]


CHECKS: tuple[Callable[[Needs], Iterator[Finding]], ...] = (
    _xvector_models,
    _word_vectors,
    _configuration,
    _engines,
    _voices,
    _corpus,
)
