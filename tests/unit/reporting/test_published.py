"""Published results: the numbers of the papers, copied here by hand, and issues of the file."""

import copy

import pytest
import yaml

from mscnn.config.model import ModelSpec
from mscnn.errors import DataErrors
from mscnn.paths import ROOT, names
from mscnn.reporting.paper import conclusions
from mscnn.reporting.published import Row, read_published, split_set
from tests.raises import check, fails

PUBLISHED = ROOT / "conf" / "published.yaml"

# (system, text): (WA, UA), None where the source gives none; (value, ±) where it gives a spread
NUMBERS = {
    ("ssl_probe", "superb"): {
        ("FBANK, SUPERB", "none"): (48.24, None),
        ("wav2vec 2.0 base, SUPERB", "none"): (63.43, None),
        ("wav2vec 2.0 large, SUPERB", "none"): (65.64, None),
        ("HuBERT base, SUPERB", "none"): (64.92, None),
        ("HuBERT large, SUPERB", "none"): (67.62, None),
        ("DistilHuBERT, SUPERB", "none"): (63.02, None),
        ("WavLM base, SUPERB", "none"): (65.94, None),
        ("WavLM base+, SUPERB", "none"): (68.65, None),
        ("WavLM large, SUPERB", "none"): (70.62, None),
    },
    ("ssl_probe", "emobox"): {
        ("data2vec base, EmoBox", "none"): (53.20, 54.19),
        ("WavLM base, EmoBox", "none"): (63.94, 62.92),
        ("HuBERT large, EmoBox", "none"): (66.69, 67.42),
        ("WavLM large, EmoBox", "none"): (69.07, 69.47),
        ("Whisper large-v3, EmoBox", "none"): (72.86, 73.54),
    },
    ("peng2021_table1", "peng2021"): {
        ("Audio-CNN", "none"): (65.4, 66.7),
        ("Audio-CNN + x-vector", "none"): (66.6, 68.4),
        ("Text-CNN", "gt"): (67.8, 67.7),
        ("Text-CNN", "asr"): (62.4, 61.5),
        ("MSCNN-SPU", "gt"): (79.5, 80.4),
        ("MSCNN-SPU", "asr"): (77.4, 78.2),
        ("MSCNN-SPU-ATT", "gt"): (80.3, 81.4),
        ("MSCNN-SPU-ATT", "asr"): (78.0, 79.1),
    },
    ("peng2021_table1", "yoon2019"): {
        ("Audio-BRE", "none"): (64.6, 65.2),
        ("Text-BRE", "gt"): (69.8, 70.3),
        ("MHA", "gt"): (76.5, 77.6),
        ("MHA", "asr"): (73.0, 73.9),
    },
    ("peng2021_table1", "yoon2018"): {("MDRE", "gt"): (71.8, None), ("MDRE", "asr"): (69.1, None)},
    ("peng2021_table1", "xu2019"): {
        ("Learning alignment", "gt"): (72.5, 70.9),
        ("Learning alignment", "asr"): (70.4, 69.5),
    },
    ("peng2021_table1", "satt2017"): {("CNN+LSTM", "none"): (68.8, 59.4)},
    ("peng2021_table1", "sarma2018"): {("TDNN+LSTM", "none"): (70.1, 60.7)},
    ("yoon2018", "yoon2018"): {
        ("ARE", "none"): ((54.6, 0.9), None),
        ("TRE", "gt"): ((63.5, 1.8), None),
        ("MDRE", "gt"): ((71.8, 1.9), None),
        ("MDREA", "gt"): (69.0, None),
        ("TRE", "asr"): (59.3, None),
        ("MDRE", "asr"): (69.1, None),
        ("MDREA", "asr"): (67.7, None),
    },
    ("yoon2019", "yoon2019"): {
        ("Audio-BRE", "none"): (64.6, 65.2),
        ("Text-BRE", "gt"): (69.8, 70.3),
        ("MHA-2", "gt"): (76.5, 77.6),
        ("MHA-2", "asr"): (73.0, 73.9),
    },
    ("yoon2019", "yoon2020"): {
        ("MHA", "gt"): ((54.3, 2.6), (49.1, 2.8)),
        ("MDRE", "gt"): ((49.8, 5.9), (41.8, 7.7)),
    },
    ("xu2019", "delta"): {("Learning alignment, later code", "gt"): (72.5, None)},
    ("satt2017", "satt2017"): {("CNN+LSTM", "none"): (68.8, 59.4), ("CNN+LSTM, two steps", "none"): (67.3, 62.0)},
    ("sarma2018", "sarma2018"): {
        ("TDNN-LSTM with time-restricted attention, raw speech", "none"): (70.6, None),
        ("TDNN+LSTM", "none"): (70.1, 60.7),
    },
    ("sarma2018", "earlier"): {("best before, Fourier log energies", "none"): (61.8, None)},
    ("acrnn", "chen2018"): {
        ("3-D ACRNN", "none"): (None, (64.74, 5.44)),
        ("2-D ACRNN", "none"): (None, (62.40, 6.70)),
        ("DNN-ELM", "none"): (None, (51.24, 7.24)),
        ("3-D ACRNN, 1 convolution", "none"): (None, 64.20),
        ("3-D ACRNN, 2 convolutions", "none"): (None, 64.18),
        ("3-D ACRNN, 3 convolutions", "none"): (None, 64.11),
        ("3-D ACRNN, 4 convolutions", "none"): (None, 64.62),
        ("3-D ACRNN, 5 convolutions", "none"): (None, 63.80),
        ("3-D ACRNN, 7 convolutions", "none"): (None, 63.95),
    },
    ("acrnn", "chen2018_emodb"): {
        ("3-D ACRNN, 5 convolutions", "none"): (None, (82.82, 4.99)),
        ("2-D ACRNN, 5 convolutions", "none"): (None, 79.38),
    },
    ("adsrnn", "donghyun"): {
        ("ACRNN", "none"): (None, (50.87, 11.41)),
        ("ADRNN", "none"): (None, (54.96, 8.96)),
        ("ASRNN", "none"): (None, (54.67, 9.11)),
        ("ADSRNN", "none"): (None, (62.75, 5.23)),
    },
    ("adsrnn", "meng2019_dependent"): {("ADRNN", "none"): (None, 74.96)},
    ("adsrnn", "meng2019_independent"): {("ADRNN", "none"): (None, 69.32)},
    ("meng2019", "meng2019_dependent"): {("ADRNN", "none"): (None, 74.96)},
    ("meng2019", "meng2019_independent"): {("ADRNN", "none"): (None, 69.32)},
    ("meng2019", "meng2019_emodb_dependent"): {("ADRNN", "none"): (None, 90.78)},
    ("meng2019", "meng2019_emodb_independent"): {("ADRNN", "none"): (None, 85.39)},
    ("meng2019", "meng2019_cross"): {("ADRNN", "none"): (None, 63.84)},
    ("adsrnn", "peng2020"): {
        ("ASRNN, auditory front-end", "none"): (None, 62.6),
    },
    ("peng2020", "peng2020"): {("ASRNN, auditory front-end", "none"): (None, 62.6)},
    ("peng2020", "peng2020_msp"): {("ASRNN, auditory front-end", "none"): (None, 55.7)},
    ("ca_mser", "zou2022_session"): {
        ("CA-MSER", "none"): (69.80, 71.05),
    },
    ("ca_mser", "zou2022_speaker"): {
        ("CA-MSER", "none"): (71.64, 72.70),
    },
    ("ravdess", "krasnoproshin2026"): {
        ("ResLSTM-SA-h64, best run", "none"): (None, 65.17),
        ("ResLSTM-SA-h64", "none"): (None, (62.32, 1.19)),
        ("ResLSTM-SA-h128, best run", "none"): (None, 63.48),
        ("ResLSTM-SA-h128", "none"): (None, (61.07, 1.34)),
        ("ResLSTM-SA-h32, best run", "none"): (None, 63.15),
        ("ResLSTM-SA-h32", "none"): (None, (61.30, 1.11)),
    },
    ("xu2021", "xu2021"): {("AACNN, log-mel", "none"): (79.34, 77.54)},
}
# subset, protocol, system; WA, UA, macro F1 and weighted F1, each with its ±
GLAM = """
improvised 80_20 APCNN 70.73 2.57 67.96 2.66 68.26 3.17 70.20 3.00
improvised 80_20 MHCNN 76.09 2.01 73.87 2.31 74.27 2.25 75.91 2.05
improvised 80_20 AACNN 78.47 2.42 76.68 3.29 76.69 3.27 78.29 2.58
improvised 80_20 GLAM 81.18 1.47 79.25 1.88 79.87 1.64 80.99 1.50
improvised 80_20 multi-scale,_no_fusion 80.89 1.43 78.85 1.65 79.47 1.60 80.67 1.45
improvised 80_20 multi-scale_+_MHA 80.43 1.53 78.92 1.92 79.20 1.68 80.26 1.53
improvised 80_20 multi-scale_+_AA 80.61 1.75 79.09 1.75 79.47 1.80 80.46 1.77
improvised 80_20 GLAM,_alpha_0 80.44 1.54 78.88 1.66 79.31 1.55 80.32 1.55
improvised 80_20 GLAM,_alpha_0.3 81.15 1.73 79.26 1.98 79.88 1.85 80.98 1.76
improvised 80_20 GLAM,_alpha_0.8 80.97 1.53 78.97 1.85 79.62 1.75 80.79 1.53
improvised 80_20 GLAM,_alpha_1 80.96 1.72 79.19 1.92 79.65 1.88 80.78 1.73
improvised 80_20 GLAM,_alpha_2 80.80 1.39 79.18 1.66 79.55 1.50 80.64 1.40
improvised 80_20 GLAM,_alpha_3 80.61 1.45 78.95 1.58 79.26 1.59 80.44 1.45
scripted 80_20 APCNN 55.95 2.93 54.86 2.74 48.75 3.71 51.15 3.87
scripted 80_20 MHCNN 64.57 2.12 63.42 2.14 61.46 2.50 63.36 2.56
scripted 80_20 AACNN 67.20 4.78 65.94 6.19 64.82 7.63 66.55 6.99
scripted 80_20 GLAM 71.44 2.05 70.39 2.13 69.56 2.13 70.91 2.12
full 80_20 APCNN 62.53 1.43 62.80 1.53 61.89 1.52 62.12 1.50
full 80_20 MHCNN 69.80 1.69 70.09 1.74 69.65 1.73 69.68 1.71
full 80_20 AACNN 70.94 5.08 71.04 4.84 70.59 6.34 70.71 6.44
full 80_20 GLAM 73.70 1.25 73.90 1.31 73.51 1.29 73.60 1.27
improvised 811 APCNN 69.93 4.33 62.70 5.16 63.04 5.94 68.86 5.48
improvised 811 MHCNN 76.13 2.80 71.15 4.11 71.91 3.92 75.92 2.87
improvised 811 AACNN 78.65 3.30 74.31 4.59 74.78 4.43 78.47 3.40
improvised 811 GLAM 81.04 2.65 75.89 3.94 76.79 3.78 80.78 2.75
scripted 811 APCNN 53.48 3.83 55.77 3.60 48.14 4.27 48.10 4.90
scripted 811 MHCNN 63.03 3.52 64.37 3.24 61.32 3.88 61.77 4.31
scripted 811 AACNN 65.49 3.49 65.87 2.98 64.36 3.42 65.22 3.77
scripted 811 GLAM 69.80 3.16 70.63 3.17 68.85 3.40 69.30 3.42
full 811 APCNN 60.33 2.67 62.16 2.55 60.03 2.78 59.67 2.88
full 811 MHCNN 67.67 2.34 68.65 2.32 67.55 2.34 67.58 2.36
full 811 AACNN 67.71 2.25 68.67 2.22 67.62 2.32 67.46 2.33
full 811 GLAM 71.63 2.12 72.56 2.05 71.53 2.16 71.42 2.19
"""
SELECTED_ON_TEST = {"delta", "xu2021", "zou2022_session", "zou2022_speaker", "krasnoproshin2026"} | {
    f"glam80_20_{name}" for name in ("improvised", "scripted", "full")
}
OUR_SETS = {
    "peng2021": ("iemocap4", "random10"),
    "yoon2018": ("iemocap4", "yoon5"),
    "yoon2019": ("iemocap4", "random10"),
    "satt2017": ("iemocap4_improvised", "loso5"),
    "delta": ("iemocap4_noexc", "delta_s5"),
    "chen2018": ("iemocap4_noexc_improvised", "speaker10"),
    "donghyun": ("iemocap4_noexc_improvised", "speaker10"),
    "glam80_20_improvised": ("iemocap4_exc_improvised", "glam80_20"),
    "glam80_20_full": ("iemocap4_exc", "glam80_20"),
    "glam811_scripted": ("iemocap4_exc_scripted", "glam811"),
    "zou2022_session": ("iemocap4", "ca_mser_session"),
    "zou2022_speaker": ("iemocap4", "ca_mser_speaker"),
    "krasnoproshin2026": ("ravdess8", "ravdess6"),
    "chen2018_emodb": ("emodb", None),
    "meng2019_cross": ("cross_corpus", None),
    "yoon2020": ("iemocap7", None),
    "superb": ("iemocap4", "session5"),
    "emobox": ("iemocap4", "session5"),
}


