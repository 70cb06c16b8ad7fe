"""The one door to a model: every call of every stage, the coder's included, passes `Gateway.complete`.

A call that the journal already holds, with the same request, is answered from the idea folder: a resumed idea
asks nobody twice, and pays nobody twice.
"""

from __future__ import annotations

import hashlib
import time
from typing import Protocol

from orchestrator.records import Answer, Record, Request
from orchestrator.workspace import Workspace


class Provider(Protocol):
    """Somebody who can answer a request."""

    def answer(self, request: Request) -> Answer:
        """Answer `request`; raises ModelUnavailable where that cannot be."""
        ...


class Call(Record):
    """What the journal keeps of a model call. The texts lie in calls/ under their SHA-256."""

    stage: str
    attempt: int
    request: str
    answer: str
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float
    latency_s: float


class Gateway:
    """Implements `protocols.LanguageModel` over one provider."""

    def __init__(self, provider: Provider, workspace: Workspace) -> None:
        self._provider = provider
        self._workspace = workspace

    def complete(self, request: Request) -> Answer:
        """Answer `request` from the folder or from the provider, and journal the call."""
        text = request.model_dump_json(indent=1)
        key = f"{request.stage}/{request.step}/{request.attempt}"
        known = self._workspace.journal.find("call", key, Call)
        if known is not None and known.request == hashlib.sha256(text.encode()).hexdigest():
            return Answer.model_validate_json(self._workspace.read(f"calls/{known.answer}.json"))
        started = time.monotonic()
        answer = self._provider.answer(request)
        self._workspace.journal.append("call", key, self._keep(request, text, answer, time.monotonic() - started))
        return answer

    def _keep(self, request: Request, text: str, answer: Answer, latency_s: float) -> Call:
        kept = [self._keep_text(content) for content in (text, answer.model_dump_json(indent=1))]
        return Call(
            stage=request.stage,
            attempt=request.attempt,
            request=kept[0],
            answer=kept[1],
            latency_s=round(latency_s, 3),
            **answer.model_dump(include={"model", "input_tokens", "cached_tokens", "output_tokens", "cost_usd"}),
        )

    def _keep_text(self, content: str) -> str:
        digest = hashlib.sha256(content.encode()).hexdigest()
        return self._workspace.write(f"calls/{digest}.json", content)
