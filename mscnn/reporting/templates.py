"""Documents from ``templates/``: values are escaped in HTML, bring no HTML into Markdown, and are as given in LaTeX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from mscnn.reporting import formats
from mscnn.reporting.table import LATEX, escaped

__all__ = ["Markup", "Section", "macro", "render"]


@dataclass(frozen=True)
class Section:
    """A section of a page: its anchor ``name``, its heading, and the values of its template."""

    name: str
    heading: str
    view: Mapping[str, object] = field(default_factory=dict)


@pass_context
def _finalize(context: Context, value: object) -> object:
    """In Markdown, names of classes, models and files bring no HTML."""
    plain = isinstance(value, str) and not isinstance(value, Markup) and (context.name or "").endswith(".md")
    return escaped(str(value)) if plain else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mscnn.reporting"),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    names = ("fixed", "signed", "with_sd", "span", "thousands", "counted")
    environment.filters |= {name: getattr(formats, name) for name in names}
    environment.filters["latex"] = lambda text: str(text).translate(LATEX)
    return environment


def render(template: str, **values: object) -> str:
    """The document of a template with ``values``, ending with one newline; templates named .html escape the values.

    Raises:
        jinja2.UndefinedError: the template uses a value that is not given.
    """
    return _environment().get_template(template).render(values).strip("\n") + "\n"


def macro(name: str, *values: object) -> Markup:
    """HTML of a macro of ``macros.html`` with ``values``."""
    return getattr(_environment().get_template("macros.html").module, name)(*values)