@pytest.fixture(scope="module")
def published():
    return read_published(PUBLISHED)


def value(number, sd):
    return number if sd is None else (number, sd)


def test_numbers_are_those_of_the_papers(published):
    for (table, protocol), expected in NUMBERS.items():
        rows = [row for row in published.tables[table].rows if row.protocol == protocol and row.numbers]
        numbers = {(row.system, row.text): (value(row.wa, row.wa_sd), value(row.ua, row.ua_sd)) for row in rows}
        assert numbers == expected and len(rows) == len(expected), (table, protocol)


def test_numbers_of_glam_are_those_of_its_readme(published):
    rows = published.tables["glam"].rows
    expected = set()
    for line in GLAM.split("\n")[1:-1]:
        subset, protocol, system, *numbers = line.split()
        expected.add((f"glam{protocol}_{subset}", system.replace("_", " "), *map(float, numbers)))
    assert {(row.protocol, row.system, *row.numbers) for row in rows} == expected
    assert len(rows) == len(expected) == 33


def test_no_table_has_numbers_that_are_not_checked_here(published):
    checked = {*NUMBERS} | {
        ("glam", f"glam{p}_{s}") for p in ("80_20", "811") for s in ("improvised", "scripted", "full")
    }
    given = {(name, row.protocol) for name, table in published.tables.items() for row in table.rows if row.numbers}
    assert given - checked == {("peng2021_table2", "peng2021"), ("xu2019", "xu2019")}
    steps = [(row.wa, row.ua) for row in published.tables["peng2021_table2"].rows if row.numbers]
    assert steps == [(80.3, 81.4), (79.5, 80.4), (78.5, 79.3), (77.7, 78.6), (77.2, 78.3), (73.5, 74.0)]


