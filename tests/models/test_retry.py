"""The one retry policy, without any provider."""

import pytest

from orchestrator.errors import ModelUnavailable
from orchestrator.models.calls import Fault
from orchestrator.models.retry import Patience
from orchestrator.outside import Answer


def failing(*errors):
    left = list(errors)

    def attempt():
        if left:
            raise left.pop(0)
        return Answer(text="ok", model="m")

    return attempt


def passing(**fields):
    return Fault("server-error", "later", again=True, **fields)


def test_waits_double_and_end_with_the_time(clock):
    patience = Patience(tries=100, wait_s=0.05, wait_max_s=0.2, total_s=1.0)
    with pytest.raises(Fault):
        patience.insist(failing(*[passing() for _ in range(100)]))
    assert 0.5 < clock() < 1.2


def test_the_number_of_tries_is_kept():
    patience = Patience(tries=2, wait_s=0.001, wait_max_s=0.002)
    with pytest.raises(Fault, match="later"):
        patience.insist(failing(passing(), passing()))
    assert patience.insist(failing(passing())).text == "ok"


def test_a_wait_that_was_asked_for_is_kept(clock):
    Patience(wait_s=0.001, wait_max_s=0.002).insist(failing(passing(wait_s=0.3)))
    assert clock() >= 0.3


@pytest.mark.parametrize(
    "error", [Fault("key-refused", "no"), ModelUnavailable("no"), KeyboardInterrupt(), ValueError()]
)
def test_anything_else_is_raised_at_once(error, clock):
    with pytest.raises(type(error)):
        Patience(wait_s=5).insist(failing(error))
    assert clock() < 1
