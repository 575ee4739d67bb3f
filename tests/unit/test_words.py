"""The project uses the terms of its field: private words occur nowhere in code, configuration and documents."""

import re
import subprocess

import pytest

from mscnn.paths import ROOT

PLACES = ("mscnn", "conf", "egs", "utils", "tools", "docs", "tests", "README.md", "CONTRIBUTING.md")
NOT_CHECKED = ("tests/unit/test_words.py", "tools/requirements.lock", "docs/changelog.md")
PER = (
    "second minute byte frame row line value utterance segment token word speaker class group batch minibatch epoch "
    "training run fold experiment column block bucket file table name check statistic cut"
).replace(" ", "|")
PREPOSITIONS = "as|at|by|for|from|has|have|in|is|of|on|or|than|to|with|without"
# Pattern of a word -> what to say. Letters before or after make it another word, `_` does not: names in code count.
WORDS = {
    r"yardsticks?": "baseline",
    r"hears?|heard|hearing": "takes audio; audio input, audio features",
    r"listens?(?! on)|listened|listening|listeners?": "takes audio",
    r"reads? words|of words only": "takes text",
    r"true words": "reference transcripts",
    r"recogni[sz]ed words": "ASR transcripts",
    r"recogni[sz]ers?": "ASR engine",
    r"memori[sz]ing|what remembering": "text-overlap baseline",
    r"earns?|earned": "scores",
    r"by sound|by words": "(audio), (text)",
    r"cuts?|cutting": "split (data), segment (audio), truncate, trim",
    r"faults?|faulty": "issue, error, reason",
    r"cures?|cured": "fix, hint",
    r"mends?|mended|mending": "fix, repair",
    r"at hand": "available",
    r"passed over": "skip",
    r"left out|leav(?:es?|ing) out": "exclude, omit",
    r"verbs?": "command",
    rf"(?:(?:one|an?) (?!(?:{PREPOSITIONS}) )[a-z]*[a-rt-z]|one|\d+|values|rows|frames|words|samples) "
    rf"an? (?:{PER})(?! time)": "per: one line per training, values per frame",
}
# What these letters may mean all the same: damaged files, filters, programs, keys of JSON and of conf/protocols,
# sentences of the demonstration corpora, {a|b}; the deprecated column "cut" of overview tables.
ALLOWED = re.compile(
    r"cut[ -](?:short|off)|\bcut -|leave_out|\{[^{}]*\|[^{}]*\}|\"cut\"(?=[]:])"
    r"|(?<=[./\"'`])faults?\b|\bfault(?=[:=])",
    re.IGNORECASE,
)
PATTERN = re.compile("|".join(f"((?<![a-z])(?:{word})(?![a-z]))" for word in WORDS), re.IGNORECASE)


def findings(text: str) -> list[tuple[int, str, str]]:
    """Number of the line, word, and what to say, of each word that is not used in this project."""
    return [
        (number, match[0], list(WORDS.values())[(match.lastindex or 1) - 1])
        for number, line in enumerate(text.splitlines(), 1)
        for match in PATTERN.finditer(ALLOWED.sub("", line))
    ]


def test_words_of_the_field():
    listing = subprocess.run(["git", "ls-files", *PLACES], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a checkout of the repository")
    issues = []
    for name in listing.stdout.splitlines():
        if name in NOT_CHECKED or not (ROOT / name).is_file():
            continue
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:  # not an image or another binary file
            lines = findings(content.decode(errors="replace"))
            issues += [f"{name}:{number}: {word!r}: say: {instead}" for number, word, instead in lines]
    assert not issues, f"{len(issues)} words:\n" + "\n".join(issues)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A line a training, 9 values a frame, one an epoch", ["A line a training", "values a frame", "one an epoch"]),
        ("heard = the_cut + 1  # Faults", ["heard", "cut", "Faults"]),
        ("one line per training; a word in a file; a key a second time; yearns, executes, default", []),
        ('entry.fault, {"fault": 1}, fault="", the file was cut short, | cut -d : | leave_out: []', []),
    ],
)
def test_a_word_is_found_where_it_is_meant(line, words):
    assert [word for _, word, _ in findings(line)] == words
