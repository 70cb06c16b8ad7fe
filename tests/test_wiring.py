"""A whole idea with somebody behind the door: a mailbox, and a live endpoint on loopback."""

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.models.session import read_session
from tests.conftest import QUICK, ROOT

IDEA = QUICK / "quick_momentum.json"
KEY = "sk-a-secret-that-nobody-may-see"


@pytest.fixture(scope="module")
def answers(quick_run, tmp_path_factory):
    """The quick idea's answers in the order in which they were asked for."""
    path = tmp_path_factory.mktemp("session") / "s.jsonl"
    command = [sys.executable, str(ROOT / "launch.py"), "record", str(quick_run), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    header, entries = read_session(path)
    assert (header.kind, header.idea) == ("scripted", "quick_momentum")
    assert header.prompts
    return [_scored(entry.answer) if entry.stage == "review" else entry.answer for entry in entries]


def _scored(review):
    """A reviewer who has read the results gives scores, which an answer written in advance may not."""
    scores = {"soundness": 2, "presentation": 3, "contribution": 1, "overall": 3, "confidence": 4}
    return review.replace("}\n```", f', "scores": {json.dumps(scores)}, "decision": "reject"}}\n```')


@pytest.fixture
def endpoint(answers):
    """An OpenAI-compatible server that gives the session's answers in turn and keeps what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.seen.append((dict(self.headers), body))
            text = answers[len(server.seen) - 1]
            chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "local"}
            delta = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
            if body.get("stream"):
                events = [{**chunk, "choices": [delta]}, {**chunk, "choices": [], "usage": usage}]
                data = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
                kind = "text/event-stream"
            else:
                message = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                data = json.dumps({**chunk, "object": "chat.completion", "choices": [message], "usage": usage})
                kind = "application/json"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data.encode())))
            self.end_headers()
            self.wfile.write(data.encode())

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def live(endpoint, tmp_path, *flags):
    url = f"http://127.0.0.1:{endpoint.server_address[1]}/v1"
    command = [sys.executable, str(ROOT / "launch.py"), "--idea", str(IDEA), "--runs", str(tmp_path / "runs")]
    command += ["--model", "openai/local", "--base-url", url, *flags]
    env = {**os.environ, "OPENAI_API_KEY": KEY}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=env)
    folders = list((tmp_path / "runs").glob("*"))
    return done, folders[0] if folders else None


def test_a_live_model_carries_the_idea_and_its_cost_is_counted(endpoint, answers, tmp_path, launch):
    done, folder = live(endpoint, tmp_path, "--price", "1,10", "--budget-usd", "5")
    assert done.returncode == 0, done.stderr
    assert len(endpoint.seen) == len(answers)
    cost = json.loads(launch("cost", folder, "--json").stdout)
    assert (cost["input_tokens"], cost["output_tokens"], cost["calls"]) == (
        1000 * len(answers),
        100 * len(answers),
        len(answers),
    )
    assert cost["cost_usd"] == pytest.approx(len(answers) * 0.002)
    assert set(cost["by_stage"]) == {"plan", "edit", "record", "plot", "write", "cite", "review"}
    assert "Plan, edits and prose are by openai/local" in (folder / "notes.txt").read_text()
    assert endpoint.seen[0][0]["Authorization"] == f"Bearer {KEY}"
    kept = [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert kept == []


def test_at_a_budget_the_paper_is_still_written_from_what_stands(endpoint, answers, tmp_path):
    done, folder = live(endpoint, tmp_path, "--budget-usd", "none", "--budget-calls", "8", "--price", "0,0")
    # 8 calls with a fifth kept for the paper: six before it, and two sections, then nobody can go on
    assert done.returncode == 1
    assert "no further runs: budget reached" in done.stderr
    assert "raise --budget-calls to go on" in done.stderr
    assert (folder / "evidence.json").is_file()
    assert "No further runs: budget reached" in (folder / "notes.txt").read_text()


def test_an_unknown_price_refuses_before_anything_is_written(endpoint, tmp_path):
    done, folder = live(endpoint, tmp_path)
    assert done.returncode == 2
    assert folder is None
    assert endpoint.seen == []
    for flag in ("--price", "--budget-usd none"):
        assert flag in done.stderr


def test_a_live_model_without_a_key_is_refused(tmp_path, launch):
    env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    arguments = ("--idea", IDEA, "--runs", tmp_path / "runs", "--model", "anthropic/claude-x", "--price", "1,1")
    done = launch(*arguments, env=env)
    assert done.returncode == 2
    assert "ANTHROPIC_API_KEY" in done.stderr


def test_a_mailbox_carries_a_whole_idea(answers, quick_run, tmp_path, launch):
    command = [
        sys.executable,
        str(ROOT / "launch.py"),
        "--idea",
        str(IDEA),
        "--runs",
        str(tmp_path),
        "--model",
        "mailbox",
    ]
    prompts = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 90
            while process.poll() is None and time.monotonic() < deadline:
                folders = list(tmp_path.glob("*/mailbox"))
                shown = launch("mailbox", folders[0].parent, stdin=subprocess.DEVNULL).stdout if folders else ""
                if "Groundwork asks: stage" not in shown:
                    time.sleep(0.05)
                    continue
                prompts.append(shown)
                handed = launch("mailbox", folders[0].parent, input=answers[len(prompts) - 1])
                assert "handed in" in handed.stdout, handed.stderr
            _, stderr = process.communicate(timeout=10)
        finally:
            # One that still waits for an answer would wait for ever.
            process.kill()
    assert process.returncode == 0, stderr
    assert len(prompts) == len(answers)
    assert "exactly one fenced ```json block" not in prompts[0]
    assert any("exactly one fenced ```latex block" in prompt for prompt in prompts)
    (folder,) = tmp_path.iterdir()
    values = [json.loads((f / "evidence.json").read_text())["entries"] for f in (folder, quick_run)]
    assert [e["per_seed"] for e in values[0]] == [e["per_seed"] for e in values[1]]
    assert (folder / "mailbox").stat().st_mode & 0o777 == 0o700
