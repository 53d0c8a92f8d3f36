"""HTML pages from Jinja templates: every value escaped, none able to hide or reorder text."""

import unicodedata
from pathlib import Path

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # controls, marks of direction, line separators


def visible(value: object) -> object:
    """A text without characters of the categories _HIDDEN, except the line feed; others as is."""
    if type(value) is not str:
        return value
    return "".join(c for c in value if c == "\n" or unicodedata.category(c) not in _HIDDEN)


def page(template: Path, **values: object) -> str:
    """The page that a template makes of `values`. Raises UndefinedError for a missing one."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template.name).render(values)
