"""Figures exist, or the model hears why not."""

import pytest

from orchestrator.errors import GroundworkError
from orchestrator.stages.plot import MAX_TRIES, plot_runs
from tests.stages.test_confirm import evidence  # noqa: F401


def test_figures_exist_as_pdf_and_png(study, coder, evidence):  # noqa: F811
    coder.texts = [lambda text: text.replace("mean squared error", "mean squared error, test part")]
    (figure,) = plot_runs(evidence, study).figures
    assert figure.name == "mse"
    assert study.workspace.path(figure.pdf).read_bytes().startswith(b"%PDF")
    assert study.workspace.path(figure.png).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nowhere\n", "ModuleNotFoundError"),
        ("x = (\n", "does not parse"),
        ("print('drawn')\n", "saved no figure"),
        ("open('figures/mse.pdf', 'w').close()\nopen('figures/mse.png', 'w').close()\n", "read back"),
        ("open('journal.jsonl')\n", "FileNotFoundError"),
    ],
)
def test_a_plot_that_draws_nothing_goes_back_with_the_reason(study, coder, evidence, text, reason):  # noqa: F811
    good = study.workspace.read("plot.py")
    coder.texts = [lambda _: text, lambda _: good]
    assert plot_runs(evidence, study).figures
    assert reason in coder.instructions[1]


def test_the_number_of_tries_is_bounded(study, coder, evidence):  # noqa: F811
    coder.texts = [lambda _: "pass\n"] * 9
    with pytest.raises(GroundworkError, match="no figures after"):
        plot_runs(evidence, study)
    assert len(coder.instructions) == MAX_TRIES
