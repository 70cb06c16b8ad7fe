"""Language models of a few blocks with random weights, saved as people save them, and text for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2Model,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

BLOCKS, D_IN, WORDS = 3, 16, 50
COMMON = {"vocab_size": WORDS, "hidden_size": D_IN, "intermediate_size": 32, "num_hidden_layers": BLOCKS}
HEADS = {"num_attention_heads": 2}
FAMILIES = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**COMMON, **HEADS)),
    "pythia": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**COMMON, **HEADS)),
    "gemma": lambda: Gemma2ForCausalLM(Gemma2Config(**COMMON, **HEADS, num_key_value_heads=1, head_dim=8)),
    "gpt2": lambda: GPT2Model(GPT2Config(vocab_size=WORDS, n_embd=D_IN, n_layer=BLOCKS, n_head=2)),
}


def save_model(folder: Path, family: str = "llama", **special: str) -> Path:
    """Save a model with its tokenizer; `special` are the tokenizer's own tokens, a start token if none are given."""
    torch.manual_seed(0)
    FAMILIES[family]().save_pretrained(folder)
    special = special or {"bos_token": "[BOS]"}
    words = {"[UNK]": 0, "[BOS]": 1, **{f"w{i}": i for i in range(2, WORDS)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", **special).save_pretrained(folder)
    return folder


def texts(count: int, words: int = 15) -> list[str]:
    """Draw pages of words that the tokenizer knows."""
    generator = np.random.default_rng(0)
    return [" ".join(f"w{i}" for i in generator.integers(2, WORDS, size=words)) for _ in range(count)]


def save_jsonl(path: Path, count: int = 400) -> Path:
    """Write a text file as a user has it: one document a line."""
    path.write_text("".join(json.dumps({"id": f"page{n}", "text": text}) + "\n" for n, text in enumerate(texts(count))))
    return path


def own_profile(root: Path, family: str = "llama", **keys: Any) -> dict[str, Any]:
    """Save model and text below `root` and return a profile on them, by absolute paths."""
    model, text = save_model(root / f"tiny-{family}", family), save_jsonl(root / "pages.jsonl")
    sequences = {"train_sequences": 300, "tune_sequences": 3, "dev_sequences": 5, "test_sequences": 5}
    sizes = {"layer": 1, "context": 6, "d_sae": 24, "steps": 30, "batch_sequences": 4}
    return {"name": "own", "seeds": 2, "model": str(model), "text": str(text), **sequences, **sizes, **keys}


def write_profile(folder: Path, profile: dict[str, Any]) -> Path:
    """Write a profile as the template's programs get it."""
    path = folder / "profile.json"
    path.write_text(json.dumps(profile))
    return path
