"""What a live provider's failure means: what happened, whether another try may help, and what the user can do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from orchestrator.models.calls import Fault, Outcome

ADVICE: dict[Outcome, str] = {
    "rate-limited": "it limits how often it may be asked; resume later, or choose another --model",
    "no-credit": "the account has no credit left; add some, then resume",
    "server-error": "the trouble is on its side; resume later, or choose another --model",
    "unreachable": "nothing answers there; check the network and --base-url",
    "dropped": "the connection broke off; check the network, then resume",
    "timed-out": "no whole answer came in time; resume later, or choose a faster --model",
    "malformed": "that is no answer of this protocol; check --base-url",
    "empty": "it answered with nothing; resume later, or choose another --model",
    "key-refused": "check the key in the environment or in --key-file, and what it may use",
    "unknown-model": "check the name in --model, and --base-url",
    "context-overflow": "the prompt is longer than this model can read; choose a --model with a longer context",
    "declined": "it declined to answer this prompt; choose another --model",
    "refused": "it takes no such request; check --model and --base-url",
}
AGAIN: frozenset[Outcome] = frozenset(
    {"rate-limited", "server-error", "unreachable", "dropped", "timed-out", "malformed", "empty"}
)
# The request got through, so an answer may have been made and billed.
LOST: frozenset[Outcome] = frozenset({"dropped", "timed-out", "malformed", "empty"})

QUOTED_CHARS = 200
_STATUS: dict[int, Outcome] = {
    401: "key-refused",
    402: "no-credit",
    403: "key-refused",
    404: "unknown-model",
    408: "timed-out",
    409: "server-error",
    413: "context-overflow",
    425: "server-error",
    429: "rate-limited",
    504: "timed-out",
    524: "timed-out",
}
# Which refusals are meant is in their words only; providers share a status for several.
_WORDS: tuple[tuple[Outcome, re.Pattern[str]], ...] = (
    ("no-credit", re.compile(r"insufficient_quota|credit balance|exceeded your current quota|billing", re.IGNORECASE)),
    (
        "context-overflow",
        re.compile(
            r"context_length|context length|context window|context size|prompt is too long|too many tokens",
            re.IGNORECASE,
        ),
    ),
    (
        "unknown-model",
        re.compile(
            r"model_not_found|model.{0,80}(not found|does not exist|not a valid)|not a valid model", re.IGNORECASE
        ),
    ),
    (
        "key-refused",
        re.compile(r"api.?key.{0,40}(invalid|incorrect|not valid)|(invalid|incorrect).{0,20}api.?key", re.I),
    ),
)


def fault(label: str, outcome: Outcome, words: str = "", wait_s: float = 0.0) -> Fault:
    """Return the fault `outcome` of the provider `label`, with its own `words` quoted and with what to do."""
    quoted = " ".join(words.split())[:QUOTED_CHARS]
    message = f"{label}: {outcome}: {ADVICE[outcome]}" + (f" [{quoted}]" if quoted else "")
    return Fault(outcome, message, again=outcome in AGAIN, wait_s=wait_s, lost=outcome in LOST)


def refusal(label: str, status: int, body: str, headers: Mapping[str, str]) -> Fault:
    """Return the fault that an HTTP answer with `status` and `body` stands for."""
    words = _message(body)
    outcome = _STATUS.get(status, "server-error" if status >= 500 else "refused")
    if status in {400, 403, 404, 422, 429}:
        outcome = next((kind for kind, pattern in _WORDS if pattern.search(body)), outcome)
    return fault(label, outcome, f"{status} {words}", retry_after_s(headers))


def _message(body: str) -> str:
    try:
        value = json.loads(body)
    except ValueError:
        return body
    inner = value.get("error", value) if isinstance(value, dict) else value
    return str(inner.get("message", inner) if isinstance(inner, dict) else inner)


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Read Retry-After, in seconds or as a date (RFC 9110, 10.2.3); 0 where there is none that makes sense."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
