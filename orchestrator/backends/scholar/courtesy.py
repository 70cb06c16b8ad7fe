"""How a service is asked: by whom, in its own pace, again after a passing fault, and never silently for nothing.

The clients' libraries make one try each. What they raise, and what they hide (a lost Retry-After, a failure that looks
like an empty answer), ends here in one of three: an answer, None for what the service says it doesn't have, and
ScholarUnavailable.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, TypeVar

import httpx
import requests
from pydantic import Field, StringConstraints
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from orchestrator.errors import ScholarUnavailable
from orchestrator.inputs import parse
from orchestrator.models.faults import retry_after_s
from orchestrator.records import Record

T = TypeVar("T")

VERSION = "0.1"
# What a library raises over an answer that has not the documented form.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError)
NOT_FOUND = 404
_SAID = {429: "it limits how often it may be asked", 401: "it takes no such key", 403: "it refuses us"}


class Manners(Record):
    """Who asks, and how patiently. `pace` scales each service's least time between two requests.

    A question ends within `total_s` and the time of one try, `try_s`. `base_urls` names other addresses by service.
    """

    mailto: str = Field(default="", pattern=r"^([^@\s<>()]+@[^@\s<>()]+)?$")
    tries: int = Field(default=4, ge=1)
    wait_s: float = Field(default=2.0, gt=0)
    total_s: float = Field(default=120.0, gt=0)
    try_s: float = Field(default=30.0, gt=0)
    pace: float = Field(default=1.0, ge=0)
    base_urls: dict[str, Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/\S*)?$")]] = {}

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> Manners:
        """Read GROUNDWORK_MAILTO, and GROUNDWORK_OPENALEX_URL and its like; BadInput for what is no address."""
        found = {name: re.fullmatch(r"GROUNDWORK_([A-Z]+)_URL", name) for name in variables}
        urls = {match[1].lower(): variables[name].rstrip("/") for name, match in found.items() if match}
        given = {"mailto": variables.get("GROUNDWORK_MAILTO", ""), "base_urls": urls}
        return parse(cls, given, "GROUNDWORK_MAILTO, GROUNDWORK_*_URL")

    @property
    def user_agent(self) -> str:
        """What every request says about itself."""
        return f"Groundwork/{VERSION}" + (f" (mailto:{self.mailto})" if self.mailto else "")

    def session(self) -> requests.Session:
        """Return a session for the libraries on requests, which have neither time limit nor user agent of ours."""
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Polite(self))
        return session


class Trouble(Exception):
    """A try that failed. `again`: it may pass; `wait_s` is what the service asked for, `status` its HTTP status."""

    def __init__(self, message: str, *, again: bool, wait_s: float = 0.0, status: int = 0) -> None:
        super().__init__(message)
        self.again = again
        self.wait_s = wait_s
        self.status = status


class Line:
    """The line before one service: one question after the other, no sooner than `interval_s` after the last."""

    def __init__(
        self, service: str, interval_s: float, manners: Manners, also: tuple[type[Exception], ...] = ()
    ) -> None:
        """`also` are what the service's library raises besides the exceptions of requests and httpx."""
        self._service = service
        self._interval_s = interval_s * manners.pace
        self._manners = manners
        self._caught = (requests.RequestException, httpx.HTTPError, *MALFORMED, *also)
        self._last = -self._interval_s
        self._given_up: Trouble | None = None

    def find(self, question: Callable[[], T]) -> T | None:
        """Return the answer to a question for one thing, None where the service says that it has no such thing."""
        try:
            return self.ask(question)
        except ScholarUnavailable as unavailable:
            if isinstance(unavailable.__cause__, Trouble) and unavailable.__cause__.status == NOT_FOUND:
                return None
            raise

    def ask(self, question: Callable[[], T]) -> T:
        """Return the answer; raises ScholarUnavailable, and at once where a question before was tried in vain."""
        doubling = wait_random_exponential(multiplier=self._manners.wait_s, max=30.0, min=self._manners.wait_s / 2)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome is not None else None
            return max(doubling(state), error.wait_s if isinstance(error, Trouble) else 0.0)

        try:
            if self._given_up:
                raise self._given_up
            return Retrying(
                retry=retry_if_exception(lambda error: isinstance(error, Trouble) and error.again),
                stop=stop_after_attempt(self._manners.tries) | stop_before_delay(self._manners.total_s),
                wait=wait,
                reraise=True,
            )(lambda: self._try(question))
        except Trouble as trouble:
            self._given_up = trouble if trouble.again else None
            raise ScholarUnavailable(
                f"{self._service}: {trouble}; try again later, or name other services with --scholar"
            ) from trouble

    def _try(self, question: Callable[[], T]) -> T:
        time.sleep(max(0.0, self._last + self._interval_s - time.monotonic()))
        try:
            return question()
        except self._caught as error:
            raise trouble(error) from error
        finally:
            self._last = time.monotonic()


def trouble(error: BaseException) -> Trouble:
    """Return what a library's exception means."""
    for cause in _causes(error):
        if isinstance(cause, requests.HTTPError | httpx.HTTPStatusError):
            return _refusal(cause.response.status_code, retry_after_s(cause.response.headers))
        if isinstance(cause, requests.Timeout | httpx.TimeoutException):
            return Trouble("no answer in time", again=True)
        if isinstance(cause, requests.ConnectionError | httpx.TransportError):
            return Trouble("it can't be reached", again=True)
    return Trouble(f"its answer can't be read ({type(error).__name__})", again=False)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those during whose handling it was raised: libraries hide the status in there."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _refusal(status: int, wait_s: float) -> Trouble:
    again = status in {408, 425, 429} or status >= 500
    said = _SAID.get(status, "it fails" if again else "it takes no such question")
    asked = f", and asks to wait {wait_s:.0f} s" if wait_s else ""
    return Trouble(f"{said} (status {status}{asked})", again=again, wait_s=wait_s, status=status)


class _Polite(HTTPAdapter):  # type: ignore[misc]  # untyped
    """Says who asks, gives up in time, and takes no failure for an answer."""

    def __init__(self, manners: Manners) -> None:
        super().__init__()
        self._manners = manners

    def send(self, request: requests.PreparedRequest, *_: object, **options: object) -> requests.Response:
        request.headers["User-Agent"] = self._manners.user_agent
        response = super().send(request, **{**options, "timeout": self._manners.try_s})
        response.raise_for_status()
        return response