def test_a_label_map_may_have_the_name_of_any_class_set(published, monkeypatch):
    """A corpus of one's own may be called emodb, although tables have published results of Emo-DB without a map."""
    maps = {*names("labels"), *published.sets}
    monkeypatch.setattr("mscnn.reporting.published.names", lambda kind: sorted(maps))
    assert read_published(PUBLISHED) == published


SEED = """
Audio-BRE none 64.6 65.2
CNN+LSTM none 68.8 59.4
TDNN+LSTM none 70.1 60.7
Audio-CNN none 65.4 66.7
Audio-CNN_+_x-vector none 66.6 68.4
Text-BRE gt 69.8 70.3
Text-CNN gt 67.8 67.7
MDRE gt 71.8
Learning_alignment gt 72.5 70.9
MHA gt 76.5 77.6
MSCNN-SPU gt 79.5 80.4
MSCNN-SPU-ATT gt 80.3 81.4
Text-CNN asr 62.4 61.5
MDRE asr 69.1
Learning_alignment asr 70.4 69.5
MHA asr 73.0 73.9
MSCNN-SPU asr 77.4 78.2
MSCNN-SPU-ATT asr 78.0 79.1
"""


def test_table_1_has_the_rows_of_the_paper_in_their_order(published):
    table = published.tables["peng2021_table1"]
    rows = [[row.system.replace(" ", "_"), row.text, *map(str, row.numbers)] for row in table.rows]
    assert rows == [line.split() for line in SEED.split("\n")[1:-1]]
    modalities = [row.modality for row in table.rows]
    assert modalities == ["A"] * 5 + ["T"] * 2 + ["A+T"] * 5 + ["T"] + ["A+T"] * 5


