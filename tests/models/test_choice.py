"""From --model to a provider."""

import pytest

from orchestrator.errors import BadInput
from orchestrator.models.calls import FREE
from orchestrator.models.choice import Desk, open_all, open_choice, parse_choice, require_key, terms_of
from orchestrator.models.keys import Keys
from orchestrator.models.mailbox import Mailbox
from orchestrator.models.replay import Replay
from tests.conftest import QUICK
from tests.models.conftest import ask

NO_KEYS = Keys({})


@pytest.fixture
def desk(tmp_path):
    return Desk(folder=tmp_path, session=QUICK / "quick_momentum.session.jsonl")


def quiet(_line):
    """Nobody is at the terminal."""


def test_a_live_model_is_named_with_its_list_price():
    choice = parse_choice("anthropic/claude-sonnet-4-5")
    assert choice.live
    assert terms_of(choice).label == "anthropic/claude-sonnet-4-5"
    assert terms_of(choice).price.output == 15


def test_a_price_of_the_users_wins_and_an_endpoint_of_its_own_has_none():
    assert parse_choice("openai/gpt-4o", price="0,0").price.output == 0
    assert parse_choice("openai/gpt-4o", "http://127.0.0.1:8000/v1").price is None
    assert parse_choice("openai/org/model:tag", "http://127.0.0.1:8000/v1").name == "org/model:tag"


@pytest.mark.parametrize(
    "arguments",
    [
        ("gpt-4o",),
        ("openai/",),
        ("mistral/x",),
        ("",),
        ("mailbox:x",),
        ("replayed",),
        ("mailbox", "http://a/b"),
        ("replay", "", "1,2"),
        ("openai/m", "127.0.0.1:8000"),
        ("openai/m", "file:///etc"),
    ],
)
def test_anything_else_is_refused_with_what_there_is(arguments):
    with pytest.raises(BadInput, match=r"--model|--base-url"):
        parse_choice(*arguments)


def test_mailbox_and_replay_cost_nothing(desk):
    assert isinstance(open_choice(parse_choice("mailbox"), desk, NO_KEYS, quiet), Mailbox)
    assert isinstance(open_choice(parse_choice("replay"), desk, NO_KEYS, quiet), Replay)
    assert parse_choice("replay:a/b.jsonl").name == "a/b.jsonl"
    for model in ("mailbox", "replay"):
        assert (terms_of(parse_choice(model)).price, terms_of(parse_choice(model)).metered) == (FREE, False)


def test_a_missing_key_is_named_where_one_is_needed(desk):
    with pytest.raises(BadInput, match="set ANTHROPIC_API_KEY, or write it into a --key-file"):
        open_choice(parse_choice("anthropic/claude-sonnet-4-5"), desk, NO_KEYS, quiet)
    assert require_key(parse_choice("openai/m", "http://127.0.0.1:1/v1"), NO_KEYS) == "none"
    assert require_key(parse_choice("openai/m"), Keys({"OPENAI_API_KEY": "k"})) == "k"


def test_each_role_may_have_a_model_of_its_own(server, desk, imported):
    writer = parse_choice("openai/writer", f"{server.url}/v1", "1,2")
    provider = open_all(parse_choice("replay"), {"writing": writer}, desk, NO_KEYS, quiet)
    assert provider.terms("write").label == "openai/writer"
    assert provider.terms("plan").label == "replay"
    assert provider.answer(ask(stage="write")).text == "hello"
    assert provider.answer(ask(stage="cite")).model == "model-x-1"
    assert provider.answer(ask(stage="plan")).model == "replay:scripted"
    assert [body["model"] for _, _, body in server.seen] == ["writer", "writer"]


def test_an_unknown_role_is_refused(desk):
    with pytest.raises(BadInput, match="no such role: poetry; there are: planning"):
        open_all(parse_choice("replay"), {"poetry": parse_choice("mailbox")}, desk, NO_KEYS, quiet)
