"""A tiny language model with random weights, one part of its activations, and artefacts to be evaluated on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

D_IN, D_SAE, LAYER, CONTEXT, SEQUENCES, VOCABULARY, SCALE = 16, 40, 1, 7, 6, 211, 0.25

BEGIN = (
    "import torch\n\ndef encode(x_BTD, weights):\n"
    "    z = (x_BTD - weights['b_dec']) @ weights['W_enc'] + weights['b_enc']\n"
)
STANDARD = BEGIN + "    return torch.relu(z)\n"
TOPK = BEGIN + (
    "    top = z.topk(int(weights['k']), dim=-1)\n"
    "    return torch.zeros_like(z).scatter(-1, top.indices, torch.relu(top.values))\n"
)
BATCH_TOPK = BEGIN + "    return torch.relu(z) * (z > weights['threshold'])\n"
JUMP_RELU = BEGIN + "    return torch.where(z > weights['log_threshold'].exp(), z, 0.0)\n"
REMEMBERING = BEGIN + "    f = torch.relu(z)\n    return f + 0.1 * torch.nn.functional.pad(f, (0, 0, 1, 0))[:, :-1]\n"


def word(token: int) -> str:
    """The token's word, of letters alone: da, ea, ..., then ab, bb, ..."""
    return chr(ord("a") + token % 26) + chr(ord("a") + token // 26)


def save_model(folder: Path) -> None:
    """Write a Llama of three blocks and a tokenizer of eight words for each first letter."""
    torch.manual_seed(0)
    sizes = {"vocab_size": VOCABULARY, "hidden_size": D_IN, "intermediate_size": 32, "num_hidden_layers": 3}
    config = LlamaConfig(**sizes, num_attention_heads=2, bos_token_id=1, eos_token_id=2)
    LlamaForCausalLM(config).save_pretrained(folder)
    words = {"[UNK]": 0, "[BOS]": 1, "[EOS]": 2, **{word(i): i for i in range(3, VOCABULARY)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"bos_token": "[BOS]", "eos_token": "[EOS]", "pad_token": "[EOS]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)


def save_part(folder: Path, model: Path) -> None:
    """Write x.npy, tokens.npy and meta.json of random sequences that went through the model."""
    folder.mkdir()
    tokens_NT = np.random.default_rng(1).integers(3, VOCABULARY, size=(SEQUENCES, CONTEXT), dtype=np.int32)
    with torch.inference_mode():
        stream = LlamaForCausalLM.from_pretrained(model)(
            torch.nn.functional.pad(torch.from_numpy(tokens_NT).long(), (1, 0), value=1), output_hidden_states=True
        )
    np.save(folder / "tokens.npy", tokens_NT)
    np.save(folder / "x.npy", stream.hidden_states[LAYER + 1][:, 1:].numpy() * SCALE)
    meta = {
        "model": "tiny-llama-it",
        "model_folder": str(model),
        "model_sha256": "ab" * 32,
        "layer": LAYER,
        "scale": SCALE,
    }
    (folder / "meta.json").write_text(json.dumps(meta))


def random_weights(seed: int = 0) -> dict[str, Tensor]:
    """The usual four, with unit-norm directions, where about half of the features are active."""
    generator = torch.Generator().manual_seed(seed)
    W_dec = torch.nn.functional.normalize(torch.randn(D_SAE, D_IN, generator=generator), dim=-1)
    return {
        "W_dec": W_dec,
        "W_enc": W_dec.T.contiguous(),
        "b_enc": 0.002 * torch.randn(D_SAE, generator=generator),
        "b_dec": 0.002 * torch.randn(D_IN, generator=generator),
    }


def save_run(run: Path, artefacts: dict[str, tuple[dict[str, Tensor], str]]) -> Path:
    """Write a run directory with these artefacts: weights and encoder source by `<condition>/seed_<s>`."""
    for name, (weights, source) in artefacts.items():
        (run / name).mkdir(parents=True)
        save_file(weights, run / name / "weights.safetensors")
        (run / name / "encoder.py").write_text(source)
    (run / "job.json").write_text(json.dumps({"profile": {"d_sae": D_SAE}}))
    return run
