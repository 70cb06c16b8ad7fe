"""What chat completions are sent."""

import pytest

from orchestrator.models.calls import Fault
from orchestrator.models.live import Endpoint
from orchestrator.models.openai import BASE_URL, OpenAIWire
from orchestrator.outside import Message
from tests.models.conftest import KEY, ask, open_at, raw


def test_messages_go_as_they_are(server, imported):
    turns = (Message(role="system", content="You are"), Message(role="user", content="Plan"))
    provider = open_at("openai", server.url)
    provider.answer(ask(messages=turns))
    path, headers, body = server.seen[-1]
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body == {
        "model": "model-x",
        "max_tokens": 100,
        "messages": [{"role": "system", "content": "You are"}, {"role": "user", "content": "Plan"}],
    }


def test_the_limit_has_another_name_at_openai_itself():
    terms = open_at("openai", "http://127.0.0.1:9").terms("plan")
    wire = OpenAIWire(Endpoint(terms=terms, base_url=BASE_URL), KEY)
    assert wire.limit(ask()) == {"max_completion_tokens": 100}
    elsewhere = OpenAIWire(Endpoint(terms=terms, base_url="http://127.0.0.1:9/v1"), KEY)
    assert elsewhere.limit(ask()) == {"max_tokens": 100}


def test_an_answer_without_a_choice_is_empty(server, imported):
    server.turns = [raw(b'{"choices": [], "model": null}')]
    with pytest.raises(Fault) as caught:
        open_at("openai", server.url).answer(ask())
    assert (caught.value.outcome, caught.value.again, caught.value.lost) == ("empty", True, True)
