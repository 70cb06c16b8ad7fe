"""From what the user named with --model to somebody who answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.errors import BadInput
from orchestrator.models import anthropic, openai, prices
from orchestrator.models.calls import Price, Provider, Terms
from orchestrator.models.keys import Keys
from orchestrator.models.live import Endpoint
from orchestrator.models.mailbox import Mailbox
from orchestrator.models.replay import Replay
from orchestrator.outside import Answer, Request
from orchestrator.records import Record

LIVE = {
    "anthropic": (anthropic.BASE_URL, "ANTHROPIC_API_KEY", anthropic.open_anthropic),
    "openai": (openai.BASE_URL, "OPENAI_API_KEY", openai.open_openai),
}
# What a user may give a model of its own, and the stages that this means.
ROLES = {
    "planning": ("read", "plan", "record"),
    "coding": ("edit", "plot"),
    "writing": ("search", "write", "cite"),
    "reviewing": ("review",),
}


class Choice(Record):
    """One model that the user named. `name` is empty for a mailbox, and for the idea's own session."""

    provider: str
    name: str = ""
    base_url: str = ""
    price: Price | None = None

    @property
    def live(self) -> bool:
        """True where the answers come from a provider and cost money."""
        return self.provider in LIVE


class Desk(Record):
    """What providers need of an idea folder: where it lies, and its session."""

    folder: Path
    session: Path


class Routed:
    """A provider that leaves each stage to the one chosen for it."""

    def __init__(self, default: Provider, by_stage: Mapping[str, Provider]) -> None:
        self._default = default
        self._by_stage = by_stage

    def terms(self, stage: str) -> Terms:
        """Return the terms of whoever answers `stage`."""
        return self._by_stage.get(stage, self._default).terms(stage)

    def answer(self, request: Request) -> Answer:
        """Answer by whoever answers the request's stage."""
        return self._by_stage.get(request.stage, self._default).answer(request)


def parse_choice(model: str, base_url: str = "", price: str = "") -> Choice:
    """Read `--model anthropic/NAME | openai/NAME | mailbox | replay[:FILE]` with its `--base-url` and `--price`.

    Raises BadInput, and so also for an endpoint or a price given to what has none.
    """
    kind, _, file = model.partition(":")
    if kind in {"replay", "mailbox"} and not (kind == "mailbox" and file):
        if base_url or price:
            raise BadInput(f"--model {model} takes no --base-url and no --price: it asks no provider")
        return Choice(provider=kind, name=file)
    provider, _, name = model.partition("/")
    if provider not in LIVE or not name:
        raise BadInput(f"--model {model}: give anthropic/NAME, openai/NAME, mailbox or replay[:FILE]")
    where = base_url or LIVE[provider][0]
    if urlsplit(where).scheme not in {"http", "https"} or not urlsplit(where).hostname:
        raise BadInput(f"--base-url {where}: give an address such as http://127.0.0.1:8000/v1")
    known = prices.parse_price(price) if price else prices.price_of(name, where)
    return Choice(provider=provider, name=name, base_url=where, price=known)


def terms_of(choice: Choice) -> Terms:
    """Return the terms of a choice, before anything is opened."""
    if choice.live:
        return Terms(provider=choice.provider, model=choice.name, price=choice.price)
    return Mailbox.TERMS if choice.provider == "mailbox" else Replay.TERMS


def require_key(choice: Choice, keys: Keys) -> str:
    """Return the key that `choice` needs, and any word for an endpoint of the user's own that needs none.

    Raises BadInput where a provider's own endpoint has no key.
    """
    if not choice.live:
        return ""
    official, variable, _ = LIVE[choice.provider]
    key = keys.get(variable)
    if key is None and choice.base_url == official:
        raise BadInput(f"--model {choice.provider}/{choice.name}: set {variable}, or write it into a --key-file")
    return key or "none"


def open_choice(choice: Choice, desk: Desk, keys: Keys, notice: Callable[[str], None]) -> Provider:
    """Return the provider for `choice`; BadInput where its key or its session is missing.

    `notice` gets a line for a person at the terminal, when a mailbox waits. A live provider's SDK is imported here.
    """
    if choice.provider == "mailbox":
        return Mailbox(desk.folder, notice)
    if choice.provider == "replay":
        return Replay(desk.session)
    endpoint = Endpoint(terms=terms_of(choice), base_url=choice.base_url)
    return LIVE[choice.provider][2](endpoint, require_key(choice, keys))


def open_all(
    default: Choice, roles: Mapping[str, Choice], desk: Desk, keys: Keys, notice: Callable[[str], None]
) -> Provider:
    """Return one provider that serves every stage: `roles` maps words of ROLES to models of their own."""
    unknown = sorted(roles.keys() - ROLES.keys())
    if unknown:
        raise BadInput(f"no such role: {', '.join(unknown)}; there are: {', '.join(ROLES)}")
    opened = {choice: open_choice(choice, desk, keys, notice) for choice in {default, *roles.values()}}
    by_stage = {stage: opened[choice] for role, choice in roles.items() for stage in ROLES[role]}
    return Routed(opened[default], by_stage) if by_stage else opened[default]
