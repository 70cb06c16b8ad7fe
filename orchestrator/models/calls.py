"""What the journal keeps of a model call, and how tokens are counted before a provider has counted them."""

from __future__ import annotations

import hashlib
import math
from typing import Literal, Protocol

from pydantic import Field

from orchestrator.errors import ModelUnavailable
from orchestrator.outside import Answer, Request
from orchestrator.records import Record

Outcome = Literal[
    "answered",
    "truncated",
    "rate-limited",
    "no-credit",
    "server-error",
    "unreachable",
    "dropped",
    "timed-out",
    "malformed",
    "empty",
    "key-refused",
    "unknown-model",
    "context-overflow",
    "declined",
    "refused",
    "budget",
    "interrupted",
    "unanswered",
]

# English prose has about four characters a token, code three, digits two: two is on the high side for all of them.
ASCII_PER_TOKEN = 2
TOKENS_PER_MESSAGE = 8


class Price(Record):
    """USD per million tokens. Prompts of more than `long_above` tokens cost `long`, where there is such a step."""

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached: float = Field(ge=0, allow_inf_nan=False)
    cache_write: float = Field(ge=0, allow_inf_nan=False)
    long_above: int = 0
    long: Price | None = None

    def cost_usd(self, answer: Answer) -> float:
        """Return what the tokens of `answer` cost."""
        price = self.long if self.long is not None and answer.input_tokens > self.long_above else self
        plain = answer.input_tokens - answer.cached_tokens - answer.cache_write_tokens
        micro = plain * price.input + answer.cached_tokens * price.cached
        return (micro + answer.cache_write_tokens * price.cache_write + answer.output_tokens * price.output) / 1e6


FREE = Price(input=0, output=0, cached=0, cache_write=0)


class Terms(Record):
    """Who answers, and for how much. An unknown price is None, never 0; only a metered provider counts tokens."""

    provider: str
    model: str
    price: Price | None = None
    metered: bool = True

    @property
    def label(self) -> str:
        """Provider and model as `--model` takes them."""
        return f"{self.provider}/{self.model}" if self.model else self.provider


class Provider(Protocol):
    """Somebody who can answer a request."""

    def terms(self, stage: str) -> Terms:
        """Return who would answer a request of `stage`, without asking."""
        ...

    def answer(self, request: Request) -> Answer:
        """Try once to answer `request`; raises Fault, or ModelUnavailable where trying again can't help."""
        ...


class Fault(ModelUnavailable):
    """One try that brought no answer.

    `again`: another try may. `wait_s`: how long the provider asks us to wait first. `lost`: an answer may have been
    made and billed that we never got whole.
    """

    def __init__(
        self, outcome: Outcome, message: str, *, again: bool = False, wait_s: float = 0.0, lost: bool = False
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.again = again
        self.wait_s = wait_s
        self.lost = lost


class Call(Record):
    """One call of a stage, tries included. The texts lie in calls/ under their SHA-256; no `answer`, no answer.

    `lost_tokens` and `lost_usd` are the worst case of tries whose answers may have been billed and never came whole.
    Costs are None where no price is known. `estimated`: the provider reported no counts, and these are ours.
    """

    stage: str
    attempt: int
    request: str
    answer: str = ""
    provider: str = ""
    model: str
    outcome: Outcome = "answered"
    detail: str = ""
    tries: int = 1
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    estimated: bool = False
    lost_tokens: int = 0
    lost_usd: float | None = 0.0
    latency_s: float


def request_text(request: Request) -> str:
    """Return the text of `request` that is kept in calls/ and whose SHA-256 stands in journals and sessions."""
    return request.model_dump_json(indent=1)


def sha256_of(text: str) -> str:
    """Return the SHA-256 of `text`, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def estimate_tokens(text: str) -> int:
    """Return how many tokens `text` has at most, in any tokenizer that is likely."""
    ascii_only = len(text.encode("ascii", "ignore"))
    # Outside ASCII a tokenizer may need a token for each byte, and none that works on bytes needs more.
    return math.ceil(ascii_only / ASCII_PER_TOKEN) + len(text.encode()) - ascii_only


def estimate_input(request: Request) -> int:
    """Return how many tokens the prompt of `request` has at most."""
    return sum(estimate_tokens(message.content) + TOKENS_PER_MESSAGE for message in request.messages)


def worst_case(request: Request) -> Answer:
    """Return an answer that is as long as it may be, to a prompt that is written to a cache and not read from one."""
    tokens = estimate_input(request)
    return Answer(
        text="", model="", input_tokens=tokens, cache_write_tokens=tokens, output_tokens=request.max_output_tokens
    )
