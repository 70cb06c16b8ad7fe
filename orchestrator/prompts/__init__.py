"""Prompts are files beside this one, rendered by Jinja2; a name that a prompt uses and nobody gives is an error."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


@cache
def _environment() -> Environment:
    # Prompts are plain text for a model, never HTML: escaping would change code and LaTeX in them.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["fenced"] = fenced
    return environment


def render(name: str, **values: object) -> str:
    """Return the prompt `name` (a path below this folder without `.md.j2`) with `values` filled in."""
    return _environment().get_template(f"{name}.md.j2").render(**values).strip() + "\n"


def fenced(text: str, label: str) -> str:
    """Fence text from outside as data, so that nothing in it reads as an instruction or closes the fence."""
    body = text.replace("</data", "<\\/data").rstrip()
    return f'<data name="{label}">\n{body}\n</data>'