def test_facts_of_the_paper_are_on_record(published):
    """WER of its transcripts; its claims are differences of rows, absolute and with ASR transcripts."""
    table = published.tables["peng2021_table1"]
    assert (table.asr.wer, table.asr.certain) == (5.80, "P")
    stated = {(5.0, 5.2): ("MSCNN-SPU-ATT", "MHA"), (4.4, 4.3): ("MSCNN-SPU", "MHA")}
    stated[0.6, 0.9] = ("MSCNN-SPU-ATT", "MSCNN-SPU")
    assert {(claim.wa, claim.ua): (claim.system, claim.over) for claim in table.claims} == stated
    for claim in table.claims:
        ours, theirs = table.row(claim.system, "asr"), table.row(claim.over, "asr")
        assert claim.text == "asr"
        assert (ours.wa - theirs.wa, ours.ua - theirs.ua) == pytest.approx((claim.wa, claim.ua))
    said = [*conclusions(table)]
    assert all(f"WA {w:+.1f}, UA {u:+.1f} (ASR" in text for (w, u), text in zip(stated, said, strict=True))
    assert "WA +3.8, UA +3.8 (reference" in said[0] and "WA +0.8, UA +1.0 (reference" in said[2]
    gains = [published.tables["glam"].claims[0].stated.count(number) for number in ("2.5 %", "4.5 %")]
    assert gains == [1, 1]


