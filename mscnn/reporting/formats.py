"""Formats of numbers in tables and sentences: decimals, signs and dashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

DASH = "–"  # undefined or missing value


def fixed(value: float | None, digits: int = 2) -> str | None:
    """``81.40``; None stays None."""
    return None if value is None else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 2) -> str | None:
    """``+1.04``, for a difference; None stays None."""
    return None if value is None else f"{value:+.{digits}f}"


def with_sd(mean: float | str | None, sd: float | None, digits: int = 2) -> str | None:
    """``81.40 ± 2.10``, or the mean only; the mean may be formatted text; None stays None."""
    text = mean if isinstance(mean, str) else fixed(mean, digits)
    return text if text is None or sd is None else f"{text} ± {sd:.{digits}f}"


def span(bounds: Sequence[float] | None, digits: int = 2) -> str | None:
    """``78.10 to 84.00``; None stays None."""
    return None if bounds is None else f"{bounds[0]:.{digits}f} to {bounds[1]:.{digits}f}"


def thousands(number: int | None) -> str | None:
    """``1,468,036``; None stays None."""
    return None if number is None else f"{number:,}"


def p_value(p: float | None) -> str | None:
    """Four decimals, or exponent notation for small values; None stays None."""
    return None if p is None else f"{p:.4f}" if p >= 1e-4 else f"{p:.1e}"


def counted(number: int, what: str) -> str:
    """``1 fold``, ``2 folds``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def transcripts(text: str) -> str:
    """``reference transcripts`` for gt, ``no text`` for none, ``ASR transcripts (ENGINE)`` for an ASR engine."""
    return {"gt": "reference transcripts", "none": "no text"}.get(text, f"ASR transcripts ({text})")


def settings(values: Mapping[str, object] | None) -> str:
    """``dropout=0.3, swem=true, text_widths=2/3/4``; empty for None."""
    plain = {key: "/".join(map(str, v)) if isinstance(v, list) else v for key, v in (values or {}).items()}
    return ", ".join(f"{key}={str(v).lower() if isinstance(v, bool) else v}" for key, v in plain.items())
