"""A real HTTP server on loopback that speaks both providers' protocols, and misbehaves as it is told."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.models.anthropic import open_anthropic
from orchestrator.models.calls import Price, Terms
from orchestrator.models.live import Endpoint
from orchestrator.models.openai import open_openai
from orchestrator.models.retry import Patience
from orchestrator.outside import Message, Request
from orchestrator.workspace import Workspace

KEY = "sk-test-0123456789abcdef"
PRICE = Price(input=3, output=15, cached=0.3, cache_write=3.75)
HURRY = Patience(tries=3, wait_s=0.01, wait_max_s=0.05, total_s=5)
# A busy machine takes its time for a good answer, too: only tests of a silent server use a short try.
TRY_S = 8.0


def ask(text="what?", **fields):
    values = {"stage": "plan", "step": "", "attempt": 0, "messages": (Message(role="user", content=text),)}
    return Request.model_validate({"max_output_tokens": 100, **values, **fields})


def said(text="hello", stop="", usage=True):
    """A good answer in both protocols; `stop` is the reason of either."""
    return {
        "messages": {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "model-x-1",
            "content": [{"type": "text", "text": text}] if text else [],
            "stop_reason": stop or "end_turn",
            "usage": {
                "input_tokens": 20,
                "cache_creation_input_tokens": 30,
                "cache_read_input_tokens": 50,
                "output_tokens": 7,
            }
            if usage
            else None,
        },
        "completions": {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "model-x-1",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": stop or "stop"}
            ],
            "usage": {
                "prompt_tokens": 100,
                "completion_tokens": 7,
                "total_tokens": 107,
                "prompt_tokens_details": {"cached_tokens": 50},
            }
            if usage
            else None,
        },
    }


def good(text="hello", stop="", usage=True):
    return lambda handler: handler.reply(200, json.dumps(said(text, stop, usage)[handler.protocol]).encode())


def status(number, message="no", headers=None, **error):
    body = json.dumps({"type": "error", "error": {"type": "x", "message": message, **error}}).encode()
    return lambda handler: handler.reply(number, body, headers or {})


def raw(body, code=200):
    return lambda handler: handler.reply(code, body)


def drop(handler):
    handler.connection.close()


def stall(handler):
    handler.server.released.wait(20)


def half(handler):
    body = json.dumps(said()[handler.protocol]).encode()
    handler.reply(200, body[: len(body) // 2], {"content-length": str(len(body))})


def drip_body(handler):
    """A byte of an endless body now and then: no single read ever takes long."""
    handler.reply(200, b"", {"content-length": "100000"})
    handler.drip(b" ")


def drip_head(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    handler.drip(b"x")


class Talk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.close_connection = True
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.protocol = self.path.rsplit("/", 1)[-1]
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.path, headers, body))
        turns = self.server.turns
        turn = turns.pop(0) if len(turns) > 1 else turns[0]
        turn(self)

    def reply(self, code, body, headers=None):
        fields = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
        self.send_response(code)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, byte):
        try:
            while not self.server.released.wait(0.05):
                self.wfile.write(byte)
                self.wfile.flush()
        except OSError:
            self.server.hung_up.set()

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Talk)
        self.turns = [good()]
        self.seen = []
        self.released = threading.Event()
        self.hung_up = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that hung up is what some tests are about."""


@pytest.fixture
def server():
    with serving() as made:
        yield made


@contextmanager
def serving():
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    made.server_close()


@pytest.fixture(scope="session")
def imported():
    """The SDKs import most of themselves at the first request, which would take more than the short try of a test."""
    with serving() as made:
        for name in ("anthropic", "openai"):
            open_at(name, made.url, try_s=20).answer(ask())


@pytest.fixture(params=["anthropic", "openai"])
def name(request, imported):
    """Each of the live providers in turn."""
    return request.param


@pytest.fixture
def live(name, server):
    """Each of the live providers in turn, at the server."""
    return open_at(name, server.url)


def open_at(name, url, price=PRICE, key=KEY, try_s=TRY_S):
    terms = Terms(provider=name, model="model-x", price=price)
    opener, base = {"anthropic": (open_anthropic, url), "openai": (open_openai, f"{url}/v1")}[name]
    return opener(Endpoint(terms=terms, base_url=base, try_s=try_s), key)


@pytest.fixture
def workspace(tmp_path):
    made = Workspace.create(tmp_path, "idea")
    yield made
    made.journal.close()


@pytest.fixture
def clock():
    started = time.monotonic()
    return lambda: time.monotonic() - started
