"""The shape of the code: one word for one stage, small modules, imports that go down."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.pipeline import STAGES
from orchestrator.prompts import render
from tests.conftest import ROOT

CODE = sorted((ROOT / "orchestrator").rglob("*.py"))
TEMPLATE_CODE = sorted(path for path in (ROOT / "templates").rglob("*.py") if "tests" not in path.parts)
WITHOUT_MODEL = {"prepare", "execute", "confirm"}
FORBIDDEN = re.compile(r"(^|_)(utils?|manager|handler)(_|$)|^(do|perform)_", re.IGNORECASE)


def stems(folder: str, pattern: str) -> set[str]:
    return {path.name.split(".")[0] for path in (ROOT / folder).glob(pattern)} - {"__init__"}


def test_stages_have_one_module_one_test_and_one_prompt_of_the_same_name():
    assert stems("orchestrator/stages", "*.py") == set(STAGES)
    assert {name.removeprefix("test_") for name in stems("tests/stages", "test_*.py")} == set(STAGES)
    prompts = stems("orchestrator/prompts", "*.md.j2") | {p.name for p in (ROOT / "orchestrator/prompts").glob("*/")}
    assert prompts - {"__pycache__", "system", "refused", "tests"} == set(STAGES) - WITHOUT_MODEL


def test_each_section_has_a_prompt():
    from orchestrator.stages.write import SECTIONS

    assert stems("orchestrator/prompts/write", "*.md.j2") - {"_common", "_revise"} == set(SECTIONS)


@pytest.mark.parametrize("path", CODE + TEMPLATE_CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_are_small_and_plainly_named(path: Path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert not FORBIDDEN.search(path.stem)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 40, f"{node.name} is over 40 lines"
            assert not FORBIDDEN.search(node.name), node.name
        if isinstance(node, ast.ClassDef):
            assert not FORBIDDEN.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name)), node.name


def test_a_broad_except_that_swallows_stands_in_cli_alone():
    # ruff's BLE001 refuses every other; here only its exemptions are counted
    assert [path.name for path in CODE if "noqa: BLE001" in path.read_text()] == ["cli.py"]


def test_layers_hold():
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_module_imports_without_side_effects_on_the_command_line():
    for path in CODE:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        importlib.import_module(name)


def test_help_imports_nothing_heavy():
    code = "import sys, orchestrator.cli; print(sorted({'pydantic', 'rich', 'scipy', 'jinja2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_prompt_with_a_missing_value_is_an_error():
    with pytest.raises(Exception, match="undefined"):
        render("refused")


def test_the_readme_is_short_and_names_the_two_commands():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 200
    for command in ("scripts/setup && python launch.py --idea adaptive_temporal_sae", "scripts/setup && scripts/test"):
        assert command in text


def test_no_committed_file_is_large_or_names_a_machine():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert sum(file.stat().st_size for file in files) < 20e6
    home = str(Path.home()) + "/"
    named = [
        f.name for f in files if f.stat().st_size < 2e6 and any(w.encode() in f.read_bytes() for w in (home, str(ROOT)))
    ]
    assert named == []
