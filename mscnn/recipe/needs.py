"""What preflight is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from mscnn.recipe.plan import Plan


@dataclass(frozen=True)
class Finding:
    """One line of the report: ``level`` is ok, warn (can be lived with) or FAIL (nothing should start)."""

    level: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.level:4} {self.message}" + (f" -> {self.fix}" if self.fix else "")


@dataclass(frozen=True)
class Needs:
    """What a run is going to use besides what its plan says; what is empty is not needed.

    Attributes:
        stages: first and last stage that will run.
        corpus: parser, and ``root`` the folder that it reads; ``voices``: espeak-ng makes the corpus.
        engines: ASR engines besides those of the plan; ``asr_options`` are model, table and language of all.
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
        """Whether a stage will run; preflight alone is asked about all of them."""
        return self.stages[0] <= number <= (self.stages[1] or 6)

    @property
    def xvector_models(self) -> list[str]:
        """Networks that stage 2 needs."""
        models = [model for data in self.plan.data_sets for model in data.xvectors.values()]
        return list(dict.fromkeys(models)) if self.runs_stage(2) else []
