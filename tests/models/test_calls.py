"""Counting before a provider has counted: on the high side of real tokenizers."""

from importlib.metadata import distribution
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from orchestrator.models.calls import estimate_input, estimate_tokens, worst_case
from tests.conftest import ROOT
from tests.models.conftest import ask

TOKENIZER = "litellm/litellm_core_utils/tokenizers/anthropic_tokenizer.json"
TEXTS = {
    "code": (ROOT / "orchestrator" / "journal.py").read_text(),
    "prompt": (ROOT / "orchestrator" / "prompts" / "plan.md.j2").read_text(),
    "LaTeX": (ROOT / "latex_template" / "paper.tex.j2").read_text(),
    "json": (ROOT / "tests" / "quick" / "quick_momentum.session.jsonl").read_text(),
    "numbers": " ".join(f"{value / 7:.4f}" for value in range(500)),
    "Chinese": "稀疏自编码器把激活分解成特征。" * 40,
    "Greek": "Ο κωδικοποιητής αραιής αναπαράστασης μαθαίνει. " * 20,
}


@pytest.mark.parametrize("kind", TEXTS)
def test_an_estimate_is_high_but_no_fantasy(kind):
    tokenizer = Tokenizer.from_file(str(Path(str(distribution("litellm").locate_file(TOKENIZER)))))
    real = len(tokenizer.encode(TEXTS[kind]).ids)
    assert real <= estimate_tokens(TEXTS[kind]) <= 4 * real


def test_the_worst_case_writes_the_whole_prompt_to_a_cache_and_answers_at_full_length():
    worst = worst_case(ask("x" * 200))
    assert worst.input_tokens == worst.cache_write_tokens == estimate_input(ask("x" * 200)) == 108
    assert (worst.output_tokens, worst.cached_tokens) == (100, 0)
