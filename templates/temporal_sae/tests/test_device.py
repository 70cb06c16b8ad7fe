from __future__ import annotations

import pytest
import torch
from temporal_sae.device import choose_device, precision


def test_auto_takes_cuda_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu").type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="no CUDA device here; use 'auto' or 'cpu'"):
        choose_device("cuda")


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of cpu, cuda, auto"):
        choose_device("tpu")
    with pytest.raises(ValueError, match="one of fp32, bf16"):
        precision(torch.device("cpu"), "fp16")


@pytest.mark.parametrize(("dtype", "product"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_have_the_profiles_precision(dtype: str, product: torch.dtype) -> None:
    context = precision(torch.device("cpu"), dtype)
    for _ in range(2):  # a training enters it at every step
        with context:
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == product