def test_class_sets_nearest_protocols_and_selection_on_test(published):
    sets = {name: (protocol.set, protocol.like) for name, protocol in published.protocols.items()}
    assert {name: sets[name] for name in OUR_SETS} == OUR_SETS
    assert {n for n, p in published.protocols.items() if p.selection_on_test == "yes"} == SELECTED_ON_TEST


def test_certainty_of_recalled_and_cited_numbers(published):
    marks = {
        (name, row.system, row.text): row.certain for name, table in published.tables.items() for row in table.rows
    }
    assert marks["yoon2018", "ARE", "none"] == marks["ca_mser", "CA-MSER", "none"] == "R"
    assert marks["peng2021_table1", "MSCNN-SPU", "gt"] == "P" and marks["peng2021_table1", "MHA", "gt"] == "C"
    assert marks["glam", "GLAM", "none"] == "V" and marks["adsrnn", "ADSRNN", "none"] == "F"
    assert marks["satt2017", "CNN+LSTM, two steps", "none"] == "T"


def test_rows_have_the_inputs_of_their_models(published):
    rows = [row for table in published.tables.values() for row in table.rows if row.model]
    for row in rows:
        spec = ModelSpec.load(row.model, [f"{key}={value}" for key, value in row.options.items()])
        assert (bool(spec.features), spec.text) == (row.audio, row.text != "none"), row
        assert row.xvector == spec.xvector, row
        values = {**spec.options, **vars(spec.training), "inputs.audio": spec.audio}
        assert all(values[key] == value for key, value in row.options.items()), row


@pytest.mark.parametrize(
    ("row", "digits", "cell"),
    [
        ({"wa": 71.8}, 1, "71.8 / not given [P]"),
        ({"ua": 62.4, "ua_sd": 6.7}, 2, "not given / 62.40 ± 6.70 [P]"),
        ({"wa": 78.0, "wa_sd": 2, "ua": 0}, 1, "78.0 ± 2.0 / 0.0 [P]"),
        ({}, 1, ""),
    ],
)
def test_cell(row, digits, cell):
    assert Row("x", "gt", "p", certain="P", **row).cell(digits) == cell


def test_label_map_and_subset_of_a_class_set():
    assert split_set("iemocap4") == ("iemocap4", "all")
    assert split_set("iemocap4_exc") == ("iemocap4_exc", "all")
    assert split_set("iemocap4_exc_scripted") == ("iemocap4_exc", "scripted")


FACTS = {
    "certainty": {"P": "read", "R": "recalled"},
    "sources": {"yoon2018": "Yoon et al. 2018"},
    "sets": {"iemocap4": "four classes", "emodb": "seven classes"},
    "protocols": {
        "yoon5": {
            "source": "yoon2018",
            "stated": "five folds",
            "set": "iemocap4",
            "like": "yoon5",
            "selection_on_test": "no",
        }
    },
    "tables": {
        "one": {
            "title": "One",
            "note": "None.",
            "rows": [
                {"system": "ARE", "text": "none", "protocol": "yoon5", "wa": 54.6, "certain": "R", "model": "are"},
                {"system": "MDRE", "text": "gt", "protocol": "yoon5", "wa": 71.8, "certain": "P", "model": "mdre"},
            ],
        }
    },
}


