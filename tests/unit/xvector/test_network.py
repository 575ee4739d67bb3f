import functools
import math

import numpy as np
import pytest
import torch

from mscnn.xvector import components, nnet3
from mscnn.xvector.network import Network
from tests.raises import fails

rng = np.random.default_rng(0)


def _affine(name, inputs, outputs):
    return components.affine(name, rng.normal(size=(outputs, inputs)) / math.sqrt(inputs), rng.normal(size=outputs))


def _batchnorm(name, dim, block=None, rms=1.0):
    component = components.batchnorm(
        name, rng.normal(size=block or dim), rng.uniform(0.1, 2, block or dim), 100, target_rms=rms
    )
    component.fields["Dim"] = np.int32(dim)
    return component


def _nnet(lines, *components):
    return nnet3.Nnet(("input-node name=input dim=3", *lines), {c.name: c for c in components})


def xvector(contexts="Offset(input, -2), input, Offset(input, 1)", n=3, dim=4):
    """A small network of the family: context, ReLU, BatchNorm, pooling, two affine layers."""
    return _nnet(
        (
            f"component-node name=l1.affine component=l1.affine input=Append({contexts})",
            "component-node name=l1.relu component=l1.relu input=l1.affine",
            "component-node name=l1.bn component=l1.bn input=l1.relu",
            "component-node name=ex component=ex input=l1.bn",
            "component-node name=pool component=pool input=ex",
            "component-node name=l6.affine component=l6.affine input=Round(pool, 1)",
            "component-node name=l6.relu component=l6.relu input=l6.affine",
            "component-node name=l7.affine component=l7.affine input=l6.relu",
            "component-node name=output.log-softmax component=sm input=l7.affine",
            "output-node name=output input=output.log-softmax objective=linear",
        ),
        _affine("l1.affine", 3 * n, dim),
        components.relu("l1.relu", dim),
        _batchnorm("l1.bn", dim),
        components.stats_extraction("ex", dim),
        components.stats_pooling("pool", dim),
        _affine("l6.affine", 2 * dim, 5),
        components.relu("l6.relu", 5),
        _affine("l7.affine", 5, 2),
        components.log_softmax("sm", 2),
    )


