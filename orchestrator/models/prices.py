"""What a model costs: the table that litellm carries, read as the JSON file it is, or what the user says.

litellm itself is never imported: that takes seconds and can reach the network.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.errors import BadInput
from orchestrator.models.calls import Price
from orchestrator.records import Record

PACKAGE = "litellm"
TABLE = "litellm/model_prices_and_context_window_backup.json"

# The table's name for whoever sells at a host. A price of one seller says nothing about another's.
SELLERS = {
    "api.anthropic.com": "anthropic",
    "api.openai.com": "openai",
    "api.deepseek.com": "deepseek",
    "openrouter.ai": "openrouter",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "api.x.ai": "xai",
    "api.together.xyz": "together_ai",
}
_LONG = re.compile(r"input_cost_per_token_above_([0-9]+)k_tokens")
_SNAPSHOT = re.compile(r"(20[2-9][0-9])-?([01][0-9])-?([0-3][0-9])(?![0-9])")


class Entry(Record, extra="ignore"):
    """One model in the table, in USD per token."""

    litellm_provider: str = ""
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    cache_read_input_token_cost: float | None = None
    cache_creation_input_token_cost: float | None = None


def price_of(model: str, base_url: str) -> Price | None:
    """Return the list price of `model` as sold at `base_url`, or None where the table holds none."""
    seller = SELLERS.get(urlsplit(base_url).hostname or "")
    table = _table()
    for name in (model, f"{seller}/{model}"):
        values = table.get(name)
        if seller is not None and values is not None and values.get("litellm_provider") == seller:
            return _price(values)
    return None


def parse_price(text: str) -> Price:
    """Read `--price IN,OUT`, in USD per million tokens; BadInput for anything else.

    Tokens from a cache are counted at IN, and those written to one at a quarter more, the dearest that is usual.
    """
    try:
        given, taken = (float(part) for part in text.split(","))
        return Price(input=given, output=taken, cached=given, cache_write=1.25 * given)
    except ValueError as error:
        raise BadInput(f"--price {text}: give two numbers, IN,OUT, in USD per million tokens, as in 3,15") from error


def source() -> str:
    """Say which table the prices come from, and how new it is: the youngest model that it names with a date."""
    dates = ("-".join(found.groups()) for name in _table() for found in _SNAPSHOT.finditer(name))
    return f"{PACKAGE} {distribution(PACKAGE).version}, newest dated model {max(dates, default='unknown')}"


@cache
def _table() -> dict[str, dict[str, object]]:
    path = Path(str(distribution(PACKAGE).locate_file(TABLE)))
    table: dict[str, dict[str, object]] = json.loads(path.read_text(encoding="utf-8"))
    return table


def _price(values: dict[str, object]) -> Price | None:
    price = _plain_price(Entry.model_validate(values))
    step = next((found for name in values if (found := _LONG.fullmatch(name))), None)
    if price is None or step is None:
        return price
    suffix = f"_above_{step[1]}k_tokens"
    dearer = {name.removesuffix(suffix): value for name, value in values.items() if name.endswith(suffix)}
    long = _plain_price(Entry.model_validate(values | dearer))
    return price.model_copy(update={"long_above": int(step[1]) * 1000, "long": long})


def _plain_price(entry: Entry) -> Price | None:
    # The table writes 0 for what it doesn't know and for what is free; only the user can say which.
    if not entry.input_cost_per_token or entry.output_cost_per_token is None:
        return None
    cached, written = entry.cache_read_input_token_cost, entry.cache_creation_input_token_cost
    per_million = {
        "input": entry.input_cost_per_token,
        "output": entry.output_cost_per_token,
        "cached": entry.input_cost_per_token if cached is None else cached,
        "cache_write": written or entry.input_cost_per_token,
    }
    return Price.model_validate({name: round(value * 1e6, 9) for name, value in per_million.items()})
