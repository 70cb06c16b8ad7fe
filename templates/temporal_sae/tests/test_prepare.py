from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import python
from temporal_sae.activations import ResidualStream, compute, scale_to_unit
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerFast

PROFILE = {
    "name": "tiny",
    "seeds": 2,
    "model": "tiny-llama",
    "text": "pages",
    "layer": 1,
    "context": 6,
    "train_sequences": 40,
    "tune_sequences": 3,
    "dev_sequences": 5,
    "test_sequences": 5,
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three blocks with random weights, and 200 short pages."""
    root = tmp_path_factory.mktemp("cache")
    folder = root / "models" / "tiny-llama"
    torch.manual_seed(0)
    sizes = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3}
    LlamaModel(LlamaConfig(**sizes, num_attention_heads=2, bos_token_id=1)).save_pretrained(folder)
    words = {"[UNK]": 0, "[BOS]": 1, **{f"w{i}": i for i in range(2, 50)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="[BOS]", unk_token="[UNK]").save_pretrained(folder)
    (folder / "weights.sha256").write_text(hashlib.sha256(b"tiny").hexdigest())
    (root / "text" / "pages").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for page in range(200):
        text = " ".join(f"w{i}" for i in generator.integers(2, 50, size=15))
        (root / "text" / "pages" / f"page{page}.txt").write_text(text)
    return root


def test_activations_are_those_of_the_whole_model_less_the_first_position(cache: Path) -> None:
    folder = cache / "models" / "tiny-llama"
    stream = ResidualStream(folder, layer=1)
    x_NTD = compute(stream, [[5, 6, 7], [8, 9, 10]], lambda count: None)
    with torch.inference_mode():
        whole = LlamaModel.from_pretrained(folder)(torch.tensor([[1, 5, 6, 7]]), output_hidden_states=True)
    assert x_NTD.shape == (2, 3, 16)
    assert np.allclose(x_NTD[0], whole.hidden_states[2][0, 1:].numpy(), atol=1e-5)


def test_a_block_that_does_not_exist_is_an_error(cache: Path) -> None:
    with pytest.raises(ValueError, match="blocks 0 to 2"):
        ResidualStream(cache / "models" / "tiny-llama", layer=3)


def test_the_scale_makes_the_mean_norm_the_root_of_the_size() -> None:
    x = np.array([[[3.0, 4.0], [0.0, 1.0]]], dtype=np.float32)
    assert np.linalg.norm(scale_to_unit(x) * x, axis=-1).mean() == pytest.approx(np.sqrt(2))


def test_parts_are_made_once_and_found_again(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text(json.dumps(PROFILE))
    flags = ("--profile", str(tmp_path / "profile.json"), "--cache", str(cache), "--out", str(tmp_path))
    done = python("-m", "temporal_sae.prepare", *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / "parts.json").read_text())
    x = {part: np.load(Path(folder) / "x.npy") for part, folder in made["parts"].items()}
    assert {part: array.shape for part, array in x.items()} == {
        "train": (40, 6, 16),
        "tune": (3, 6, 16),
        "dev": (5, 6, 16),
        "test": (5, 6, 16),
    }
    assert np.linalg.norm(x["train"].astype(np.float32), axis=-1).mean() == pytest.approx(4.0, rel=1e-3)
    last = json.loads((tmp_path / "progress.jsonl").read_text().splitlines()[-1])
    assert last == {"what": "activations", "done": 53, "total": 53}
    times = {part: (Path(folder) / "x.npy").stat().st_mtime_ns for part, folder in made["parts"].items()}
    assert python("-m", "temporal_sae.prepare", *flags, cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "parts.json").read_text()) == made
    assert times == {part: (Path(folder) / "x.npy").stat().st_mtime_ns for part, folder in made["parts"].items()}