def brute_force(nnet: nnet3.Nnet, node: str, frames: np.ndarray) -> np.ndarray:
    """Kaldi's computation of frame 0 of a node, in float64, by loops over nodes and frames."""
    nodes = {}
    for line in nnet.lines:
        kind, name, rest = line.split(" ", 2)
        nodes[name.removeprefix("name=")] = kind, rest

    def read(text, t):
        text = text.strip()
        if "(" not in text:
            return value(text, t)
        head, body = text.split("(", 1)
        depth, parts = 0, [""]
        for char in body[:-1]:
            depth += {"(": 1, ")": -1}.get(char, 0)
            parts = [*parts, ""] if char == "," and not depth else [*parts[:-1], parts[-1] + char]
        if head == "Offset":
            return read(parts[0], t + int(parts[1]))
        if head == "Round":
            return read(parts[0], t // int(parts[1]) * int(parts[1]))
        values = [read(part, t) for part in parts]
        return None if any(v is None for v in values) else np.concatenate(values)

    @functools.cache
    def value(name, t):
        kind, rest = nodes[name]
        if kind == "input-node":
            return frames[t].astype(np.float64) if 0 <= t < len(frames) else None
        fields = {k: v for k, _, v in (part.partition("=") for part in rest.split(" ", 1))}
        if kind == "output-node":
            return read(rest.split("input=")[1].split(" objective")[0], t)
        component = nnet.components[fields["component"]]
        return apply(component, lambda t: read(rest.split("input=")[1], t), t)

    def apply(component, read_at, t):
        f = component.fields
        if component.type == "StatisticsExtractionComponent":
            first = t // f["OutputPeriod"] * f["OutputPeriod"]
            rows = [read_at(u) for u in range(first, first + f["OutputPeriod"], f["InputPeriod"])]
            rows = np.array([r for r in rows if r is not None])
            return np.concatenate([[len(rows)], rows.sum(0), (rows**2).sum(0)]) if len(rows) else None
        if component.type == "StatisticsPoolingComponent":
            rows = [read_at(u) for u in range(t - f["LeftContext"], t + f["RightContext"] + 1, f["InputPeriod"])]
            total = np.sum([r for r in rows if r is not None], axis=0)
            mean, square = np.split(total[1:] / total[0], 2)
            std = np.sqrt(np.maximum(square - mean**2, f["VarianceFloor"])) if f["OutputStddevs"] else square
            return np.concatenate([[np.log(total[0])] * f["NumLogCountFeatures"], mean, std])
        x = read_at(t)
        if x is None:
            return None
        if component.type.endswith("AffineComponent"):
            return f["LinearParams"].astype(np.float64) @ x + f["BiasParams"]
        if component.type == "RectifiedLinearComponent":
            return np.maximum(x, 0)
        if component.type == "LogSoftmaxComponent":
            return x - np.log(np.exp(x).sum())
        blocks = x.reshape(-1, f["BlockDim"])
        scale = f["TargetRms"] / np.sqrt(f["StatsVar"].astype(np.float64) + f["Epsilon"])
        return ((blocks - f["StatsMean"]) * scale).reshape(-1)

    return value(node, 0)


def check(nnet: nnet3.Nnet, lengths=(9, 4, 14), config=""):
    network = Network(nnet, config).double()  # needed for the difference of a sum of squares and a square of sums
    frames = rng.normal(size=(sum(lengths), 3))
    embeddings = network(torch.from_numpy(frames), lengths).numpy()
    extended = nnet3.Nnet(
        tuple(x for x in nnet.lines if not (config and x.startswith("output-node"))) + tuple(config.splitlines()),
        nnet.components,
    )
    expected = [brute_force(extended, "output", part) for part in np.split(frames, np.cumsum(lengths)[:-1])]
    np.testing.assert_allclose(embeddings, expected, rtol=1e-6, atol=1e-6)
    assert network.dim == embeddings.shape[1]


def test_network_equals_a_loop_over_frames():
    check(xvector())


def test_the_embedding_is_chosen_by_extract_config():
    check(xvector(), config="output-node name=output input=l6.affine\n")
    check(xvector(), config="# of the second layer\noutput-node name=output input=l7.affine\n")


@pytest.mark.parametrize(
    ("contexts", "n"),
    [
        ("input", 1),
        ("Offset(input, 2), Offset(input, 1)", 2),  # future frames only: pooling starts at frame 0
        ("Offset(input, -2), Offset(input, -1)", 2),
        ("Offset(Offset(input, -2), 1), Append(input, Offset(input, 3))", 3),
        ("Round(input, 1), input", 2),
    ],
)
def test_contexts(contexts, n):
    check(xvector(contexts, n), lengths=(9, 7))


def test_batchnorm_in_blocks_with_another_target():
    nnet = xvector()
    nnet.components["l1.bn"] = _batchnorm("l1.bn", 4, block=2, rms=0.5)
    check(nnet)


def test_fixed_and_plain_affine():
    nnet = xvector()
    for name, kind in (("l1.affine", "FixedAffineComponent"), ("l6.affine", "AffineComponent")):
        fields = {k: v for k, v in nnet.components[name].fields.items() if k.endswith("Params")}
        nnet.components[name] = nnet3.Component(name, kind, fields)
    check(nnet)


@pytest.mark.parametrize(("step", "period", "left", "right"), [(1, 1, 0, 5), (1, 3, 3, 6), (2, 4, 4, 400)])
def test_statistics_with_periods_and_windows(step, period, left, right):
    nnet = xvector()
    nnet.components["ex"].fields.update(InputPeriod=np.int32(step), OutputPeriod=np.int32(period))
    nnet.components["pool"].fields.update(
        InputPeriod=np.int32(period), LeftContext=np.int32(left), RightContext=np.int32(right)
    )
    check(nnet, lengths=(9, 20))


def test_means_of_squares_and_log_counts():
    nnet = xvector()
    nnet.components["pool"].fields.update(OutputStddevs=False, NumLogCountFeatures=np.int32(1))
    nnet.components["l6.affine"] = _affine("l6.affine", 9, 5)
    check(nnet)


def test_two_poolings_side_by_side():
    nnet = xvector()
    lines = [line.replace("Round(pool, 1)", "Append(pool, pool2)") for line in nnet.lines]
    lines[6:6] = [
        "component-node name=ex2 component=ex input=l1.affine",
        "component-node name=pool2 component=pool input=ex2",
    ]
    nnet.components["l6.affine"] = _affine("l6.affine", 16, 5)
    check(nnet3.Nnet(tuple(lines), nnet.components))


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("input=l1.relu", "input=l9.relu", ["l1.bn", "l9.relu"]),
        ("name=l1.affine component=l1.affine", "name=l1.affine component=l9", ["l1.affine", "component 'l9'"]),
        ("input=l1.affine", "input=l1.bn", ["l1.bn", "<- l1.relu <-"]),
        ("Append(", "Sum(", ["l1.affine", "Sum("]),
        ("Round(pool, 1)", "Round(pool, 0)", ["l6.affine", "Round(pool, 0)"]),
        ("Round(pool, 1)", "Offset(pool, 7)", ["l6.affine", "(7)"]),
        ("Round(pool, 1)", "Append(pool, l1.bn)", ["l6.affine"]),
        ("input, Offset(input, 1)", "Offset(input, 1)", ["l1.affine", 9, 6]),
        ("input-node name=input dim=3", "input-node name=input dim=-3", ["dim=-3"]),
        ("input-node name=input", "input-node name=ivector", ["'input'"]),
        ("output-node name=output", "output-node name=other", ["'output'"]),
        ("component-node name=ex", "dim-range-node name=ex", ["dim-range-node", "input-node"]),
        ("input=ex", "input=l1.bn", ["StatisticsPoolingComponent", "StatisticsExtractionComponent"]),
    ],
)
def test_wrong_descriptions(old, new, names):
    nnet = xvector()
    assert any(old in line for line in nnet.lines)
    with fails("xvector-network", *names):
        Network(nnet3.Nnet(tuple(line.replace(old, new, 1) for line in nnet.lines), nnet.components))


def test_a_window_before_the_first_known_frame_is_refused():
    nnet = xvector("Offset(input, -9), input, Offset(input, 1)")
    nnet.components["pool"].fields["RightContext"] = np.int32(5)
    with fails("xvector-network", "pool", "from -0 to 5", "frame 9"):
        Network(nnet)


def test_an_untrained_batchnorm_is_refused():
    nnet = xvector()
    nnet.components["l1.bn"].fields["Count"] = np.float64(0)
    with fails("xvector-network", "l1.bn", "<Count> 0"):
        Network(nnet)


def test_a_frame_level_output_is_refused():
    with fails("xvector-network", "extract.config"):
        Network(xvector(), "output-node name=output input=l1.affine")


def test_unlimited_nesting_is_refused():
    nnet = xvector()
    line = f"component-node name=l1.affine component=l1.affine input={'Append(' * 1000}input{')' * 1000}"
    with fails("xvector-network", "Append"):
        Network(nnet3.Nnet((nnet.lines[0], line, *nnet.lines[2:]), nnet.components))
