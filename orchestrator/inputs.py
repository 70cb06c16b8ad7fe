"""What the user gives: ideas, templates and profiles. Parsed here, once; every mistake is named by file and field."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from orchestrator.errors import BadInput
from orchestrator.records import Idea, Profile, Template

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


def find_profile(name: str | None, template: Template, folder: Path) -> Profile:
    """Return a template's profile by its name (the default without one), or the user's own from a .toml file."""
    if name and (name.endswith(".toml") or "/" in name):
        return load_profile(Path(name), template)
    profiles = {profile.name: profile for profile in template.profiles}
    wanted = name or template.default_profile
    if wanted not in profiles:
        raise BadInput(f"{folder / 'template.toml'}: no profile '{wanted}'{_near(wanted, list(profiles))}")
    return profiles[wanted]


def load_profile(path: Path, template: Template) -> Profile:
    """Parse a user's profile: the keys of a [[profiles]] table, over those of the profile that `base` names, if any.

    A relative path in it is relative to the file; it becomes absolute. BadInput names the field.
    """
    try:
        own = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: the profile cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: {error}") from error
    profiles = {profile.name: profile for profile in template.profiles}
    base = own.pop("base", None)
    if base is not None and base not in profiles:
        raise BadInput(f"{path}: field base: no profile '{base}'{_near(str(base), list(profiles))}")
    if own.get("name") in profiles:
        raise BadInput(f"{path}: field name: '{own['name']}' is the template's own; choose another")
    paths = {key: _own_path(own[key], path, key) for key in template.path_keys if isinstance(own.get(key), str)}
    inherited = profiles[base].model_dump(exclude={"name", "expected"}) if base else {}
    return parse(Profile, inherited | own | paths, path)


def _own_path(value: str, file: Path, key: str) -> str:
    """Return the absolute path of what lies at `value`, seen from the profile's file; else `value`, which is a name."""
    path = file.parent / Path(value).expanduser()
    if path.exists():
        return str(path.resolve())
    if value.startswith((".", "/", "~")):
        raise BadInput(f"{file}: field {key}: {path} does not exist")
    return value


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
