"""One try at a live endpoint, through the provider's own client, bounded in time and in size.

Timeouts of HTTP clients hold for one read; a server that sends a byte now and then could keep a call for ever. So the
whole try runs under one clock, and a try that is given up closes its connection.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import cache
from types import ModuleType
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from orchestrator.models.calls import Fault, Terms, estimate_input, estimate_tokens
from orchestrator.models.faults import fault, refusal
from orchestrator.outside import Answer, Request
from orchestrator.records import Record

B = TypeVar("B", bound=BaseModel)

CONNECT_S = 10.0
BODY_BYTES = 32 * 2**20
_NEVER_SENT = {"ConnectError", "ConnectTimeout", "UnsupportedProtocol", "InvalidURL"}


class Endpoint(Record):
    """Where a model is, what it costs, and how long one try may take."""

    terms: Terms
    base_url: str
    try_s: float = 600.0


class Body(BaseModel):
    """Base of the parts of a provider's answer that we read; whatever else it holds is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Streamed(Protocol):
    """An answer whose body is still to be read."""

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """Yield the body."""
        ...


class Wire(ABC):
    """One provider's protocol over its official client; `sdk` and `httpx` are the modules that it is made of."""

    def __init__(self, endpoint: Endpoint, sdk: ModuleType, httpx: ModuleType) -> None:
        self._endpoint = endpoint
        self._sdk = sdk
        # The SDKs wrap what fails before the body, and let through what fails in it.
        self.broken: tuple[type[Exception], ...] = (sdk.APIError, httpx.HTTPError, httpx.InvalidURL)
        self._transport = {
            "timeout": httpx.Timeout(endpoint.try_s, connect=CONNECT_S),
            "verify": _tls(httpx),
            "follow_redirects": False,
        }

    @abstractmethod
    def post(self, client: Any, request: Request) -> AbstractAsyncContextManager[Streamed]:  # noqa: ANN401
        """Send `request` by a client of `client`."""

    @abstractmethod
    def read(self, body: bytes) -> Answer:
        """Parse an answer; its tokens are 0 where it reports none. Raises Fault."""

    @abstractmethod
    def client(self) -> Any:  # noqa: ANN401
        """Return a new client with the options of `options`."""

    def options(self) -> dict[str, Any]:
        """Return what every client is opened with: it doesn't retry, and follows no redirect with the key."""
        return {
            "base_url": self._endpoint.base_url,
            "max_retries": 0,
            "timeout": self._transport["timeout"],
            "http_client": self._sdk.DefaultAsyncHttpxClient(**self._transport),
        }

    def fault(self, error: Exception) -> Fault:
        """Return what one of the `broken` exceptions stands for."""
        label = self._endpoint.terms.label
        if isinstance(error, self._sdk.APIStatusError):
            return refusal(label, error.status_code, error.response.text, error.response.headers)
        names = {type(cause).__name__ for cause in (error, error.__cause__)}
        words = str(error.__cause__ or error)
        if names & _NEVER_SENT:
            return fault(label, "unreachable", words)
        return fault(label, "timed-out" if any("Timeout" in name for name in names) else "dropped", words)


class Live:
    """A provider behind an HTTP endpoint."""

    def __init__(self, endpoint: Endpoint, wire: Wire) -> None:
        self._endpoint = endpoint
        self._wire = wire

    def terms(self, stage: str) -> Terms:
        """Return the one model that answers every stage."""
        return self._endpoint.terms

    def answer(self, request: Request) -> Answer:
        """Ask once. Raises Fault, which says whether another try may help; takes `try_s` at most."""
        answer = self._wire.read(asyncio.run(self._fetch(request)))
        label = self._endpoint.terms.label
        if not answer.text.strip() and not answer.truncated:
            raise fault(label, "empty")
        if answer.input_tokens and (answer.output_tokens or not answer.text):
            return answer
        made = request.max_output_tokens if answer.truncated else estimate_tokens(answer.text)
        counts = {"input_tokens": estimate_input(request), "output_tokens": made, "estimated": True}
        return answer.model_copy(update=counts)

    async def _fetch(self, request: Request) -> bytes:
        client = self._wire.client()
        try:
            async with asyncio.timeout(self._endpoint.try_s), self._wire.post(client, request) as response:
                return await self._whole(response)
        except TimeoutError:
            raise fault(self._endpoint.terms.label, "timed-out", f"after {self._endpoint.try_s:.0f} s") from None
        except self._wire.broken as error:
            raise self._wire.fault(error) from None
        finally:
            await client.close()

    async def _whole(self, response: Streamed) -> bytes:
        body = bytearray()
        async for part in response.iter_bytes():
            body += part
            if len(body) > BODY_BYTES:
                raise fault(self._endpoint.terms.label, "malformed", f"more than {BODY_BYTES} bytes")
        return bytes(body)


@cache
def _tls(httpx: ModuleType) -> Any:  # noqa: ANN401
    """Return TLS settings, made once: reading the certificates takes longer than anything else before a request."""
    return httpx.create_ssl_context()


def parse(record: type[B], body: bytes, label: str) -> B:
    """Parse `body` as `record`. Raises Fault: `malformed`, or what an error that came as an answer stands for."""
    text = body.decode(errors="replace")
    try:
        return record.model_validate_json(body)
    except ValidationError as error:
        found = _error_code(text)
        if found is not None:
            raise refusal(label, found, text, {}) from None
        raise fault(label, "malformed", f"{error.errors()[0]['msg']}: {text}") from None


def _error_code(text: str) -> int | None:
    """Return the status in a body `{"error": {"code": 429, ...}}`, which some gateways send with status 200."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    error = value.get("error") if isinstance(value, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else None
