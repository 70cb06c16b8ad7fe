"""Budgets fail closed, and survive the process that spent."""

import pytest

from orchestrator.errors import BadInput, BudgetReached
from orchestrator.journal import Journal
from orchestrator.models.calls import Call, Price, Terms
from orchestrator.models.ledger import Budgets, Ledger, Opened, StageCost, check_terms, cost
from tests.models.conftest import ask

# One USD a token, so that money reads like tokens. A request of "what?" is at most 11 + 100 tokens.
TERMS = Terms(provider="openai", model="m", price=Price(input=1e6, output=1e6, cached=1e6, cache_write=1e6))
UNKNOWN = Terms(provider="openai", model="m")
WORST = 111


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "journal.jsonl")
    yield made
    made.close()


def called(journal, stage="plan", **fields):
    values = {"stage": stage, "attempt": 0, "request": "r", "answer": "a", "model": "m", "latency_s": 1.0, **fields}
    journal.append("call", f"{stage}//0", Call.model_validate(values))


def refused(journal, budgets, stage="plan", terms=TERMS):
    try:
        Ledger(journal, budgets).check(ask(stage=stage), terms)
    except BudgetReached as reached:
        return str(reached)
    return ""


def budgets(**limits):
    return Budgets.model_validate({"usd": None, "reserve": 0, **limits})


@pytest.mark.parametrize(
    ("flag", "used"),
    [
        ("usd", {"cost_usd": 50.0}),
        ("tokens", {"input_tokens": 20, "output_tokens": 30}),
        ("usd", {"lost_usd": 50.0}),
        ("tokens", {"lost_tokens": 50}),
    ],
)
def test_the_worst_case_of_the_next_call_has_to_fit(flag, used, journal):
    called(journal, **used)
    assert refused(journal, budgets(**{flag: 50 + WORST})) == ""
    assert f"raise --budget-{flag}" in refused(journal, budgets(**{flag: 49 + WORST}))


def test_calls_count_every_try(journal):
    called(journal, tries=3)
    assert refused(journal, budgets(calls=4)) == ""
    assert "3 of 3 calls used" in refused(journal, budgets(calls=3))
    with pytest.raises(BudgetReached):
        Ledger(journal, budgets(calls=4)).check(ask(), TERMS, tries=1)


def test_the_default_budget_is_five_dollars(journal):
    assert Budgets().usd == 5.0
    assert "of 5.00 usd" in refused(journal, Budgets())


def test_a_share_is_kept_for_the_paper(journal):
    limits = budgets(tokens=2 * WORST, reserve=0.4)
    called(journal, input_tokens=WORST)
    with pytest.raises(BudgetReached, match="89 of it kept for the paper") as caught:
        Ledger(journal, limits).check(ask(stage="edit"), TERMS)
    assert caught.value.reserve_left
    for stage in ("plot", "write", "cite"):
        assert refused(journal, limits, stage) == ""
    called(journal, input_tokens=1)
    with pytest.raises(BudgetReached) as caught:
        Ledger(journal, limits).check(ask(stage="write"), TERMS)
    assert not caught.value.reserve_left


def test_hours_of_earlier_processes_count_and_the_time_between_them_does_not(journal):
    def event(kind, at):
        journal.append(kind, "", Opened(budgets=budgets(), prices=""))
        journal.events[-1] = journal.events[-1].model_copy(update={"at": f"2026-01-01T{at}+00:00"})

    for kind, at in (("budget", "10:00:00"), ("call-like", "11:00:00"), ("budget", "20:00:00"), ("x", "20:30:00")):
        event(kind, at)
    assert refused(journal, budgets(hours=1.6)) == ""
    assert "1.50 of 1.40 hours used" in refused(journal, budgets(hours=1.4))


def test_what_a_process_may_spend_is_written_down_once(journal):
    ledger = Ledger(journal, budgets(calls=9), "a table")
    ledger.check(ask(), TERMS)
    ledger.check(ask(), TERMS)
    (opened,) = journal.all("budget", Opened)
    assert (opened.budgets.calls, opened.prices) == (9, "a table")


def test_a_provider_that_is_not_metered_uses_calls_and_no_money(journal):
    person = Terms(provider="mailbox", model="", metered=False)
    assert refused(journal, budgets(tokens=1, usd=0.01), terms=person) == ""
    called(journal)
    assert "raise --budget-calls" in refused(journal, budgets(calls=1), terms=person)


@pytest.mark.parametrize("limits", [{"usd": 5.0}, {}, {"hours": 1.0}, {"usd": 5.0, "tokens": 9}])
def test_an_unknown_price_is_refused_at_the_start(limits):
    with pytest.raises(BadInput, match=r"openai/m: .*--price IN,OUT.*--budget-usd none with --budget-tokens"):
        check_terms([UNKNOWN], budgets(**limits))


@pytest.mark.parametrize("limits", [{"tokens": 9}, {"calls": 9}])
def test_an_unknown_price_goes_with_another_budget(limits, journal):
    check_terms([UNKNOWN], budgets(**limits))
    assert refused(journal, budgets(**limits | {"tokens": 500}), terms=UNKNOWN) == ""


def test_a_known_price_goes_with_dollars():
    check_terms([TERMS], Budgets())


def test_cost_adds_up_by_stage(journal):
    called(journal, "plan", input_tokens=10, cached_tokens=4, output_tokens=5, cost_usd=0.5, tries=2, lost_usd=0.25)
    called(journal, "edit", input_tokens=1, output_tokens=2, cost_usd=0.125)
    called(journal, "plan", input_tokens=1, output_tokens=1, cost_usd=0.125, lost_tokens=7)
    total = cost(journal)
    assert (total.input_tokens, total.cached_tokens, total.output_tokens, total.calls) == (12, 4, 8, 4)
    assert total.cost_usd == 1.0
    keys = ["input_tokens", "cached_tokens", "output_tokens", "calls", "cost_usd"]
    assert list(total.model_dump()) == [*keys, "by_stage"]
    assert list(total.model_dump()["by_stage"]["edit"]) == keys
    assert list(total.by_stage) == ["plan", "edit"]
    assert total.by_stage["edit"] == StageCost(input_tokens=1, output_tokens=2, calls=1, cost_usd=0.125)


def test_a_cost_with_an_unknown_price_in_it_is_unknown(journal):
    called(journal, "plan", cost_usd=None, lost_usd=None)
    called(journal, "edit", cost_usd=1.0)
    total = cost(journal)
    assert (total.cost_usd, total.by_stage["plan"].cost_usd, total.by_stage["edit"].cost_usd) == (None, None, 1.0)


def test_nothing_asked_costs_nothing(journal):
    assert (cost(journal).cost_usd, cost(journal).calls, cost(journal).by_stage) == (0, 0, {})


def test_a_call_of_an_older_journal_is_still_counted(journal):
    old = {
        "stage": "plan",
        "attempt": 0,
        "request": "r",
        "answer": "a",
        "model": "m",
        "input_tokens": 3,
        "cached_tokens": 0,
        "output_tokens": 4,
        "cost_usd": 0.5,
        "latency_s": 1.0,
    }
    journal.append("call", "plan//0", Call.model_validate(old))
    assert (cost(journal).calls, cost(journal).cost_usd) == (1, 0.5)
