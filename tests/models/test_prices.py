"""List prices, read from the installed table without running the package that carries it."""

import subprocess
import sys

import pytest

from orchestrator.errors import BadInput
from orchestrator.models.prices import parse_price, price_of, source
from orchestrator.outside import Answer
from tests.conftest import ROOT

ANTHROPIC, OPENAI = "https://api.anthropic.com", "https://api.openai.com/v1"


def test_a_listed_model_has_all_four_prices():
    price = price_of("claude-sonnet-4-5", ANTHROPIC)
    assert (price.input, price.output, price.cached, price.cache_write) == (3, 15, 0.3, 3.75)
    price = price_of("gpt-4o", OPENAI)
    assert (price.input, price.output, price.cached, price.cache_write) == (2.5, 10, 1.25, 2.5)


def test_a_long_prompt_costs_what_the_table_says_for_long_ones():
    price = price_of("claude-sonnet-4-5", ANTHROPIC)
    for tokens, usd in ((200_000, 0.615), (200_001, 1.222506)):
        answer = Answer(text="", model="", input_tokens=tokens, output_tokens=1000)
        assert price.cost_usd(answer) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("no-such-model", OPENAI),
        ("claude-sonnet-4-5", OPENAI),
        ("gpt-4o", "http://127.0.0.1:8000/v1"),
        ("gpt-4o", "https://api.openai.com.example.org/v1"),
        ("text-moderation-stable", OPENAI),
    ],
)
def test_a_price_that_nobody_listed_is_none_and_never_zero(model, base_url):
    assert price_of(model, base_url) is None


def test_other_sellers_have_prices_of_their_own():
    assert price_of("deepseek-chat", "https://api.deepseek.com/v1").input == pytest.approx(0.28)
    assert price_of("openai/gpt-4o", "https://openrouter.ai/api/v1").output == 10


def test_the_source_says_version_and_age():
    name, newest = source().split(", newest dated model ")
    assert name.startswith("litellm 1.")
    assert newest >= "2026-01-01"


def test_a_price_of_the_users_counts_cached_tokens_in_full():
    price = parse_price("3,15")
    assert (price.input, price.output, price.cached, price.cache_write) == (3, 15, 3, 3.75)
    assert parse_price("0,0").cost_usd(Answer(text="", model="", input_tokens=10**9, output_tokens=10**9)) == 0


@pytest.mark.parametrize("text", ["", "3", "3,x", "3,4,5", "-1,2", "nan,1", "inf,1"])
def test_another_form_of_price_is_refused(text):
    with pytest.raises(BadInput, match="IN,OUT"):
        parse_price(text)


def test_no_client_and_no_litellm_is_imported_for_prices_and_choices():
    code = (
        "import sys; from orchestrator.models import choice, prices; "
        "choice.parse_choice('anthropic/claude-sonnet-4-5'); prices.source(); "
        "print(sorted({'litellm', 'openai', 'anthropic', 'httpx', 'httpx2', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
