"""What the user gives: ideas and templates. Parsed here, once; every mistake is named by file and field."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from orchestrator.errors import BadInput
from orchestrator.records import Idea, Template

M = TypeVar("M", bound=BaseModel)

REPOSITORY = Path(__file__).resolve().parent.parent
IDEAS = REPOSITORY / "ideas"
TEMPLATES = REPOSITORY / "templates"
ENVIRONMENTS = REPOSITORY / ".envs"
EXTENDS = "extends.pth"


def find_idea(name: str, ideas: Path = IDEAS) -> Path:
    """Return the idea file for a name under ideas/ or a path; BadInput suggests near names."""
    if name.endswith(".json") or "/" in name:
        path = Path(name)
        if not path.is_file():
            raise BadInput(f"{name}: no such idea file")
        return path
    path = ideas / f"{name}.json"
    if not path.is_file():
        raise BadInput(f"idea '{name}' is not in {ideas.name}/{_near(name, [p.stem for p in ideas.glob('*.json')])}")
    return path


def load_idea(path: Path) -> Idea:
    """Parse an idea file; BadInput names line and column, or the field."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}: line {error.lineno}, column {error.colno}: {error.msg}") from error
    return parse(Idea, value, path)


def session_of(idea: Path) -> Path:
    """Return the path at which an idea's bundled session lies, whether or not it exists."""
    return idea.with_suffix(".session.jsonl")


def find_template(name: str, templates: Path = TEMPLATES) -> Path:
    """Return a template's folder for a name under templates/ or a path."""
    folder = Path(name) if "/" in name else templates / name
    if not (folder / "template.toml").is_file():
        known = [path.parent.name for path in templates.glob("*/template.toml")]
        raise BadInput(f"template '{name}': {folder / 'template.toml'} does not exist{_near(name, known)}")
    return folder.resolve()


def load_template(folder: Path) -> Template:
    """Parse `template.toml`; BadInput names the field, or the line and column."""
    path = folder / "template.toml"
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: {error}") from error
    template = parse(Template, value, path)
    for name in ("experiment.py", "plot.py", "prompt.md", "references.bib"):
        if not (folder / name).is_file():
            raise BadInput(f"{folder}: the template has no file {name}; add it")
    return template


def environment_python(folder: Path, name: str) -> Path:
    """Return the Python of a template's own environment, or the orchestrator's if it has no requirements.lock."""
    own = (folder / "requirements.lock").is_file()
    python = ENVIRONMENTS / (name if own else "orchestrator") / "bin" / "python"
    if not python.exists():
        raise BadInput(f"the environment of template '{name}' is missing; run scripts/setup")
    return python


def environment_folders(python: Path) -> tuple[Path, ...]:
    """Return the folders of packages that an environment takes from those that it extends."""
    listed = next(python.parent.parent.glob(f"lib/python3*/site-packages/{EXTENDS}"), None)
    return tuple(map(Path, listed.read_text().splitlines())) if listed else ()


def template_lock(folder: Path) -> dict[str, str]:
    """Return SHA-256 by relative path of every file that a template consists of."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not _is_cache(p.relative_to(folder)))
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def parse(model: type[M], value: object, where: Path | str) -> M:
    """Validate `value`; BadInput says file, field and what is wrong with it."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [f"field {'.'.join(map(str, e['loc'])) or '(top)'}: {e['msg']}" for e in error.errors()]
        raise BadInput(f"{where}: " + "; ".join(problems[:4])) from error


def _is_cache(relative: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in relative.parts)


def _near(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; there are: {', '.join(sorted(known)) or 'none'}"
