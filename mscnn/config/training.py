"""How a system is trained: the options of ``training:`` in ``conf/models``, and their defaults."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mscnn.config.schema import Count, CountOr0, NotNegative, Positive

Balance: TypeAlias = Annotated[str, Field(pattern="^(none|oversample|[0-9]+)$")]


@dataclass(frozen=True)
class Training:
    """How a system is trained; the defaults are those of the MSCNN-SPU paper where it states them.

    An epoch is what lies between two evaluations on dev: a pass over the training part, unless ``eval_every`` says
    otherwise.

    Attributes:
        optimizer: adam, nadam, adamw or sgd; epsilon 1e-8.
        lr: learning rate.
        betas: of the Adam kinds.
        momentum, nesterov: of sgd.
        weight_decay: L2 penalty (of adamw: decoupled).
        clip: largest gradient, 0 for any.
        clip_mode: whether ``clip`` means the norm over all parameters (norm), of each (per_tensor), or each value.
        batch_size: examples per step.
        max_epochs: epochs at most.
        max_steps: steps at most, 0 for any number.
        patience: epochs without a better ``select`` on dev before training stops.
        eval_every: passes over the training part in an epoch.
        select: what makes an epoch the best on dev: wa_ua (mean of WA and UA), loss, or a metric of
            ``mscnn.evaluation.metrics``; which there are is checked by who trains.
        replacement: whether batches are drawn with replacement.
        balance: none; oversample (every class as often as the largest in a pass); or a number of examples per class,
            drawn once.
        balance_power: how far oversample goes: n examples of the largest's N come n (N / n)^balance_power times a pass.
        schedule: none; exponential (times ``gamma`` each epoch) or step (each ``step_epochs``), down to ``min_lr``.
        gamma, step_epochs, min_lr: factor, epochs per step and lowest learning rate of ``schedule``.
        precision: of training steps: single, or bf16 (autocast: products and convolutions in bfloat16, up to twice as
            fast where the processor has it). Weights, and the scores of dev and test, are single always.
        mask_bins, mask_frames: SpecAugment (Park et al. 2019): in every example a band of bins and a stretch of frames,
            each at most that wide, are put to the means of the bins; 0 for none.
        mixup: alpha of the Beta distribution (Zhang et al. 2018), one draw per batch; 0 for none.
    """

    optimizer: Literal["adam", "nadam", "adamw", "sgd"] = "adam"
    lr: Positive = 5e-4
    betas: tuple[float, float] = (0.9, 0.999)
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
    balance_power: NotNegative = 1.0
    schedule: Literal["none", "exponential", "step"] = "none"
    gamma: Positive = 1.0
    step_epochs: Count = 1
    min_lr: NotNegative = 0.0
    precision: Literal["single", "bf16"] = "single"
    mask_bins: CountOr0 = 0
    mask_frames: CountOr0 = 0
    mixup: NotNegative = 0.0
