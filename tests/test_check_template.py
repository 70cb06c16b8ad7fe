"""A template is tried without a model; what breaks the contract is named, with what to do."""

import shutil

import pytest

from tests.conftest import ROOT, missing

EXAMPLE = ROOT / "examples" / "char_model"
LINES = 100


@pytest.fixture
def template(tmp_path):
    """A copy of the example that a test may break."""
    if shutil.which("bwrap") is None:
        missing("bubblewrap is not installed")
    copy = shutil.copytree(EXAMPLE, tmp_path / "char_model", ignore=shutil.ignore_patterns("__pycache__"))
    break_(copy, "template.toml", "characters = 60000", "characters = 6000")
    break_(copy, "template.toml", "steps = 300", "steps = 100")
    return copy


def break_(template, file, old, new):
    text = (template / file).read_text()
    assert old in text
    (template / file).write_text(text.replace(old, new))


def test_the_example_keeps_the_contract(launch):
    done = launch("check-template", EXAMPLE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no problems" in done.stdout


def test_the_example_is_as_short_as_the_documentation_says():
    lines = [line for path in EXAMPLE.glob("*.py") for line in path.read_text().splitlines() if line.strip()]
    assert 0 < len(lines) < LINES


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("template.toml", "primary = true", "", "none has `primary = true`"),
        ("template.toml", 'default_profile = "cpu"', 'default_profile = "gpu"', "no profile"),
        ("template.toml", '"text", "steps", "batch"', '"text", "layer"', "records no setting `layer`"),
        ("references.bib", "title =", "booktitle =", "has no title"),
        ("char_model.py", '"accuracy": []', '"accuracy": [0.5]', "has 6 values of accuracy"),
        ("char_model.py", "allow_pickle=False)", "allow_pickle=False) * np.random.rand()", "and then"),
        (
            "char_model.py",
            "str(cache / key / part)",
            'str(cache / key / ("dev" if part == "test" else part))',
            "lies inside",
        ),
        ("experiment.py", "import numpy as np", "import nowhere", "ModuleNotFoundError"),
        ("experiment.py", 'profile["steps"]', "0", "unedited"),
        ("plot.py", '["value"], yerr', '["value"] + 1, yerr', "no value of one metric"),
    ],
)
def test_what_breaks_the_contract_is_named(launch, template, file, old, new, said):
    break_(template, file, old, new)
    done = launch("check-template", template)
    assert done.returncode in (1, 2)
    assert said in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_folder_that_is_no_template_is_bad_input(launch, tmp_path):
    done = launch("check-template", tmp_path)
    assert done.returncode == 2
    assert "template.toml" in done.stderr
