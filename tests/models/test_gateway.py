"""The one door: answered once, journaled, and never asked again for the same request."""

import json

import pytest

from orchestrator.errors import BudgetReached, ModelUnavailable
from orchestrator.models.calls import Call, Fault, Price, Terms
from orchestrator.models.gateway import Gateway
from orchestrator.models.keys import Keys
from orchestrator.models.ledger import Budgets, Ledger
from orchestrator.outside import Answer
from tests.models.conftest import HURRY, ask

KEY = 'a"secret-of-ours'
TERMS = Terms(provider="openai", model="m", price=Price(input=1, output=2, cached=1, cache_write=1))


class Counting:
    """A provider that numbers its answers, after raising what it is given."""

    def __init__(self, *errors, terms=TERMS):
        self.asked = []
        self.errors = list(errors)
        self._terms = terms

    def terms(self, stage):
        return self._terms

    def answer(self, request):
        self.asked.append(request)
        if self.errors:
            raise self.errors.pop(0)
        text = f"answer {len(self.asked)} to {request.messages[-1].content}"
        return Answer(text=text, model="counting", input_tokens=7, output_tokens=2)


def calls(workspace):
    return workspace.journal.all("call", Call)


def test_the_same_request_is_paid_once_even_after_a_restart(workspace):
    provider = Counting()
    first = Gateway(provider, workspace).complete(ask())
    again = Gateway(provider, workspace).complete(ask())
    assert first == again
    assert len(provider.asked) == len(calls(workspace)) == 1


def test_a_changed_request_is_asked_anew_and_the_first_one_is_still_known(workspace):
    provider = Counting()
    gateway = Gateway(provider, workspace)
    first = gateway.complete(ask("one"))
    assert gateway.complete(ask("two")).text == "answer 2 to two"
    assert gateway.complete(ask("one")) == first


def test_every_call_is_journaled_with_its_texts(workspace):
    Gateway(Counting(), workspace).complete(ask("what?"))
    call = workspace.journal.find("call", "plan//0", Call)
    assert (call.provider, call.model, call.outcome) == ("openai", "counting", "answered")
    assert (call.stage, call.input_tokens, call.output_tokens, call.cost_usd) == ("plan", 7, 2, 11e-6)
    kept = json.loads(workspace.read(f"calls/{call.request}.json"))
    assert kept["messages"][0]["content"] == "what?"
    assert json.loads(workspace.read(f"calls/{call.answer}.json"))["text"] == "answer 1 to what?"


def test_a_failed_call_is_one_event_and_is_asked_again_later(workspace):
    provider = Counting(ModelUnavailable("nobody is there"))
    with pytest.raises(ModelUnavailable, match="^nobody is there$"):
        Gateway(provider, workspace, patience=HURRY).complete(ask())
    (call,) = calls(workspace)
    assert (call.outcome, call.detail, call.answer, call.tries) == ("unanswered", "nobody is there", "", 1)
    assert Gateway(provider, workspace).complete(ask()).text == "answer 2 to what?"


def test_an_interrupted_call_is_journaled_as_if_it_had_been_billed(workspace):
    with pytest.raises(KeyboardInterrupt):
        Gateway(Counting(KeyboardInterrupt()), workspace).complete(ask())
    (call,) = calls(workspace)
    assert (call.outcome, call.tries) == ("interrupted", 1)
    assert call.lost_tokens > 100 and call.lost_usd > 100 * 2e-6


def test_an_unmetered_provider_loses_nothing(workspace):
    provider = Counting(KeyboardInterrupt(), terms=Terms(provider="mailbox", model="", metered=False))
    with pytest.raises(KeyboardInterrupt):
        Gateway(provider, workspace).complete(ask())
    assert calls(workspace)[0].lost_tokens == 0


def test_an_unknown_price_is_never_zero(workspace):
    answer = Gateway(Counting(terms=Terms(provider="openai", model="m")), workspace).complete(ask())
    assert answer.cost_usd is None
    assert calls(workspace)[0].cost_usd is None


def test_lost_tries_count_against_the_budget_before_the_next_try(workspace):
    def lost():
        return Fault("dropped", "gone", again=True, lost=True)

    provider = Counting(lost(), lost(), lost())
    ledger = Ledger(workspace.journal, Budgets(usd=None, tokens=250, reserve=0))
    with pytest.raises(BudgetReached, match="raise --budget-tokens"):
        Gateway(provider, workspace, ledger, HURRY).complete(ask())
    assert len(provider.asked) == 2
    (call,) = calls(workspace)
    assert (call.outcome, call.tries, call.lost_tokens) == ("budget", 2, 2 * 111)


def test_keys_are_neither_sent_nor_kept_nor_returned(workspace):
    provider = Counting()
    gateway = Gateway(provider, workspace, keys=Keys({"X_API_KEY": KEY}))
    answer = gateway.complete(ask(f"my key is {KEY}"))
    assert answer.text == "answer 1 to my key is [key removed]"
    assert KEY not in provider.asked[0].messages[0].content
    assert gateway.complete(ask(f"my key is {KEY}")) == answer
    kept = "".join(path.read_text() for path in workspace.root.rglob("*.json*"))
    assert "secret-of-ours" not in kept
    assert "[key removed]" in kept
