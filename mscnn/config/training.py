"""How a system is trained: the options of ``training:`` in ``conf/models``, and their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from mscnn.config.schema import Count, CountOr0, Fraction, NotNegative, Positive, Probability, matching

Balance: TypeAlias = Annotated[
    str, matching("none|oversample|[1-9][0-9]{0,5}", "none, oversample or a number of examples below 1000000")
]
ClassWeights: TypeAlias = Literal["none", "balanced"] | Mapping[str, Positive]


@dataclass(frozen=True)
class Training:
    """How a system is trained; the defaults are those of the MSCNN-SPU paper where it states them.

    An epoch lies between two evaluations on dev: it is the training part once, or ``eval_every`` times.

    Attributes:
        optimizer: adam, nadam, adamw, sgd or rmsprop (smoothing 0.99); epsilon 1e-8.
        lr: learning rate.
        betas: of adam, nadam and adamw.
        momentum: of sgd and rmsprop.
        nesterov: of sgd.
        weight_decay: L2 penalty (of adamw: decoupled).
        clip: largest gradient; 0: unlimited.
        clip_mode: what ``clip`` limits: the norm over all parameters (norm), that of each (per_tensor), or each value.
        batch_size: examples per step.
        max_epochs: maximum number of epochs.
        max_steps: maximum number of steps; 0: unlimited.
        patience: epochs without a better ``select`` on dev before training stops.
        eval_every: length of an epoch, as a multiple of the training part.
        select: criterion of the best epoch on dev: wa_ua (mean of WA and UA), loss, or a metric of
            ``mscnn.evaluation.metrics``, which training checks. Of equal epochs the earliest is kept.
        replacement: whether batches are drawn with replacement.
        balance: none; oversample (every class as often as the largest); or a number of examples per class, drawn once.
        balance_power: strength of oversample: n examples of a class become n (N / n)^balance_power, N being the size of
            the largest class.
        class_weights: weights of the loss: none; balanced, n / (K m) for a class with m of n examples, of K classes;
            or one per class name, 1 where none is given: ``training.class_weights.happy=2``.
        schedule: none; exponential (times ``gamma`` every epoch) or step (every ``step_epochs``), down to ``min_lr``;
            linear (up over ``warmup_epochs``, then down, to 0 after ``max_epochs``); or cyclic (up to ``max_lr`` and
            down again, each in ``step_epochs``).
        gamma, step_epochs, min_lr, warmup_epochs, max_lr: factor, epochs per step, lowest learning rate, epochs of
            warm-up and highest learning rate of ``schedule``.
        precision: of training steps: single; tf32 (on a GPU, products and convolutions of single numbers rounded to 10
            bits; elsewhere as single); or bf16 (autocast: products and convolutions in bfloat16, up to twice as fast
            where the processor supports it). Weights, and the scores of dev and test, are always single.
        mask_bins, mask_frames: SpecAugment (Park et al. 2019): in every example a band of bins and a span of frames,
            each at most that wide, are set to the means of the bins; 0: none.
        mixup: alpha of the Beta distribution (Zhang et al. 2018), one draw per batch; 0: none.
    """

    optimizer: Literal["adam", "nadam", "adamw", "sgd", "rmsprop"] = "adam"
    lr: Positive = 5e-4
    betas: tuple[Probability, Probability] = (0.9, 0.999)
    momentum: NotNegative = 0.0
    nesterov: bool = False
    weight_decay: NotNegative = 0.0
    clip: NotNegative = 1.0
    clip_mode: Literal["norm", "per_tensor", "value"] = "norm"
    batch_size: Count = 64
    max_epochs: Count = 100
    max_steps: CountOr0 = 0
    patience: Count = 10
    eval_every: Positive = 1.0
    select: str = "wa_ua"
    replacement: bool = False
    balance: Balance = "none"
    balance_power: Fraction = 1.0
    class_weights: ClassWeights = "none"
    schedule: Literal["none", "exponential", "step", "linear", "cyclic"] = "none"
    gamma: Positive = 1.0
    step_epochs: Count = 1
    min_lr: NotNegative = 0.0
    warmup_epochs: CountOr0 = 0
    max_lr: NotNegative = 0.0
    precision: Literal["single", "tf32", "bf16"] = "single"
    mask_bins: CountOr0 = 0
    mask_frames: CountOr0 = 0
    mixup: NotNegative = 0.0
