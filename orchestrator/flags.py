"""What the user asked for on the command line, as records: the idea, and the models with their budgets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from orchestrator.errors import BadInput
from orchestrator.inputs import parse
from orchestrator.models.choice import ROLES, Choice, parse_choice, require_key, terms_of
from orchestrator.models.keys import Keys
from orchestrator.models.ledger import Budgets, check_terms
from orchestrator.protocols import EditFormat
from orchestrator.records import Package, Record

R = TypeVar("R", bound=Record)

DEFAULT = "default"
BUNDLED = "replay"


class Start(Record):
    """The flags with which an idea is begun."""

    idea: str
    template: str | None = None
    profile: str | None = None
    runs: Path
    allow_unsandboxed: bool = False
    fresh_baseline: bool = False
    edit_format: EditFormat = "diff"
    key_file: Path | None = None
    scholar: str | None = None
    literature: Path | None = None
    improve: bool = False


class Decided(Record):
    """The user's word on packages that a model asked for."""

    allow_package: tuple[Package, ...] = ()
    deny_package: tuple[Package, ...] = ()


class Models(Record):
    """Who answers: a choice for `default` and for each role that has one of its own, and what all may use."""

    choices: dict[str, Choice]
    budgets: Budgets = Budgets()

    @property
    def default(self) -> Choice:
        """Whoever answers every stage that no role names."""
        return self.choices[DEFAULT]

    @property
    def roles(self) -> dict[str, Choice]:
        """The roles that have a model of their own."""
        return {role: choice for role, choice in self.choices.items() if role != DEFAULT}

    @property
    def live(self) -> bool:
        """True where any answer costs money."""
        return any(choice.live for choice in self.choices.values())

    def check(self, keys: Keys) -> None:
        """Raise BadInput where a key is missing, or where no budget would hold."""
        for choice in self.choices.values():
            require_key(choice, keys)
        if self.live:
            check_terms([terms_of(choice) for choice in self.choices.values() if choice.live], self.budgets)

    def describe(self) -> str:
        """Return who answers what, for the people who read the paper."""
        said = [f"{choice.provider}/{choice.name}".strip("/") for choice in (self.default, *self.roles.values())]
        return "; ".join([said[0], *(f"{role}: {name}" for role, name in zip(self.roles, said[1:], strict=True))])


class BudgetFlags(Record):
    """`--budget-*` as given; None where a flag was left out."""

    budget_usd: str | None = None
    budget_tokens: int | None = Field(default=None, gt=0)
    budget_calls: int | None = Field(default=None, gt=0)
    budget_hours: float | None = Field(default=None, gt=0)

    def over(self, before: Budgets) -> Budgets:
        """Return `before` with the flags that were given; BadInput for a limit that is none."""
        given = {name.removeprefix("budget_"): value for name, value in self.model_dump().items() if value is not None}
        if given.get("usd") == "none":
            given["usd"] = None
        return parse(Budgets, {**before.model_dump(), **given}, "--budget-*")


def read_flags(record: type[R], flags: Mapping[str, object]) -> R:
    """Return those of the command line's flags that `record` has; BadInput names a flag that is wrong."""
    return parse(record, {name: flags[name] for name in record.model_fields if name in flags}, "flags")


def read_models(flags: Mapping[str, str | None], budgets: BudgetFlags) -> Models:
    """Return whom `--model`, `--ROLE-model`, `--base-url` and `--price` name; without any, the bundled session."""
    where = {"base_url": flags.get("base_url") or "", "price": flags.get("price") or ""}
    named = {DEFAULT: flags.get("model"), **{role: flags.get(f"{role}_model") for role in ROLES}}
    live = [model for model in named.values() if model and "/" in model.partition(":")[0]]
    if any(where.values()) and not live:
        raise BadInput("--base-url and --price belong to a live model; name one with --model")
    choices = {
        role: parse_choice(model, **(where if model in live else {}))
        for role, model in named.items()
        if model is not None
    }
    return Models(choices={DEFAULT: Choice(provider=BUNDLED), **choices}, budgets=budgets.over(Budgets()))
