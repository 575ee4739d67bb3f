"""Input and output of preflight: what a run needs, and one line per check."""

from __future__ import annotations

from dataclasses import dataclass

from mscnn.recipe.plan import Plan


@dataclass(frozen=True)
class Finding:
    """One line of the report: ``level`` is ok, warn (the run can start) or FAIL (the run must not start)."""

    level: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.level:4} {self.message}" + (f" -> {self.fix}" if self.fix else "")


@dataclass(frozen=True)
class Needs:
    """What a run needs in addition to its plan; empty: not needed.

    Attributes:
        plan: the experiments.
        stages: first and last stage that will run.
        corpus: parser of the corpus.
        root: folder of the corpus.
        voices: whether espeak-ng makes the corpus.
        engines: ASR engines in addition to those of the plan.
        asr_options: model, table and language of all ASR engines.
        xvector_backend: kaldi, native or auto.
        nj: processes at a time.
    """

    plan: Plan = Plan(())
    stages: tuple[int, int] = (0, 6)
    corpus: str = ""
    root: str = ""
    voices: bool = False
    engines: tuple[str, ...] = ()
    asr_options: tuple[tuple[str, str], ...] = ()
    xvector_backend: str = "auto"
    nj: int = 1

    def runs_stage(self, number: int) -> bool:
        """Whether a stage will run; preflight on its own checks all stages."""
        return self.stages[0] <= number <= (self.stages[1] or 6)

    @property
    def xvector_models(self) -> list[str]:
        """X-vector networks that stage 2 needs."""
        models = [model for data in self.plan.data_sets for model in data.xvectors.values()]
        return list(dict.fromkeys(models)) if self.runs_stage(2) else []
