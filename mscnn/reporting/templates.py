"""Documents from ``templates/``: in HTML whatever comes from data is escaped; Markdown and LaTeX are text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mscnn.reporting import formats
from mscnn.reporting.table import LATEX

__all__ = ["Markup", "Section", "macro", "render"]


@dataclass(frozen=True)
class Section:
    """A part of a page: its anchor ``name``, its heading, and what its template shows."""

    name: str
    heading: str
    view: Mapping[str, object] = field(default_factory=dict)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mscnn.reporting"),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    names = ("fixed", "signed", "with_sd", "span", "thousands", "counted")
    environment.filters |= {name: getattr(formats, name) for name in names}
    environment.filters["latex"] = lambda text: str(text).translate(LATEX)
    return environment


def render(template: str, **values: object) -> str:
    """The document that a template makes of ``values``, one newline at its end; those ending in .html are escaped.

    Raises:
        jinja2.UndefinedError: the template asks for a value that is not there.
    """
    return _environment().get_template(template).render(values).strip("\n") + "\n"


def macro(name: str, *values: object) -> Markup:
    """What a macro of ``macros.html`` makes of ``values``: a part of a page."""
    return getattr(_environment().get_template("macros.html").module, name)(*values)
