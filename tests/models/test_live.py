"""Every fault of a live provider, against a real server: bounded tries and time, one journal line, a clear stop."""

import signal
import subprocess
import sys
import time

import pytest

from orchestrator.errors import ModelUnavailable
from orchestrator.journal import Journal
from orchestrator.models.calls import Call
from orchestrator.models.gateway import Gateway
from orchestrator.models.keys import Keys
from orchestrator.models.retry import Patience
from tests.conftest import ROOT
from tests.models.conftest import (
    HURRY,
    KEY,
    PRICE,
    TRY_S,
    ask,
    drip_body,
    drip_head,
    drop,
    good,
    half,
    open_at,
    raw,
    stall,
    status,
)

PASSING = {
    "429": (status(429), "rate-limited"),
    "429 with Retry-After": (status(429, headers={"Retry-After": "0.2"}), "rate-limited"),
    "500": (status(500), "server-error"),
    "503 that is a web page": (raw(b"<html>sorry</html>", 503), "server-error"),
    "529": (status(529), "server-error"),
    "dropped": (drop, "dropped"),
    "stalled": (stall, "timed-out"),
    "half a body": (half, "dropped"),
    "a dripping body": (drip_body, "timed-out"),
    "a dripping head": (drip_head, "timed-out"),
    "empty": (good(""), "empty"),
    "only white space": (good(" \n"), "empty"),
    "no body": (raw(b""), "malformed"),
    "malformed JSON": (raw(b'{"content": [{"type"'), "malformed"),
    "another JSON": (raw(b"[1, 2]"), "malformed"),
    "not text": (raw(b"\xff\xfe\x00"), "malformed"),
    "429 dressed as 200": (raw(b'{"error": {"code": 429, "message": "slow"}}'), "rate-limited"),
}
FINAL = {
    "401": (status(401, "invalid x-api-key"), "key-refused"),
    "403": (status(403), "key-refused"),
    "no credit": (status(400, "Your credit balance is too low"), "no-credit"),
    "no quota": (status(429, "You exceeded your current quota", code="insufficient_quota"), "no-credit"),
    "unknown model": (status(404, "model: model-x", type="not_found_error"), "unknown-model"),
    "unknown model, as 400": (status(400, "model-x is not a valid model ID"), "unknown-model"),
    "overflow": (status(400, "prompt is too long: 210000 tokens > 200000 maximum"), "context-overflow"),
    "overflow by code": (status(400, "no", code="context_length_exceeded"), "context-overflow"),
    "overflow by size": (status(413), "context-overflow"),
    "bad request": (status(400, "max_tokens: must be at most 4096"), "refused"),
    "elsewhere": (status(307, headers={"Location": "http://127.0.0.1:9/"}), "refused"),
}
SILENT = {"stalled", "a dripping body", "a dripping head"}
LOSING = {"dropped", "timed-out", "empty", "malformed"}


def calls(workspace):
    return workspace.journal.all("call", Call)


@pytest.mark.parametrize("case", PASSING)
def test_a_passing_fault_is_tried_again(case, name, server, workspace):
    turn, outcome = PASSING[case]
    live = open_at(name, server.url, try_s=1.0 if case in SILENT else TRY_S)
    server.turns = [turn, good("at last")]
    answer = Gateway(live, workspace, patience=HURRY).complete(ask())
    assert answer.text == "at last"
    (call,) = calls(workspace)
    assert (call.outcome, call.tries, call.input_tokens, call.output_tokens) == ("answered", 2, 100, 7)
    assert (call.lost_tokens > 100) == (outcome in LOSING)
    assert (call.lost_usd > 100 * 15e-6) == (outcome in LOSING)


@pytest.mark.parametrize("case", PASSING)
def test_a_lasting_fault_ends_in_bounded_time_and_tries(case, name, server, workspace, clock):
    turn, outcome = PASSING[case]
    live = open_at(name, server.url, try_s=0.2 if case in SILENT else TRY_S)
    server.turns = [turn]
    with pytest.raises(ModelUnavailable, match=rf"/model-x: {outcome}: .*gave up after 3 tries"):
        Gateway(live, workspace, patience=HURRY).complete(ask())
    assert clock() < 5
    assert len(server.seen) == 3
    (call,) = calls(workspace)
    assert (call.outcome, call.tries, call.answer) == (outcome, 3, "")
    assert call.detail.startswith(live.terms("plan").label)


@pytest.mark.parametrize("case", FINAL)
def test_what_no_try_can_mend_stops_at_once(case, live, server, workspace):
    turn, outcome = FINAL[case]
    server.turns = [turn]
    with pytest.raises(ModelUnavailable, match=rf"/model-x: {outcome}: \w+.*"):
        Gateway(live, workspace, patience=HURRY).complete(ask())
    assert len(server.seen) == 1
    (call,) = calls(workspace)
    assert (call.outcome, call.tries, call.lost_tokens, call.cost_usd) == (outcome, 1, 0, 0.0)


def test_a_long_retry_after_is_waited_for(live, server, workspace, clock):
    server.turns = [status(429, headers={"Retry-After": "0.6"}), good()]
    Gateway(live, workspace, patience=HURRY).complete(ask())
    assert 0.6 <= clock() < 3


