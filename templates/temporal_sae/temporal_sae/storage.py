"""Files as this package writes and reads them: whole or not at all, and nothing that is not a regular file."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

WAIT_S = 0.5


class UnreadableError(Exception):
    """A file is missing, not a regular file, reached through a link, or larger than allowed."""


@contextlib.contextmanager
def locked(folder: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the folder's lock; `waiting` is called twice a second while another process has it.

    The kernel lets go of it when its holder ends, however that happens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(WAIT_S)
        yield


def publish(final: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a folder and give it the name `final` in one step; an existing `final` is kept as it is.

    Two processes may do this at once: each fills a folder of its own, and the one that is done first wins.
    """
    if final.exists():
        return
    final.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        fill(draft)
        draft.chmod(0o755)
        draft.rename(final)
    except OSError:
        if not final.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_json(path: Path, value: object) -> None:
    """Write `value` as strict JSON (NaN raises ValueError), by rename, so that a reader never sees half a file."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    draft.rename(path)


def write_array(path: Path, array: np.ndarray) -> None:
    """Write `array` as .npy, by rename, so that a reader never sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(path)


def append_json_line(path: Path, value: dict[str, Any], *, durable: bool = False) -> None:
    """Append one line to a file, and with `durable` wait until it is on the disk.

    A non-finite number is written as it is: whoever watches progress shall see it.
    """
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(value) + "\n")
        if durable:
            stream.flush()
            os.fsync(stream.fileno())


def read_untrusted(root: Path, relative: str, limit_bytes: int) -> bytes:
    """Return the bytes of `root/relative`, which untrusted code may have left; raises UnreadableError.

    No component below `root` may be a link, and opening never blocks (a FIFO is refused).
    """
    folder = root
    for part in Path(relative).parts[:-1]:
        folder = folder / part
        if not stat.S_ISDIR(_lstat(folder, relative).st_mode):
            raise UnreadableError(f"{relative}: {part} is not a folder")
    path = root / relative
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableError(f"{relative}: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise UnreadableError(f"{relative}: not a regular file")
        content = stream.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise UnreadableError(f"{relative}: larger than {limit_bytes} bytes")
    return content


def _lstat(path: Path, relative: str) -> os.stat_result:
    try:
        return path.lstat()
    except OSError as error:
        raise UnreadableError(f"{relative}: {error.strerror}") from error
