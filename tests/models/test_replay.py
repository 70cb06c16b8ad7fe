"""Answers from a session file."""

import pytest

from orchestrator.errors import BadInput, ModelUnavailable
from orchestrator.models.replay import Replay
from orchestrator.models.session import SessionEntry, SessionHeader, write_session
from tests.models.conftest import ask

HEADER = SessionHeader(kind="scripted", idea="i", model="none", date="2026-01-01")


def test_replay_finds_by_stage_step_and_attempt(tmp_path):
    path = tmp_path / "s.jsonl"
    write_session(path, HEADER, [SessionEntry(stage="plan", step="", attempt=1, answer="second")])
    answer = Replay(path).answer(ask("whatever was asked", attempt=1))
    assert (answer.text, answer.model) == ("second", "replay:scripted")
    with pytest.raises(ModelUnavailable, match="no answer for stage 'plan'"):
        Replay(path).answer(ask())


def test_a_broken_session_names_its_line(tmp_path):
    path = tmp_path / "s.jsonl"
    write_session(path, HEADER, [SessionEntry(stage="plan", step="", attempt=0, answer="x")])
    path.write_text(path.read_text() + '{"stage": "plan"}\n')
    with pytest.raises(BadInput, match=r"s\.jsonl:3: step"):
        Replay(path)
    path.write_text("")
    with pytest.raises(BadInput, match=r"s\.jsonl:1"):
        Replay(path)
