"""A trusted program's end of the socket to an encoder's host."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

import torch
from torch import Tensor

from temporal_sae.encoder_host import CODES, ENDED, FAILED, FAILURE_BYTES

TIMEOUT_S = 60.0
BESIDE = "GROUNDWORK_BESIDE"
DIED = "the encoder's process died, or sent more than codes"


class EncoderError(Exception):
    """The encoder raised, hung, died, or answered with something other than codes."""


class Host:
    """A program that runs artefacts' encoders one after another, each in a fresh process (see `encoder_host`)."""

    def __init__(self, joined: socket.socket, timeout_s: float = TIMEOUT_S) -> None:
        """Talk over `joined`. One deadline holds for all that an encoder is asked."""
        self._socket, self._timeout_s = joined, timeout_s
        self._pipe = Connection(os.dup(joined.fileno()))
        self._given_up = ""

    @contextmanager
    def encoder(self, source: bytes, weights: bytes, shape: tuple[int, int]) -> Iterator[RemoteEncoder]:
        """Start an encoder; `shape` is (d_in, d_sae). An error, also one that is caught inside, ends the host's use."""
        if self._given_up:
            raise EncoderError(f"the host was given up when an encoder before this one failed: {self._given_up}")
        deadline = threading.Timer(self._timeout_s, self._expire)
        deadline.daemon = True
        deadline.start()
        try:
            for message in (json.dumps({"d_in": shape[0]}).encode(), source, weights):
                self._send(message)
            yield RemoteEncoder(self, shape[1])
            self._send(b"")
            if self._receive(FAILURE_BYTES) != ENDED:
                raise self.give_up("the encoder's process sent more than codes")
        except BaseException as error:
            self.give_up(str(error))
            raise
        finally:
            deadline.cancel()

    def ask(self, message: bytes, answer_bytes: int) -> bytes:
        """Return the codes that answer `message`, of that length at most; raises EncoderError."""
        self._send(message)
        answer = self._receive(max(answer_bytes, FAILURE_BYTES))
        if answer[:1] == FAILED:
            raise self.give_up("the encoder raised:\n" + answer[1:].decode(errors="replace").strip())
        if answer[:1] != CODES:
            raise self.give_up(DIED)
        return answer[1:]

    def give_up(self, why: str) -> EncoderError:
        """Hang up, and return the error to be raised; the first reason stays.

        What an encoder that failed still says, or is still asked, must not be taken for the next one's.
        """
        self._given_up = self._given_up or why
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        return EncoderError(self._given_up)

    def _send(self, message: bytes) -> None:
        try:
            self._pipe.send_bytes(message)
        except OSError as error:
            raise self.give_up(DIED) from error

    def _receive(self, limit_bytes: int) -> bytes:
        try:
            # Longer messages are refused before they are read, so an encoder can't fill our memory.
            return self._pipe.recv_bytes(limit_bytes + 1)
        except (EOFError, OSError) as error:
            raise self.give_up(DIED) from error

    def _expire(self) -> None:
        self.give_up(f"the encoder did not answer within {self._timeout_s:g} s")


class RemoteEncoder:
    """One artefact's encoder, in its process."""

    def __init__(self, host: Host, d_sae: int) -> None:
        self._host, self._d_sae = host, d_sae

    def encode(self, x_TD: Tensor) -> Tensor:
        """Return the codes (T, F) of one whole sequence, rounded to bfloat16; raises EncoderError."""
        tokens = x_TD.shape[0]
        expected = tokens * self._d_sae * 2
        answer = self._host.ask(x_TD.contiguous().numpy().tobytes(), expected)
        if len(answer) != expected:
            raise self._host.give_up(f"the encoder gave {len(answer) / 2 / tokens:g} codes a token, not {self._d_sae}")
        f_TF = torch.frombuffer(bytearray(answer), dtype=torch.int16).view(torch.bfloat16).reshape(tokens, -1).float()
        if not f_TF.isfinite().all():
            raise self._host.give_up("the encoder gave a code that is not finite")
        return f_TF


def hosts_beside(timeout_s: float = TIMEOUT_S) -> tuple[Host, Host]:
    """Return the two hosts that run beside this program, joined by the sockets that its environment names.

    Raises EncoderError where there are none: started by hand, a program has nowhere to run an encoder.
    """
    numbers = [number for number in os.environ.get(BESIDE, "").split(",") if number]
    if len(numbers) != 2:
        raise EncoderError(f"{BESIDE} names {len(numbers)} sockets, not 2: this program is started by Groundwork alone")
    first, second = (Host(socket.socket(fileno=int(number)), timeout_s) for number in numbers)
    return first, second
