"""Models of Anthropic, through the official SDK's Messages API, with prompt caching on.

The system message and the first user message are what stays the same when an answer is sent back, so each of them ends
in a cache breakpoint.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from orchestrator.models.faults import fault
from orchestrator.models.live import Body, Endpoint, Live, Streamed, Wire, parse
from orchestrator.outside import Answer, Message, Request

if TYPE_CHECKING:
    import anthropic
    from anthropic.types import MessageParam, TextBlockParam

BASE_URL = "https://api.anthropic.com"


class Block(Body):
    """A part of an answer; only `text` ones are read."""

    type: str
    text: str = ""


class Usage(Body):
    """Token counts; `input_tokens` leaves out what was written to and read from the cache."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class Reply(Body):
    """The body of an answer."""

    model: str = ""
    content: tuple[Block, ...]
    stop_reason: str | None = None
    usage: Usage | None = None


class AnthropicWire(Wire):
    """The Messages API. The SDK is imported here and not with the module: that takes seconds."""

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        import anthropic
        import httpx2

        super().__init__(endpoint, anthropic, httpx2)
        self._key = key

    def client(self) -> anthropic.AsyncAnthropic:
        """Return a new client."""
        client: anthropic.AsyncAnthropic = self._sdk.AsyncAnthropic(api_key=self._key, **self.options())
        return client

    def post(self, client: anthropic.AsyncAnthropic, request: Request) -> AbstractAsyncContextManager[Streamed]:
        """Send `request`."""
        system, turns = _split(request.messages)
        return client.messages.with_streaming_response.create(
            model=self._endpoint.terms.model,
            max_tokens=request.max_output_tokens,
            system=system or self._sdk.omit,
            messages=turns,
        )

    def read(self, body: bytes) -> Answer:
        """Parse an answer; raises Fault."""
        label = self._endpoint.terms.label
        reply = parse(Reply, body, label)
        if reply.stop_reason == "refusal":
            raise fault(label, "declined")
        usage = reply.usage or Usage()
        written, cached = usage.cache_creation_input_tokens or 0, usage.cache_read_input_tokens or 0
        return Answer(
            text="".join(block.text for block in reply.content if block.type == "text"),
            model=reply.model or self._endpoint.terms.model,
            input_tokens=usage.input_tokens + written + cached,
            cached_tokens=cached,
            cache_write_tokens=written,
            output_tokens=usage.output_tokens,
            truncated=reply.stop_reason in {"max_tokens", "model_context_window_exceeded"},
        )


def open_anthropic(endpoint: Endpoint, key: str) -> Live:
    """Return the provider for `endpoint`."""
    return Live(endpoint, AnthropicWire(endpoint, key))


def _split(messages: tuple[Message, ...]) -> tuple[list[TextBlockParam], list[MessageParam]]:
    """Return the system prompt and the turns. A later system message becomes the user's, in its place."""
    texts = tuple(message for message in messages if message.content.strip())
    head = list(takewhile(lambda message: message.role == "system", texts))
    system = [_block(message.content) for message in head]
    turns = [_turn(message) for message in texts[len(head) :]]
    first = next((turn for turn in turns if turn["role"] == "user"), None)
    for blocks in (system, cast("list[TextBlockParam]", first["content"]) if first else []):
        if blocks:
            blocks[-1]["cache_control"] = {"type": "ephemeral"}
    return system, turns


def _turn(message: Message) -> MessageParam:
    role = "assistant" if message.role == "assistant" else "user"
    return cast("MessageParam", {"role": role, "content": [_block(message.content)]})


def _block(text: str) -> TextBlockParam:
    return {"type": "text", "text": text}
