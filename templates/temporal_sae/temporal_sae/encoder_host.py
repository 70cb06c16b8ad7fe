"""The process in which an artefact's encoder runs: it gets activations over a pipe and answers with codes.

Untrusted once the encoder is imported. The other end reads bytes of a known length and never unpickles them.
"""

from __future__ import annotations

import os
import resource
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from temporal_sae.artefacts import load_encoder
from temporal_sae.sae import Encode

CODES = b"C"
FAILED = b"E"
FAILURE_BYTES = 8000


def serve(pipe: Connection, encoder: str, weights: bytes, d_in: int) -> None:
    """Answer each message (float32, T * d_in values) with CODES and the codes (bfloat16, T * F values), or FAILED."""
    confine()
    # One thread: waiting threads of two processes that answer each other in turn would take the cores from each other.
    torch.set_num_threads(1)
    try:
        encode = load_encoder(Path(encoder))
        tensors = safetensors.torch.load(weights)
        while message := pipe.recv_bytes():
            x_1TD = torch.from_numpy(np.frombuffer(message, dtype=np.float32).copy()).reshape(1, -1, d_in)
            pipe.send_bytes(CODES + codes(encode, x_1TD, tensors))
    except EOFError:
        return
    except BaseException:  # noqa: BLE001 - whatever the encoder raises (SystemExit, too) is reported as its failure
        pipe.send_bytes(FAILED + traceback.format_exc().encode()[-FAILURE_BYTES:])


@torch.inference_mode()
def codes(encode: Encode, x_1TD: torch.Tensor, weights: dict[str, torch.Tensor]) -> bytes:
    """Return the codes of one sequence as raw bfloat16, so that nothing but codes of that precision gets out."""
    f_1TF = encode(x_1TD, weights)
    return f_1TF.to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes()


def confine() -> None:
    """Leave the grader's process group (so that it can end us and ours), its output, and any hope to write a file."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
