"""Sessions made of runs, and what tells that one is out of date."""

import pytest

from orchestrator.errors import BadInput
from orchestrator.models.calls import FREE, Terms
from orchestrator.models.gateway import Gateway
from orchestrator.models.keys import Keys
from orchestrator.models.recording import PROMPTS, SESSION, changed_prompts, drift, record
from orchestrator.models.replay import Replay
from orchestrator.models.session import SessionEntry, SessionHeader, write_session
from orchestrator.outside import Answer
from orchestrator.workspace import Workspace
from tests.models.conftest import ask

KEY = "sk-0123456789"


class Speaker:
    """A model that repeats what it was told, and knows a key."""

    def terms(self, stage):
        return Terms(provider="anthropic", model="m", price=FREE)

    def answer(self, request):
        return Answer(text=f"{request.messages[-1].content} {KEY}", model="m-2026", input_tokens=1, output_tokens=1)


@pytest.fixture
def folder(workspace):
    workspace.write("idea.json", '{"Name": "i", "Title": "t", "Experiment": "e", "template": "q"}')
    workspace.write("template.lock", "{}")
    return workspace


def asked(folder, *requests, provider=None):
    gateway = Gateway(provider or Speaker(), folder)
    for request in requests:
        gateway.complete(request)


def test_a_run_becomes_a_session_that_replays(folder, tmp_path):
    asked(folder, ask("one"), ask("two", stage="edit", step="run_1.1"), ask("three", stage="edit", step="run_1.1"))
    path = tmp_path / "new.jsonl"
    header = record(folder, path, Keys({"X_API_KEY": KEY}))
    assert (header.kind, header.model, header.idea) == ("recorded", "anthropic/m-2026", "i")
    assert len(header.template) == 64
    assert {"plan.md.j2", "edit.md.j2", "system.md.j2", "refused.md.j2"} <= header.prompts.keys()
    assert "cite.md.j2" not in header.prompts
    replay = Replay(path)
    assert replay.answer(ask("x", stage="edit", step="run_1.1")).text == "three [key removed]"
    assert KEY not in path.read_text()


def test_a_run_without_answers_gives_no_session(folder, tmp_path):
    with pytest.raises(BadInput, match="nothing to record"):
        record(folder, tmp_path / "new.jsonl")
    assert not (tmp_path / "new.jsonl").exists()


@pytest.mark.parametrize("kind", ["scripted", "recorded"])
def test_a_replayed_session_stays_what_it_was(kind, folder, tmp_path):
    header = SessionHeader(kind=kind, idea="i", model="somebody", date="2025-05-05")
    write_session(folder.path(SESSION), header, [SessionEntry(stage="plan", step="", attempt=0, answer="x")])
    asked(folder, ask(), provider=Replay(folder.path(SESSION)))
    again = record(folder, tmp_path / "again.jsonl")
    assert (again.kind, again.model, again.date) == (kind, "somebody", "2025-05-05")


def test_one_scripted_answer_makes_a_session_scripted(folder, tmp_path):
    header = SessionHeader(kind="scripted", idea="i", model="none", date="2025-05-05")
    write_session(folder.path(SESSION), header, [SessionEntry(stage="plan", step="", attempt=0, answer="x")])
    asked(folder, ask(), provider=Replay(folder.path(SESSION)))
    asked(folder, ask(stage="edit"))
    again = record(folder, tmp_path / "again.jsonl")
    assert (again.kind, again.model) == ("scripted", "anthropic/m-2026, none")


def test_prompts_that_drifted_are_counted(folder, tmp_path):
    asked(folder, ask("one"), ask("two", stage="edit"))
    path = tmp_path / "new.jsonl"
    record(folder, path)
    other = Workspace.create(tmp_path / "other", "idea")
    asked(other, ask("one"), ask("two, but not quite", stage="edit"), provider=Replay(path))
    counted = drift(other.journal, path)
    other.journal.close()
    assert (counted.compared, counted.drifted) == (2, 1)


def test_drift_is_unknown_for_answers_that_were_written_in_advance(folder):
    header = SessionHeader(kind="scripted", idea="i", model="none", date="2025-05-05")
    write_session(folder.path(SESSION), header, [SessionEntry(stage="plan", step="", attempt=0, answer="x")])
    asked(folder, ask(), provider=Replay(folder.path(SESSION)))
    assert drift(folder.journal, folder.path(SESSION)).compared == 0


def test_a_changed_prompt_is_named(folder, tmp_path):
    asked(folder, ask(), ask(stage="write", step="title"))
    header = record(folder, tmp_path / "new.jsonl")
    assert changed_prompts(header) == []
    copy = tmp_path / "prompts"
    for file in PROMPTS.rglob("*.j2"):
        target = copy / file.relative_to(PROMPTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.read_text())
    (copy / "plan.md.j2").write_text("another")
    (copy / "cite.md.j2").write_text("another, but this stage was never asked")
    (copy / "write" / "title.md.j2").unlink()
    (copy / "write" / "new.md.j2").write_text("new")
    assert changed_prompts(header, copy) == ["plan.md.j2", "write/new.md.j2", "write/title.md.j2"]
    assert changed_prompts(SessionHeader(kind="scripted", idea="i", model="", date=""), copy) == []
