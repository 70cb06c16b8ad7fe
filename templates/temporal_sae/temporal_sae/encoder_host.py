"""The program in which artefacts' encoders run, in a sandbox of its own: activations come in, codes go out.

    python -m temporal_sae.encoder_host        standard input is a socket to the grader

Each encoder gets a fresh process, forked from one that has imported torch and nothing else: that takes milliseconds,
where an import of torch takes seconds. A conversation is three messages (the shape as JSON, the encoder's source, its
weights as safetensors), then activations, each answered with CODES or FAILED, then an empty message; ENDED follows when
the process has ended, however it did. Nothing is unpickled, on either side.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from types import ModuleType

import numpy as np
import safetensors.torch
import torch

from temporal_sae.sae import Encode

CODES = b"C"
FAILED = b"E"
ENDED = b"Z"
FAILURE_BYTES = 8000


def main() -> None:
    """Serve one encoder after another until the grader hangs up."""
    grader = Connection(os.dup(0))
    # One thread: waiting threads of two processes that answer each other in turn would take the cores from each other.
    torch.set_num_threads(1)
    with suppress(EOFError, ConnectionError):
        while True:
            shape, source, weights = (grader.recv_bytes() for _ in range(3))
            child = os.fork()
            if child == 0:
                serve(grader, source.decode(), weights, json.loads(shape)["d_in"])
            os.waitpid(child, 0)
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            grader.send_bytes(ENDED)


def serve(grader: Connection, source: str, weights: bytes, d_in: int) -> None:
    """Answer each message (float32, T * d_in values) with CODES and the codes (bfloat16, T * F values); never return.

    Untrusted from the import of the encoder on; whatever it raises is answered with FAILED.
    """
    confine()
    try:
        encode = load(source)
        tensors = safetensors.torch.load(weights)
        while message := grader.recv_bytes():
            x_1TD = torch.from_numpy(np.frombuffer(message, dtype=np.float32).copy()).reshape(1, -1, d_in)
            grader.send_bytes(CODES + codes(encode, x_1TD, tensors))
    except BaseException:  # noqa: BLE001 - whatever the encoder raises (SystemExit, too) is reported as its failure
        with suppress(OSError):
            grader.send_bytes(FAILED + traceback.format_exc().encode()[-FAILURE_BYTES:])
    os._exit(0)


def load(source: str) -> Encode:
    """Run the module's text and return its `encode`."""
    module = ModuleType("encoder")
    sys.modules["encoder"] = module
    exec(compile(source, "encoder.py", "exec"), module.__dict__)  # noqa: S102 - this process exists for nothing else
    return module.encode


@torch.inference_mode()
def codes(encode: Encode, x_1TD: torch.Tensor, weights: dict[str, torch.Tensor]) -> bytes:
    """Return the codes of one sequence as raw bfloat16, so that nothing but codes of that precision gets out."""
    f_1TF = encode(x_1TD, weights)
    return f_1TF.to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes()


def confine() -> None:
    """Become leader of a process group, which ends with this process; leave all output and any hope to write a file."""
    os.setpgid(0, 0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
