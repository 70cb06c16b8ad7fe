"""What the Messages API is sent."""

from orchestrator.outside import Message
from tests.models.conftest import KEY, ask, open_at

BREAK = {"type": "ephemeral"}


def sent(server, *messages):
    turns = tuple(Message(role=role, content=content) for role, content in messages)
    open_at("anthropic", server.url).answer(ask(messages=turns))
    return server.seen[-1]


def test_the_stable_prefix_ends_in_cache_breakpoints(server, imported):
    path, headers, body = sent(server, ("system", "You are"), ("user", "Plan"), ("assistant", "{"), ("user", "Not so"))
    assert path == "/v1/messages"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["max_tokens"]) == ("model-x", 100)
    assert body["system"] == [{"type": "text", "text": "You are", "cache_control": BREAK}]
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    blocks = [turn["content"][0] for turn in body["messages"]]
    assert [block.get("cache_control") for block in blocks] == [BREAK, None, None]
    assert [block["text"] for block in blocks] == ["Plan", "{", "Not so"]


def test_a_later_system_message_keeps_its_place(server, imported):
    body = sent(server, ("system", "a"), ("system", "b"), ("user", "c"), ("system", "d"))[2]
    assert [block["text"] for block in body["system"]] == ["a", "b"]
    assert [(turn["role"], turn["content"][0]["text"]) for turn in body["messages"]] == [("user", "c"), ("user", "d")]


def test_empty_messages_are_not_sent_since_the_api_refuses_them(server, imported):
    body = sent(server, ("user", "a"), ("assistant", " "), ("user", "b"))[2]
    assert [turn["content"][0]["text"] for turn in body["messages"]] == ["a", "b"]
    assert "system" not in body


def test_the_environment_changes_neither_key_nor_address(server, imported, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "another")
    assert sent(server, ("user", "a"))[1]["authorization"] == f"Bearer {KEY}"
