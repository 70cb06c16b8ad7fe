from __future__ import annotations

import pytest
from temporal_sae.encoder_source import encoder_source, extract

SOURCE = """
from __future__ import annotations
import os
import torch
from temporal_sae.job import read_job

SHARPNESS: float = 2.0
UNUSED = os.sep

def gate(x):
    return torch.relu(SHARPNESS * x)

def encode(x_BTD, weights):
    return gate(x_BTD)

def main():
    read_job(None)
"""


def test_the_encoder_takes_along_what_it_names_and_nothing_else() -> None:
    text = extract(SOURCE)
    module: dict[str, object] = {}
    exec(text, module)
    assert {"torch", "SHARPNESS", "gate", "encode"} <= set(module)
    assert not {"os", "UNUSED", "main", "read_job"} & set(module)


def test_only_a_top_level_function_called_encode_will_do() -> None:
    with pytest.raises(ValueError, match="top-level function called encode"):
        encoder_source(lambda x_BTD, weights: x_BTD)
