"""Models behind OpenAI's chat completions: its own, and those of any compatible endpoint, through the official SDK."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, cast

from orchestrator.models.faults import fault
from orchestrator.models.live import Body, Endpoint, Live, Streamed, Wire, parse
from orchestrator.outside import Answer, Request

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletionMessageParam

BASE_URL = "https://api.openai.com/v1"


class Said(Body):
    """The message of a choice."""

    content: str | None = None
    refusal: str | None = None


class Choice(Body):
    """One of the answers; we ask for one."""

    message: Said
    finish_reason: str | None = None


class Details(Body):
    """What of a prompt came from a cache."""

    cached_tokens: int | None = None


class Usage(Body):
    """Token counts; `prompt_tokens` includes the cached ones."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: Details | None = None


class Reply(Body):
    """The body of an answer."""

    model: str | None = None
    choices: tuple[Choice, ...]
    usage: Usage | None = None


class OpenAIWire(Wire):
    """Chat completions. The SDK is imported here and not with the module: that takes seconds."""

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        import httpx
        import openai

        super().__init__(endpoint, openai, httpx)
        self._key = key

    def client(self) -> openai.AsyncOpenAI:
        """Return a new client."""
        client: openai.AsyncOpenAI = self._sdk.AsyncOpenAI(api_key=self._key, **self.options())
        return client

    def post(self, client: openai.AsyncOpenAI, request: Request) -> AbstractAsyncContextManager[Streamed]:
        """Send `request`."""
        turns = [{"role": message.role, "content": message.content} for message in request.messages]
        return client.chat.completions.with_streaming_response.create(
            model=self._endpoint.terms.model,
            messages=cast("list[ChatCompletionMessageParam]", turns),
            extra_body=self.limit(request),
        )

    def limit(self, request: Request) -> dict[str, int]:
        """Return the limit of output tokens: OpenAI's newer models know only one name for it, others only the older."""
        name = "max_completion_tokens" if self._endpoint.base_url == BASE_URL else "max_tokens"
        return {name: request.max_output_tokens}

    def read(self, body: bytes) -> Answer:
        """Parse an answer; raises Fault."""
        label = self._endpoint.terms.label
        reply = parse(Reply, body, label)
        if not reply.choices:
            raise fault(label, "empty")
        choice, usage = reply.choices[0], reply.usage or Usage()
        if choice.message.refusal or choice.finish_reason == "content_filter":
            raise fault(label, "declined", choice.message.refusal or "")
        cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
        return Answer(
            text=choice.message.content or "",
            model=reply.model or self._endpoint.terms.model,
            input_tokens=usage.prompt_tokens or 0,
            cached_tokens=cached or 0,
            output_tokens=usage.completion_tokens or 0,
            truncated=choice.finish_reason == "length",
        )


def open_openai(endpoint: Endpoint, key: str) -> Live:
    """Return the provider for `endpoint`."""
    return Live(endpoint, OpenAIWire(endpoint, key))