def write(path, change):
    facts = copy.deepcopy(FACTS)
    change(facts)
    path.write_text(yaml.safe_dump(facts, sort_keys=False))
    return path


def row(**values):
    return lambda facts: facts["tables"]["one"]["rows"][1].update(values)


def table(**values):
    return lambda facts: facts["tables"]["one"].update(values)


def protocol(**values):
    return lambda facts: facts["protocols"]["yoon5"].update(values)


@pytest.mark.parametrize(
    ("change", "code", "names"),
    [
        (row(acc=3), "config-unknown-key", ["tables.one.rows.1.acc"]),
        (row(protocol="peng2012"), "published-undeclared", ["table one, row 2 (MDRE)", "peng2012"]),
        (row(wa="71,8"), "config-value", ["published.yaml:", "tables.one.rows.1.wa", "'71,8'"]),
        (row(wa=718), "config-value", ["tables.one.rows.1.wa", "'718'"]),
        (row(ua=-1.0), "config-value", ["tables.one.rows.1.ua"]),
        (row(ua=float("nan")), "config-value", ["tables.one.rows.1.ua"]),
        (row(ua=True), "config-value", ["tables.one.rows.1.ua", "'true'"]),
        (row(ua=None, ua_sd=1.0), "published-spread", ["row 2 (MDRE)", "ua_sd"]),
        (row(model="mdrre"), "conf-unknown", ["row 2 (MDRE)", "mdrre", "mdre"]),
        (row(text="google"), "config-value", ["tables.one.rows.1.text", "'google'"]),
        (row(certain="X"), "published-undeclared", ["row 2 (MDRE)", "certain X", "P, R"]),
        (row(audio="no"), "config-value", ["tables.one.rows.1.audio", "'no'"]),
        (lambda facts: facts["tables"]["one"]["rows"][1].pop("system"), "config-missing-key", ["rows.1.system"]),
        (lambda facts: facts["tables"]["one"]["rows"].append("TRE"), "config-value", ["rows.2", "'TRE'"]),
        (lambda facts: facts["tables"].update(one=[]), "config-value", ["tables.one"]),
        (row(f1_sd=1.0), "published-spread", ["row 2 (MDRE)", "f1_sd"]),
        (table(columns=["own", "random11"]), "conf-unknown", ["table one", "random11"]),
        (table(metrics=["uar"]), "config-value", ["tables.one.metrics", "uar"]),
        (
            table(claims=[{"stated": "x", "system": "MDRE", "over": "TRE"}]),
            "published-undeclared",
            ["table one", "TRE"],
        ),
        (protocol(like="yoon6"), "conf-unknown", ["protocol yoon5", "yoon6"]),
        (protocol(set="emodb"), "published-like", ["protocol yoon5", "emodb"]),
        (protocol(set="iemocap5"), "published-undeclared", ["protocol yoon5", "iemocap5"]),
        (protocol(selection_on_test="perhaps"), "config-value", ["protocols.yoon5.selection_on_test", "'perhaps'"]),
        (lambda facts: facts.pop("sources"), "config-missing-key", ["sources"]),
    ],
)
def test_issues_are_named(tmp_path, change, code, names):
    with fails(code, *names):
        read_published(write(tmp_path / "published.yaml", change))


def test_all_issues_are_named_together(tmp_path):
    def change(facts):
        row(certain="X")(facts)
        facts["tables"]["one"]["rows"][0]["model"] = "areq"

    with pytest.raises(DataErrors) as caught:
        read_published(write(tmp_path / "published.yaml", change))
    check(caught.value, "conf-unknown", "2 issue(s)", "row 1 (ARE)", "row 2 (MDRE)")
    assert [issue.code for issue in caught.value.issues] == ["conf-unknown", "published-undeclared"]


def test_tables_are_listed(tmp_path):
    published = read_published(
        write(tmp_path / "published.yaml", lambda facts: facts["tables"].update(a=FACTS["tables"]["one"]))
    )
    assert published.listing() == "one  One\na    One"
