"""The table of all pairs of corpora."""

from mscnn.reporting.cross import write_pairs

LINE = (
    "%UA {ua:.2f} %WA 50.00 %F1 50.00 [ 1 / 2 ] protocol=cross_corpus@1234 text=none folds=1 runs=1 model={model} "
    "data={data} exp/{model}\n"
)


def test_rows_are_training_corpora_and_columns_are_test_corpora(tmp_path):
    scores = {("m", "a_to_b"): 41, ("m", "b_to_a"): 42, ("m", "a+b_to_c_to"): 43, ("k", "a_to_b"): 44}
    for (model, data), ua in scores.items():
        (tmp_path / f"{model}_{data}").mkdir()
        (tmp_path / f"{model}_{data}" / "score_test.txt").write_text(LINE.format(ua=ua, model=model, data=data))
    write_pairs([tmp_path / f"{model}_{data}" for model, data in scores], tmp_path / "pairs")
    assert (tmp_path / "pairs.csv").read_text().splitlines() == [
        "system,text,trained on,b,a,c_to",
        "m,none,a,41.00,,",
        "m,none,b,,42.00,",
        "m,none,a+b,,,43.00",
        "k,none,a,44.00,,",
    ]
    assert "| m | none | a |" in (tmp_path / "pairs.md").read_text()
