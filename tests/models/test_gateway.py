"""The one door: answered once, journaled, and never asked again for the same request."""

import json

import pytest

from orchestrator.errors import BadInput, ModelUnavailable
from orchestrator.models.gateway import Call, Gateway
from orchestrator.models.replay import Replay
from orchestrator.models.session import SessionEntry, SessionHeader, pack, read_session, unpack, write_session
from orchestrator.records import Answer, Message, Request
from orchestrator.workspace import Workspace

HEADER = SessionHeader(kind="scripted", idea="i", model="none", date="2026-01-01")


def request(text="hello", attempt=0):
    return Request(stage="plan", step="", attempt=attempt, messages=(Message(role="user", content=text),))


class Counting:
    """A provider that numbers its answers."""

    def __init__(self):
        self.asked = 0

    def answer(self, request):
        self.asked += 1
        return Answer(text=f"answer {self.asked}", model="counting", input_tokens=7, output_tokens=2)


@pytest.fixture
def workspace(tmp_path):
    made = Workspace.create(tmp_path, "idea")
    yield made
    made.journal.close()


def test_the_same_request_is_paid_once_even_after_a_restart(workspace):
    provider = Counting()
    first = Gateway(provider, workspace).complete(request())
    again = Gateway(provider, workspace).complete(request())
    assert first == again
    assert provider.asked == 1


def test_a_changed_request_is_asked_anew(workspace):
    provider = Counting()
    gateway = Gateway(provider, workspace)
    gateway.complete(request("one"))
    assert gateway.complete(request("two")).text == "answer 2"


def test_every_call_is_journaled_with_its_texts(workspace):
    Gateway(Counting(), workspace).complete(request("what?"))
    call = workspace.journal.find("call", "plan//0", Call)
    assert (call.stage, call.input_tokens, call.output_tokens) == ("plan", 7, 2)
    kept = json.loads(workspace.read(f"calls/{call.request}.json"))
    assert kept["messages"][0]["content"] == "what?"
    assert json.loads(workspace.read(f"calls/{call.answer}.json"))["text"] == "answer 1"


def test_replay_finds_by_stage_step_and_attempt(tmp_path):
    path = tmp_path / "s.jsonl"
    write_session(path, HEADER, [SessionEntry(stage="plan", step="", attempt=1, answer="second")])
    assert Replay(path).answer(request("whatever was asked", attempt=1)).text == "second"
    with pytest.raises(ModelUnavailable, match="no answer for stage 'plan'"):
        Replay(path).answer(request())


def test_a_broken_session_names_its_line(tmp_path):
    path = tmp_path / "s.jsonl"
    write_session(path, HEADER, [SessionEntry(stage="plan", step="", attempt=0, answer="x")])
    path.write_text(path.read_text() + '{"stage": "plan"}\n')
    with pytest.raises(BadInput, match=r"s\.jsonl:3: step"):
        Replay(path)
    path.write_text("")
    with pytest.raises(BadInput, match=r"s\.jsonl:1"):
        Replay(path)


def test_a_session_survives_unpacking_and_packing(tmp_path):
    entries = [
        SessionEntry(stage="edit", step="run_1.2", attempt=0, answer="a\n```\nb\n"),
        SessionEntry(stage="plan", step="", attempt=0, answer="{}"),
    ]
    write_session(tmp_path / "a.jsonl", HEADER, entries)
    unpack(tmp_path / "a.jsonl", tmp_path / "folder")
    pack(tmp_path / "folder", tmp_path / "b.jsonl")
    assert read_session(tmp_path / "b.jsonl") == (HEADER, entries)
