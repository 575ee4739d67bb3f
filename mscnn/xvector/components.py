"""Components of exported networks, with all tags in the order of Kaldi and its default values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mscnn.xvector.nnet3 import Component, Value


def affine(name: str, weight: np.ndarray, bias: np.ndarray) -> Component:
    """Component ``y = weight x + bias``; weight (out, in), bias (out,)."""
    return Component(
        name,
        "NaturalGradientAffineComponent",
        {
            "MaxChange": np.float32(0.75),
            "LearningRate": np.float32(0.001),
            "LinearParams": np.asarray(weight, np.float32),
            "BiasParams": np.asarray(bias, np.float32),
            "RankIn": np.int32(20),
            "RankOut": np.int32(80),
            "UpdatePeriod": np.int32(4),
            "NumSamplesHistory": np.float32(2000),
            "Alpha": np.float32(4),
        },
    )


def _nonlinear(name: str, kind: str, dim: int, fields: Mapping[str, Value]) -> Component:
    empty = np.zeros(0, np.float32)
    statistics = {
        "Dim": np.int32(dim),
        "ValueAvg": empty,
        "DerivAvg": empty,
        "Count": np.float64(0),
        "OderivRms": empty,
        "OderivCount": np.float64(0),
        "NumDimsSelfRepaired": np.float64(0),
        "NumDimsProcessed": np.float64(0),
    }
    return Component(name, kind, {**statistics, **fields})


def relu(name: str, dim: int) -> Component:
    """Component ``max(x, 0)``."""
    return _nonlinear(name, "RectifiedLinearComponent", dim, {"SelfRepairScale": np.float32(1e-5)})


def log_softmax(name: str, dim: int) -> Component:
    """Component for log posteriors."""
    return _nonlinear(name, "LogSoftmaxComponent", dim, {})


def batchnorm(
    name: str, mean: np.ndarray, variance: np.ndarray, count: float, epsilon: float = 1e-3, target_rms: float = 1.0
) -> Component:
    """Component ``target_rms (x - mean) / sqrt(variance + epsilon)``.

    ``mean`` and (biased) ``variance`` (dim,) are those of ``count`` frames.
    """
    return Component(
        name,
        "BatchNormComponent",
        {
            "Dim": np.int32(len(mean)),
            "BlockDim": np.int32(len(mean)),
            "Epsilon": np.float32(epsilon),
            "TargetRms": np.float32(target_rms),
            "TestMode": False,
            "Count": np.float64(count),
            "StatsMean": np.asarray(mean, np.float32),
            "StatsVar": np.asarray(variance, np.float32),
        },
    )


def stats_extraction(name: str, dim: int) -> Component:
    """Component for count, sum and sum of squares of each frame: 1 + 2 dim values."""
    return Component(
        name,
        "StatisticsExtractionComponent",
        {
            "InputDim": np.int32(dim),
            "InputPeriod": np.int32(1),
            "OutputPeriod": np.int32(1),
            "IncludeVarinance": True,  # Kaldi's spelling
        },
    )


def stats_pooling(name: str, dim: int, frames: int = 10000, variance_floor: float = 1e-10) -> Component:
    """Component for mean and standard deviation over the frames t to t + ``frames``; ``dim`` is that of a frame."""
    return Component(
        name,
        "StatisticsPoolingComponent",
        {
            "InputDim": np.int32(1 + 2 * dim),
            "InputPeriod": np.int32(1),
            "LeftContext": np.int32(0),
            "RightContext": np.int32(frames),
            "NumLogCountFeatures": np.int32(0),
            "OutputStddevs": True,
            "VarianceFloor": np.float32(variance_floor),
        },
    )