def test_a_retry_after_beyond_our_patience_ends_the_call(live, server, workspace, clock):
    server.turns = [status(429, headers={"Retry-After": "3600"})]
    with pytest.raises(ModelUnavailable, match="rate-limited"):
        Gateway(live, workspace, patience=HURRY).complete(ask())
    assert clock() < 1
    assert len(server.seen) == 1


def test_time_ends_the_tries_before_their_number_does(name, server, workspace, clock):
    server.turns = [stall]
    live = open_at(name, server.url, try_s=0.2)
    patience = Patience(tries=50, wait_s=0.01, wait_max_s=0.02, total_s=0.5)
    with pytest.raises(ModelUnavailable, match="timed-out"):
        Gateway(live, workspace, patience=patience).complete(ask())
    assert clock() < 2
    assert 1 < len(server.seen) < 5


def test_a_try_that_is_given_up_hangs_up(name, server, workspace):
    live = open_at(name, server.url, try_s=1.0)
    server.turns = [drip_body, good()]
    Gateway(live, workspace, patience=HURRY).complete(ask())
    assert server.hung_up.wait(2)


def test_nobody_there(workspace):
    for name in ("anthropic", "openai"):
        with pytest.raises(ModelUnavailable, match="unreachable: nothing answers there"):
            Gateway(open_at(name, "http://127.0.0.1:9"), workspace, patience=HURRY).complete(ask(step=name))
    assert [call.lost_tokens for call in calls(workspace)] == [0, 0]


def test_a_cut_answer_is_marked(live, server, workspace):
    server.turns = [good("half a sen", stop="max_tokens" if "anthropic" in live.terms("").label else "length")]
    answer = Gateway(live, workspace, patience=HURRY).complete(ask())
    assert (answer.truncated, answer.text) == (True, "half a sen")
    assert calls(workspace)[0].outcome == "truncated"
    assert len(server.seen) == 1


def test_a_model_that_thought_until_the_limit_is_cut_and_not_empty(live, server, workspace):
    server.turns = [good("", stop="max_tokens" if "anthropic" in live.terms("").label else "length")]
    answer = Gateway(live, workspace, patience=HURRY).complete(ask())
    assert (answer.truncated, answer.text) == (True, "")


def test_a_model_that_declines_stops_the_call(live, server, workspace):
    server.turns = [good("I", stop="refusal" if "anthropic" in live.terms("").label else "content_filter")]
    with pytest.raises(ModelUnavailable, match="declined"):
        Gateway(live, workspace, patience=HURRY).complete(ask())
    assert len(server.seen) == 1


def test_missing_usage_is_estimated_on_the_high_side_and_said(live, server, workspace):
    server.turns = [good("four words of text", usage=False)]
    answer = Gateway(live, workspace, patience=HURRY).complete(ask("one two three four"))
    (call,) = calls(workspace)
    assert call.estimated and answer.estimated
    assert call.input_tokens >= 9 and call.output_tokens >= 9
    assert call.cost_usd == pytest.approx((call.input_tokens * 3 + call.output_tokens * 15) / 1e6)


def test_the_whole_prompt_is_counted_and_cached_tokens_cost_less(live, server, workspace):
    answer = Gateway(live, workspace, patience=HURRY).complete(ask())
    written = 30 if "anthropic" in live.terms("").label else 0
    assert (answer.input_tokens, answer.cached_tokens, answer.cache_write_tokens) == (100, 50, written)
    expected = (50 - written) * PRICE.input + 50 * PRICE.cached + written * PRICE.cache_write + 7 * PRICE.output
    assert calls(workspace)[0].cost_usd == pytest.approx(expected / 1e6)
    assert calls(workspace)[0].model == "model-x-1"


def test_a_body_without_end_is_cut_off(live, server, workspace):
    server.turns = [raw(b" " * (33 * 2**20)), good("ok")]
    assert Gateway(live, workspace, patience=HURRY).complete(ask()).text == "ok"


def test_a_key_that_the_provider_shows_is_written_nowhere(live, server, workspace):
    server.turns = [status(401, f"Incorrect API key provided: {KEY}")]
    with pytest.raises(ModelUnavailable) as caught:
        Gateway(live, workspace, patience=HURRY, keys=Keys({"A_API_KEY": KEY})).complete(ask())
    assert "[key removed]" in str(caught.value)
    kept = "".join(path.read_text() for path in workspace.root.rglob("*.json*"))
    assert "key-refused" in kept
    assert KEY not in kept + str(caught.value)


PROGRAM = """
import signal, sys
from pathlib import Path
from orchestrator.models.gateway import Gateway
from orchestrator.workspace import Workspace
from tests.models.conftest import ask, open_at

def interrupt(_signal, _frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, interrupt)
Gateway(open_at("openai", sys.argv[1], try_s=60), Workspace(Path(sys.argv[2]))).complete(ask())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_wait_ends_at_once_and_is_journaled(number, server, tmp_path):
    server.turns = [stall]
    command = [sys.executable, "-c", PROGRAM, server.url, str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not server.seen:
        time.sleep(0.05)
    process.send_signal(number)
    assert "KeyboardInterrupt" in process.communicate(timeout=10)[1]
    journal = Journal(tmp_path / "journal.jsonl", writable=False)
    (call,) = journal.all("call", Call)
    assert (call.outcome, call.tries) == ("interrupted", 1)
    assert call.lost_tokens > 100
