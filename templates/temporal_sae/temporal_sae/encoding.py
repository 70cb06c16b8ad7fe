"""The grader's end of the pipe to an encoder's process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor

from temporal_sae.encoder_host import CODES, FAILED, FAILURE_BYTES, serve

TIMEOUT_S = 60.0


class EncoderError(Exception):
    """The encoder raised, hung, died, or answered with something other than codes."""


class RemoteEncoder:
    """A fresh process for one artefact's encoder; use it in a `with` block. One deadline for all it is asked.

    Fresh processes come from a fork server that has imported torch and nothing else: no state of another seed's
    encoder can survive, and starting one takes milliseconds where an import of torch takes seconds.
    """

    def __init__(self, encoder: Path, weights: bytes, shape: tuple[int, int], timeout_s: float = TIMEOUT_S) -> None:
        """Start it. `shape` is (d_in, d_sae)."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["temporal_sae.encoder_host"])
        self.d_in, self.d_sae = shape
        self._timeout_s = timeout_s
        self._late = False
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, str(encoder), weights, self.d_in), daemon=True)
        self._process.start()
        theirs.close()
        self._deadline = threading.Timer(timeout_s, self._expire)
        self._deadline.daemon = True
        self._deadline.start()

    def __enter__(self) -> RemoteEncoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._deadline.cancel()
        self._pipe.close()
        self._kill()
        self._process.join()

    def encode(self, x_TD: Tensor) -> Tensor:
        """Return the codes (T, F) of one whole sequence, rounded to bfloat16; raises EncoderError."""
        tokens = x_TD.shape[0]
        expected = tokens * self.d_sae * 2
        try:
            self._pipe.send_bytes(x_TD.contiguous().numpy().tobytes())
            # Longer messages are refused before they are read, so an encoder can't fill our memory.
            answer = self._pipe.recv_bytes(max(expected, FAILURE_BYTES) + 1)
        except (EOFError, OSError) as error:
            raise EncoderError(self._why()) from error
        if answer[:1] == FAILED:
            raise EncoderError("the encoder raised:\n" + answer[1:].decode(errors="replace").strip())
        if answer[:1] != CODES or len(answer) != expected + 1:
            got = (len(answer) - 1) / 2 / tokens
            raise EncoderError(f"the encoder gave {got:g} codes a token, not {self.d_sae}")
        codes = torch.frombuffer(bytearray(answer[1:]), dtype=torch.int16).view(torch.bfloat16)
        f_TF = codes.reshape(tokens, self.d_sae).float()
        if not f_TF.isfinite().all():
            raise EncoderError("the encoder gave a code that is not finite")
        return f_TF

    def _why(self) -> str:
        if self._late:
            return f"the encoder did not answer within {self._timeout_s:g} s"
        return "the encoder's process died, or sent more than codes"

    def _expire(self) -> None:
        self._late = True
        self._kill()

    def _kill(self) -> None:
        # The host made itself leader of a group; until it has, killing the process alone is enough.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
