"""The one retry policy, for every provider: a bounded number of tries in a bounded time."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from orchestrator.models.calls import Fault
from orchestrator.outside import Answer
from orchestrator.records import Record


class Patience(Record):
    """How long a failing provider is tried. One try's own time is the provider's `try_s`.

    A call ends within `total_s` and the time of one try: no try begins later than `total_s` after the first.
    """

    tries: int = Field(default=5, ge=1)
    wait_s: float = Field(default=2.0, gt=0)
    wait_max_s: float = Field(default=60.0, gt=0)
    total_s: float = Field(default=1800.0, gt=0)

    def insist(self, attempt: Callable[[], Answer]) -> Answer:
        """Call `attempt` until it answers; raises its last error.

        Waits double from `wait_s` up to `wait_max_s`, with jitter. A provider that asks for a longer wait gets it; one
        that asks for more than is left of `total_s` is not tried again.
        """
        doubling = wait_random_exponential(multiplier=self.wait_s, max=self.wait_max_s, min=self.wait_s / 2)

        def wait(state: RetryCallState) -> float:
            return max(doubling(state), _asked_for(state))

        return Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, Fault) and error.again),
            stop=stop_after_attempt(self.tries) | stop_before_delay(self.total_s),
            wait=wait,
            reraise=True,
        )(attempt)


def _asked_for(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.wait_s if isinstance(error, Fault) else 0.0
