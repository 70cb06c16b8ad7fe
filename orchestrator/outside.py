"""What goes to the outside world and comes back: model calls, and programs to run confined."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from orchestrator.records import Limits, Record, Slug


class Message(Record):
    """One turn of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


class Request(Record):
    """One model call. `stage`, `step` and `attempt` (from 0) identify it for replay; no hash of the text does."""

    stage: Slug
    step: str
    attempt: int = Field(ge=0)
    messages: tuple[Message, ...]
    max_output_tokens: int = 8192


class Answer(Record):
    """A model's answer with the provider's own token counts; zero where no model was asked (a replay).

    `input_tokens` counts the whole prompt, with what was read from a cache (`cached_tokens`) and written to one
    (`cache_write_tokens`). `truncated`: the text ends at `max_output_tokens` and not where the model wanted.
    `estimated`: the provider reported no counts, and these are ours, on the high side. `cost_usd` is None where no
    price is known.
    """

    text: str
    model: str
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    truncated: bool = False
    estimated: bool = False


class Command(Record):
    """A program to run confined: it reads `readable`, writes `writable`, sees no network and only `env`.

    The programs `beside` it run as long as it does, each confined in a sandbox of its own. A socket joins it to the
    standard input of each; the numbers of its ends stand in the environment variable GROUNDWORK_BESIDE, with commas.
    With `accelerator` it sees the machine's NVIDIA devices, too.
    """

    argv: tuple[str, ...]
    cwd: Path
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    env: dict[str, str] = {}
    limits: Limits
    stdout: Path
    stderr: Path
    beside: tuple[Command, ...] = ()
    accelerator: bool = False
