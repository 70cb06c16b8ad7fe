"""Budgets, and what a run has cost: read off the journal, so that a resumed idea counts what it spent before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import Field

from orchestrator.errors import BadInput, BudgetReached
from orchestrator.journal import Journal
from orchestrator.models.calls import Call, Terms, worst_case
from orchestrator.outside import Request
from orchestrator.records import Record

# These stages turn what is there into a paper; they may use up what the others have to leave.
PAPER_STAGES = frozenset({"plot", "search", "write", "cite", "compile", "review"})


class Budgets(Record):
    """What an idea may use; None is no limit. `reserve` is the share that is kept for the paper."""

    usd: float | None = Field(default=5.0, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    calls: int | None = Field(default=None, gt=0)
    hours: float | None = Field(default=None, gt=0)
    reserve: float = Field(default=0.2, ge=0, lt=1)


class Opened(Record):
    """Journal event `budget`: a process began to spend. `prices` says where the prices come from."""

    budgets: Budgets
    prices: str


class Use(NamedTuple):
    """What was or would be used, in the units of the flags."""

    usd: float
    tokens: int
    calls: int
    hours: float


class StageCost(Record):
    """Tokens and money of one stage. `input_tokens` includes the cached ones; `calls` counts requests, retries too.

    In `cost_usd` a try whose answer was lost stands at its worst case; it is None where a price is unknown.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    cost_usd: float | None = 0.0


class Cost(StageCost):
    """Tokens and money of a whole idea, and of each stage."""

    by_stage: dict[str, StageCost]


class Ledger:
    """Refuses a call that could pass a budget."""

    def __init__(self, journal: Journal, budgets: Budgets, prices: str = "") -> None:
        """`prices` names the source of the prices; it goes into the journal with the budgets, at the first call."""
        self._journal = journal
        self._budgets = budgets
        self._prices = prices
        self._open = False

    def check(self, request: Request, terms: Terms, tries: int = 0, lost: int = 0) -> None:
        """Raise BudgetReached if one more try of `request`, at its longest, could pass a budget.

        Of this call's `tries` so far, `lost` are counted as if they had been billed. An unknown price counts no money:
        `check_terms` has made sure that another budget holds then.
        """
        if not self._open:
            self._journal.append("budget", "", Opened(budgets=self._budgets, prices=self._prices))
            self._open = True
        spent, next_call = _spent(self._journal), _worst(request, terms)
        for flag, limit in _limits(self._budgets):
            used = getattr(spent, flag) + (tries if flag == "calls" else lost) * getattr(next_call, flag)
            wanted = used + getattr(next_call, flag)
            reserved = 0.0 if request.stage in PAPER_STAGES else limit * self._budgets.reserve
            if wanted > limit - reserved:
                # Hours are known only afterwards; the others are refused before they are spent.
                raise BudgetReached(_refusal(flag, used, limit, reserved), reserve_left=wanted <= limit)


def check_terms(terms: Iterable[Terms], budgets: Budgets) -> None:
    """Raise BadInput where a model's price is unknown and no budget would hold without it."""
    for model in terms:
        if model.price is None and (budgets.usd is not None or not (budgets.tokens or budgets.calls)):
            raise BadInput(
                f"{model.label}: its price is unknown, so a budget in USD can't hold; give the price with "
                "--price IN,OUT (USD per million tokens; 0,0 for a local model), or use --budget-usd none with "
                "--budget-tokens N or --budget-calls N"
            )


def cost(journal: Journal) -> Cost:
    """Return what the model calls in `journal` used, as a whole and by stage in the order of their first calls."""
    calls = journal.all("call", Call)
    stages = dict.fromkeys(call.stage for call in calls)
    by_stage = {stage: _sum([call for call in calls if call.stage == stage]) for stage in stages}
    return Cost(**_sum(calls).model_dump(), by_stage=by_stage)


def _sum(calls: list[Call]) -> StageCost:
    prices = [price for call in calls for price in (call.cost_usd, call.lost_usd) if call.tries]
    known = [price for price in prices if price is not None]
    return StageCost(
        input_tokens=sum(call.input_tokens for call in calls),
        cached_tokens=sum(call.cached_tokens for call in calls),
        output_tokens=sum(call.output_tokens for call in calls),
        calls=sum(call.tries for call in calls),
        cost_usd=round(sum(known), 6) if len(known) == len(prices) else None,
    )


def _spent(journal: Journal) -> Use:
    calls = journal.all("call", Call)
    known = [price for call in calls for price in (call.cost_usd, call.lost_usd) if price is not None]
    tokens = sum(call.input_tokens + call.output_tokens + call.lost_tokens for call in calls)
    return Use(usd=sum(known), tokens=tokens, calls=sum(call.tries for call in calls), hours=_hours(journal))


def _worst(request: Request, terms: Terms) -> Use:
    if not terms.metered:
        return Use(usd=0.0, tokens=0, calls=1, hours=0.0)
    worst = worst_case(request)
    usd = terms.price.cost_usd(worst) if terms.price is not None else 0.0
    return Use(usd=usd, tokens=worst.input_tokens + worst.output_tokens, calls=1, hours=0.0)


def _hours(journal: Journal) -> float:
    """Return the hours in which processes worked: each from its `budget` event to its last event, this one to now."""
    total = 0.0
    begun = before = None
    for event in journal.events:
        at = datetime.fromisoformat(event.at)
        if event.kind == "budget":
            if begun is not None and before is not None:
                total += (before - begun).total_seconds()
            begun = at
        before = at
    if begun is not None:
        total += (datetime.now(UTC) - begun).total_seconds()
    return total / 3600


def _limits(budgets: Budgets) -> list[tuple[str, float]]:
    named = {flag: getattr(budgets, flag) for flag in Use._fields}
    return [(flag, float(limit)) for flag, limit in named.items() if limit is not None]


def _refusal(flag: str, used: float, limit: float, reserved: float) -> str:
    digits = {"usd": 2, "hours": 2}.get(flag, 0)
    kept = f", {reserved:.{digits}f} of it kept for the paper" if reserved else ""
    return (
        f"budget reached: {used:.{digits}f} of {limit:.{digits}f} {flag} used{kept}, and the next call could pass it; "
        f"the work so far is recorded; raise --budget-{flag} to go on"
    )
