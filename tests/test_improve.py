"""`--improve`: one revision of each section after the review, through all the checks again."""

import json
import shutil

import pytest

from orchestrator.models.recording import record
from orchestrator.models.session import pack, unpack
from orchestrator.workspace import Workspace


@pytest.fixture
def reviewed(quick_run, tmp_path):
    """A finished run, with answers for a revision of every section in its session."""
    folder = shutil.copytree(quick_run, tmp_path / "run")
    workspace = Workspace(folder)
    record(workspace, tmp_path / "session.jsonl")
    workspace.journal.close()
    unpack(tmp_path / "session.jsonl", tmp_path / "answers")
    sections = {path.name.split("__")[1]: path for path in (tmp_path / "answers").glob("write__*")}
    for name in sections:
        last = sorted((tmp_path / "answers").glob(f"write__{name}__*.md"))[-1].read_text()
        (tmp_path / "answers" / f"write__{name}.revised__0.md").write_text(last)
    worse = (tmp_path / "answers" / "write__conclusion.revised__0.md").read_text()
    end = worse.rindex("```")
    bad = worse[:end] + "Momentum is 37.5\\% better than the baseline.\n" + worse[end:]
    (tmp_path / "answers" / "write__conclusion.revised__0.md").write_text(bad)
    better = worse[:end] + "The question stays open for other problems.\n" + worse[end:]
    (tmp_path / "answers" / "write__conclusion.revised__1.md").write_text(better)
    pack(tmp_path / "answers", folder / "session.jsonl")
    return folder


def test_a_paper_is_revised_once_and_every_check_holds_again(reviewed, launch):
    done = launch("resume", reviewed, "--improve")
    assert done.returncode == 0, done.stderr
    assert "sent back" in done.stderr
    assert "audit: 0 errors" in done.stdout
    paper = (reviewed / "latex" / "paper.tex").read_text()
    assert "stays open for other problems" in paper
    assert "37.5" not in paper
    events = [json.loads(line) for line in (reviewed / "journal.jsonl").read_text().splitlines()]
    assert sum(event["kind"] == "revise" for event in events) == 8
    before = len(events)
    again = launch("resume", reviewed, "--improve")
    assert again.returncode == 0, again.stderr
    assert len((reviewed / "journal.jsonl").read_text().splitlines()) == before
