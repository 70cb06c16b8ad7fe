"""The one door to a model: every call of every stage, the coder's included, passes `Gateway.complete`.

A call that the journal already holds, with the same request, is answered from the idea folder: a resumed idea
asks nobody twice, and pays nobody twice. Budgets are checked before each try, and each call leaves one event.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from orchestrator.errors import BudgetReached, ModelUnavailable
from orchestrator.models.calls import (
    Call,
    Fault,
    Outcome,
    Provider,
    request_text,
    sha256_of,
    worst_case,
)
from orchestrator.models.keys import Keys
from orchestrator.models.ledger import Ledger
from orchestrator.models.retry import Patience
from orchestrator.outside import Answer, Request
from orchestrator.workspace import Workspace

DETAIL_CHARS = 400
REPORTED = {"input_tokens", "cached_tokens", "output_tokens", "cost_usd", "estimated"}


@dataclass
class Tally:
    """How a call has gone so far."""

    started: float
    tries: int = 0
    lost: int = 0


class Gateway:
    """Implements `protocols.LanguageModel` over one provider."""

    def __init__(
        self,
        provider: Provider,
        workspace: Workspace,
        ledger: Ledger | None = None,
        patience: Patience | None = None,
        keys: Keys | None = None,
    ) -> None:
        """Without a `ledger` there is no limit; `keys` are taken out of all texts that are kept or shown."""
        self._provider = provider
        self._workspace = workspace
        self._ledger = ledger
        self._patience = patience or Patience()
        self._keys = keys or Keys({})

    def complete(self, request: Request) -> Answer:
        """Answer `request` from the folder or from the provider, and journal the call.

        Raises ModelUnavailable, which names provider, model and what to do; BudgetReached where that is the reason.
        """
        request = self._without_keys(request)
        text = request_text(request)
        known = self._known(_key(request), sha256_of(text))
        if known is not None:
            return known
        tally = Tally(time.monotonic())
        try:
            answer = self._patience.insist(lambda: self._try(request, tally))
        except ModelUnavailable as error:
            self._fail(request, text, tally, error)
            raise
        except KeyboardInterrupt:
            self._journal(request, text, tally, outcome="interrupted")
            raise
        return self._keep(request, text, tally, answer)

    def _without_keys(self, request: Request) -> Request:
        # Not only what is kept: a prompt may hold what a program printed, and goes to a provider or into a mailbox.
        messages = [m.model_copy(update={"content": self._keys.scrub(m.content)}) for m in request.messages]
        return request.model_copy(update={"messages": tuple(messages)})

    def _known(self, key: str, sha256: str) -> Answer | None:
        for event in reversed(self._workspace.journal.events):
            if event.kind == "call" and event.step == key:
                call = Call.model_validate(event.data)
                if call.request == sha256 and call.answer:
                    return Answer.model_validate_json(self._workspace.read(f"calls/{call.answer}.json"))
        return None

    def _try(self, request: Request, tally: Tally) -> Answer:
        if self._ledger is not None:
            self._ledger.check(request, self._provider.terms(request.stage), tally.tries, tally.lost)
        tally.tries += 1
        try:
            return self._provider.answer(request)
        except Fault as fault:
            tally.lost += fault.lost
            raise
        except KeyboardInterrupt:
            tally.lost += 1
            raise

    def _keep(self, request: Request, text: str, tally: Tally, answer: Answer) -> Answer:
        terms = self._provider.terms(request.stage)
        cost = terms.price.cost_usd(answer) if terms.price is not None else None
        answer = answer.model_copy(update={"text": self._keys.scrub(answer.text), "cost_usd": cost})
        kept = self._keep_text(answer.model_dump_json(indent=1))
        outcome: Outcome = "truncated" if answer.truncated else "answered"
        numbers = answer.model_dump(include=REPORTED)
        self._journal(request, text, tally, outcome=outcome, model=answer.model, answer=kept, **numbers)
        return answer

    def _fail(self, request: Request, text: str, tally: Tally, error: ModelUnavailable) -> None:
        message = self._keys.scrub(str(error))
        outcome: Outcome = "budget" if isinstance(error, BudgetReached) else "unanswered"
        if isinstance(error, Fault):
            outcome = error.outcome
        if tally.tries > 1:
            message += f" (gave up after {tally.tries} tries in {time.monotonic() - tally.started:.0f} s)"
        error.args = (message,)
        self._journal(request, text, tally, outcome=outcome, detail=message[:DETAIL_CHARS])

    def _journal(self, request: Request, text: str, tally: Tally, **fields: object) -> None:
        terms = self._provider.terms(request.stage)
        worst = worst_case(request)
        lost = tally.lost if terms.metered else 0
        call = {
            "stage": request.stage,
            "attempt": request.attempt,
            "request": self._keep_text(text),
            "provider": terms.provider,
            "model": terms.model,
            "tries": tally.tries,
            "lost_tokens": lost * (worst.input_tokens + worst.output_tokens),
            "lost_usd": lost * terms.price.cost_usd(worst) if terms.price is not None else None,
            "latency_s": round(time.monotonic() - tally.started, 3),
        }
        self._workspace.journal.append("call", _key(request), Call.model_validate(call | fields))

    def _keep_text(self, content: str) -> str:
        digest = sha256_of(content)
        return self._workspace.write(f"calls/{digest}.json", content)


def _key(request: Request) -> str:
    return f"{request.stage}/{request.step}/{request.attempt}"
