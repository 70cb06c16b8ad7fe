"""From search to bibliography, whole: a command line, a served source, a PDF, and what an audit says of it after."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from orchestrator.models.session import SessionEntry, read_session, write_session
from orchestrator.paper.bib import Library
from orchestrator.verify import _uncitable, verify
from tests import scholars
from tests.conftest import QUICK, ROOT
from tests.papers import PARAGRAPH, write_pdf

SUMMARY = "It finds slowly varying features in sparse codes of adjacent tokens."
ANSWERS = {
    ("read", "paper_1"): {"title": scholars.SPARSE["title"], "summary": SUMMARY},
    ("search", "queries"): {"searches": ["momentum for teapots"]},
    ("search", "choice"): {"chosen": ["semanticscholar:" + "0" * 40]},
}


def prepared(folder):
    """The quick idea with a paper beside it, and a session that searches, chooses and cites what it chose."""
    for name in ("quick_momentum.json", "quick_fit"):
        (shutil.copytree if (QUICK / name).is_dir() else shutil.copy)(QUICK / name, folder / name)
    header, entries = read_session(QUICK / "quick_momentum.session.jsonl")
    cite = "```latex\nSeveral treatments are compared with one control \\citep{dunnett1955,cunningham2023sparse}.\n```"
    kept = [e.model_copy(update={"answer": cite}) if e.step == "related_work" else e for e in entries]
    new = [
        SessionEntry(stage=stage, step=step, attempt=0, answer=f"```json\n{json.dumps(answer)}\n```")
        for (stage, step), answer in ANSWERS.items()
    ]
    write_session(folder / "quick_momentum.session.jsonl", header, [*kept, *new])
    (folder / "quick_momentum.literature").mkdir()
    write_pdf(folder / "quick_momentum.literature" / "sparse.pdf", [PARAGRAPH])
    return folder / "quick_momentum.json"


@pytest.fixture(scope="module")
def online(tmp_path_factory):
    """The finished idea folder, and the paths that the services were asked for."""
    folder = tmp_path_factory.mktemp("online")
    idea = prepared(folder)
    command = [sys.executable, ROOT / "launch.py", "--idea", idea, "--runs", folder / "runs", "--scholar"]
    with scholars.served() as services:
        done = subprocess.run(
            [*map(str, command), "semanticscholar"],
            env={**os.environ, **services.variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (run,) = (folder / "runs").iterdir()
        return run, [path for path, _, _ in services.asked]


def test_a_chosen_source_is_cited_with_its_own_fields_and_nothing_else_enters(online):
    run, asked = online
    assert {path.split("/")[1] for path in asked} == {"semanticscholar"}
    bibliography = Library.read(run / "latex/references.bib")
    assert bibliography.keys == ("dunnett1955", "cunningham2023sparse")
    assert bibliography.sources["cunningham2023sparse"].title == scholars.SPARSE["title"]
    assert len(asked) == 2  # the paper's title and the model's search


def test_a_user_s_paper_reached_the_prompts_and_its_text_is_kept(online):
    run, _ = online
    assert "sparse codes of adjacent tokens" in (run / "literature/paper_1.txt").read_text()
    prompts = [path.read_text() for path in (run / "calls").iterdir()]
    assert sum(SUMMARY in prompt and "<data name" in prompt for prompt in prompts) >= 3


@pytest.mark.parametrize("file", ["sources/citable.jsonl", "latex/references.bib"])
def test_an_audit_finds_a_source_that_was_changed_afterwards(online, tmp_path, file):
    copy = shutil.copytree(online[0], tmp_path / "copy")
    assert verify(copy).errors == 0
    path = copy / file
    path.write_text(path.read_text().replace("Cunningham", "Cunninghat"))
    assert ("tampered", file) in {(finding.code, finding.where) for finding in verify(copy).findings}


def test_an_audit_finds_an_entry_that_no_source_gave(online, tmp_path):
    """Somebody who can write every file, the journal's hashes too, still needs a frozen record."""
    copy = shutil.copytree(online[0], tmp_path / "copy")
    path = copy / "latex/references.bib"
    assert list(_uncitable(copy, "sources/citable.jsonl")) == []
    path.write_text(path.read_text() + "@misc{made2026up, author={Up, Made}, title={Made Up}, year={2026}}\n")
    (finding,) = _uncitable(copy, "sources/citable.jsonl")
    assert (finding.code, "made2026up" in finding.message) == ("uncitable", True)


def test_a_wrong_service_or_folder_is_refused_before_anything_is_begun(launch, tmp_path):
    idea = QUICK / "quick_momentum.json"
    for flag, value in (("--scholar", "scopus"), ("--literature", tmp_path / "nowhere")):
        done = launch("--idea", idea, "--runs", tmp_path / "runs", flag, value)
        assert (done.returncode, flag in done.stderr) == (2, True)
    assert not (tmp_path / "runs").exists()
