"""A paper whose sections are broken still becomes a PDF: mended by code, by a model, or shown as it was typed."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.backends.executor import LocalExecutor
from orchestrator.backends.latex import Latexmk
from orchestrator.backends.sandbox import probe
from orchestrator.errors import ModelUnavailable
from orchestrator.evidence.verdicts import judge
from orchestrator.manuscript import BIBLIOGRAPHY, ORDER, Revision, standing
from orchestrator.records import Section
from orchestrator.study import AnswerRefused
from orchestrator.typesetting import Press, print_paper
from orchestrator.workspace import Workspace
from tests.backends.test_latex import BIB, FIGURE
from tests.backends.test_latex import study as unjudged
from tests.conftest import missing
from tests.paper.test_mending import BROKEN, BY_CODE, BY_MODEL, BY_NOBODY, said
from tests.stages.conftest import Quiet

EVIDENCE = unjudged().model_copy(update={"verdicts": judge(unjudged())})
ANSWERS = Path(__file__).parent / "paper" / "broken"


@pytest.fixture
def press(tmp_path):
    executor = LocalExecutor(probe().level)
    typesetter = Latexmk(executor)
    if typesetter.missing():
        missing(f"no TeX here: {typesetter.missing()}")
    workspace = Workspace.create(tmp_path, "broken")
    workspace.write(BIBLIOGRAPHY, BIB)
    for figure in EVIDENCE.figures:
        workspace.write(figure.pdf, FIGURE)
    yield Press(workspace, typesetter, Quiet(), "Scripted answers.", "quick_fit")
    workspace.journal.close()


def sections(**texts: str) -> dict[str, str]:
    sound = {name: f"Nothing is broken in the {name.replace('_', ' ')}." for name in (*ORDER, "abstract")}
    return {**sound, "title": "A title", **texts}


def words_of(pdf: str) -> str:
    return " ".join(subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout.split())


def answer(press: Press, given: dict[str, list[str]]) -> Press:
    """Give a section's answers in turn; each that is refused is followed by the next."""

    def ask(name, _prompt, parse):
        for text in given.get(name, []):
            try:
                return parse(text)
            except AnswerRefused as refused:
                press.screen.note(f"refused: {refused}")
        raise ModelUnavailable("no further answers")

    return replace(press, ask=ask)


def test_documents_that_code_mends_are_set_in_one_paper(press):
    compiled = print_paper(sections(method="\n\n".join(BROKEN[name] for name in BY_CODE)), EVIDENCE, press)
    assert compiled.typed == ()
    assert all("(code)" in line for line in compiled.mended)
    shown = words_of(compiled.pdf)
    for words in ("adaptive weighting", "final_info.json", "one at its mean", "The % sign", "in two parts"):
        assert words in shown
    assert "??" not in shown


def test_a_model_mends_what_code_cannot_know(press):
    """LaTeX stops at what the allow-list lets pass; what that does not let pass was sent back as it was written."""
    right = (ANSWERS / "stops.answer").read_text()
    wrong = "```latex\nStill \\undefined{wrong}.\n```"
    stopping = "```latex\nA sum $y \\limits x$.\n```"
    pressed = answer(press, {"method": [wrong, stopping, right]})
    compiled = print_paper(sections(method=BROKEN["stops"]), EVIDENCE, pressed)
    assert compiled.typed == ()
    assert compiled.mended == ("method: written anew by the model (model)",)
    refused = [line for line in press.screen.lines if "refused" in line]
    assert ["undefined" in refused[0], "LaTeX stops" in refused[1], len(refused)] == [True, True, 2]


def test_what_nobody_mends_is_struck_out_or_shown_as_typed_and_the_rest_is_set(press):
    broken = dict(zip(ORDER, sorted(BY_NOBODY | BY_MODEL - {"unknown_citation"}), strict=True))
    texts = {name: f"A sound paragraph.\n\n{BROKEN[document]}" for name, document in broken.items()}
    compiled = print_paper(sections(**texts), EVIDENCE, press)
    assert len(compiled.typed) == 1
    shown = words_of(compiled.pdf)
    assert shown.count("A sound paragraph.") == len(texts)
    assert shown.count("[struck out]") == len(texts)  # all but the typed one, and in the box that explains it
    for document in broken.values():
        lost = said(BROKEN[document]) - said(shown)
        assert not lost, (document, lost)
    assert r"\input{/etc/hostname}" in shown.replace(" ", "")
    assert "shown as they were typed" in shown


def test_one_paragraph_that_cannot_be_set_leaves_the_others_alone(press):
    text = f"A sound one.\n\n{BROKEN['stops']}\nAnother with \\result{{run_1}}{{mse}}."
    compiled = print_paper(sections(results=text), EVIDENCE, press)
    assert len(compiled.typed) == 1
    shown = words_of(compiled.pdf)
    assert r"\limits" in shown
    assert r"\result" not in shown


def test_what_was_mended_is_kept_so_that_the_same_paper_can_be_made_again(press):
    given = Section(name="method", path="latex/cited/method.tex", sha256="")
    text = BROKEN["double_subscript"]
    first = print_paper(sections(method=text), EVIDENCE, press)
    (kept,) = standing([given], press.workspace.journal)
    assert kept.path == "latex/mended/method.tex"
    assert press.workspace.journal.find("mend", "method", Revision).by == "code"
    again = print_paper(sections(method=press.workspace.read(kept.path)), EVIDENCE, press)
    assert again.sha256 == first.sha256
    assert again.mended == ()


def test_the_report_by_who_mended(record_property):
    by = {"code": len(BY_CODE), "model": len(BY_MODEL), "nobody": len(BY_NOBODY)}
    record_property("broken documents mended by", str(by))
    assert by == {"code": 40, "model": 6, "nobody": 1}
    assert len(BROKEN) == sum(by.values())
