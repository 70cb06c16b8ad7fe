"""A tiny random language model with its tokenizer, and parts of data made with it.

python tests/tiny_model.py OUT [CONTEXT SEQUENCES]    writes OUT/model and OUT/{train,tune,dev,test}
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

D_IN, WORDS, LAYER = 12, 40, 1
PARTS = ("train", "tune", "dev", "test")
TOPICS = ("ref/models", "ref/forms", "topics/db", "topics/http", "howto/deploy")


def save_model(folder: Path) -> Path:
    """Save a Llama of three blocks, with weights large enough that each block matters."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=D_IN,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=2,
        initializer_range=0.4,
        bos_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    words = Tokenizer(WordLevel({f"w{n}": n for n in range(WORDS)}, unk_token="w1"))
    PreTrainedTokenizerFast(tokenizer_object=words, bos_token="w0").save_pretrained(folder)
    return folder


def write_part(folder: Path, model: Path, tokens_NT: np.ndarray) -> Path:
    """Write what a part of the data holds: activations, tokens, documents, and where they come from."""
    from temporal_sae.activations import ResidualStream, norms, scale_to_unit

    x_NTD = ResidualStream(model, LAYER).activations(torch.from_numpy(tokens_NT)).numpy()
    scale = scale_to_unit(norms(x_NTD), D_IN)
    folder.mkdir(parents=True)
    np.save(folder / "x.npy", (x_NTD * scale).astype(np.float16))
    np.save(folder / "tokens.npy", tokens_NT.astype(np.int32))
    names = [f"{topic}/{page}.txt" for topic in TOPICS for page in "ab"]
    np.save(folder / "documents.npy", np.arange(len(tokens_NT), dtype=np.int32) % len(names))
    (folder / "documents.json").write_text(json.dumps(names))
    about = {"model_folder": str(model), "layer": LAYER, "scale": scale, "start_token": 0}
    (folder / "meta.json").write_text(json.dumps(about))
    return folder


def main(out: Path, context: int = 8, sequences: int = 20) -> None:
    """Write a model and four parts of other random text each."""
    model, generator = save_model(out / "model"), np.random.default_rng(0)
    for part in PARTS:
        write_part(out / part, model, generator.integers(2, WORDS, size=(sequences, context)))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:]))
