"""Reads what untrusted code left behind: regular files only, no link followed, a size cap, and never blocking."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from orchestrator.errors import GroundworkError

LOG_BYTES = 256 * 1024 * 1024
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO that nobody writes to would wait forever.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
REASONS = {
    errno.ENOENT: "is missing",
    errno.ELOOP: "is a link",
    errno.ENOTDIR: "lies behind a link or behind something that is no folder",
    errno.ENXIO: "is no regular file",
    errno.ENAMETOOLONG: "has too long a name",
}


class LeftoverRefused(GroundworkError):  # noqa: N818 - named like the rest of its family
    """A file that untrusted code left is not read; the message names the file and the reason."""


def read_leftover(root: Path, relative: str, limit_bytes: int) -> bytes:
    """Return the bytes of the regular file `root/relative`; raises LeftoverRefused for anything else.

    `root` itself is trusted and may be a link; below it no link is followed, in parent folders neither. A file of more
    than `limit_bytes` is refused and not cut.
    """
    try:
        descriptor = _open_below(root, relative)
    except OSError as error:
        raise LeftoverRefused(f"{relative!r} {_reason(error)}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise LeftoverRefused(f"{relative!r} is no regular file")
        # One byte more than allowed is asked for, since a file may grow while it is read.
        content = b"" if status.st_size > limit_bytes else _read(descriptor, limit_bytes + 1)
    finally:
        os.close(descriptor)
    if max(status.st_size, len(content)) > limit_bytes:
        raise LeftoverRefused(f"{relative!r} is larger than {limit_bytes} bytes")
    return content


def read_log(root: Path, relative: str) -> str:
    """Return a log that an untrusted process wrote to, or why it can't be read; never raises for what lies there."""
    try:
        return read_leftover(root, relative, LOG_BYTES).decode(errors="replace")
    except LeftoverRefused as refused:
        return str(refused)


def list_leftovers(root: Path, limit: int) -> tuple[str, ...]:
    """Return the regular files below `root`, as sorted relative paths; links and special files are left out.

    Raises LeftoverRefused where there are more than `limit` entries of any kind, or a name that isn't UTF-8.
    """
    found: list[str] = []
    folders, entries = [root], 0
    try:
        while folders:
            with os.scandir(folders.pop()) as listing:
                for entry in listing:
                    entries += 1
                    if entries > limit:
                        raise LeftoverRefused(f"{str(root)!r} holds more than {limit} files and folders")
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        found.append(_readable_name(root, entry.path))
    except OSError as error:
        raise LeftoverRefused(f"{str(error.filename)!r} {_reason(error)}") from error
    return tuple(sorted(found))


def _open_below(root: Path, relative: str) -> int:
    path = PurePosixPath(relative)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in relative:
        raise LeftoverRefused(f"{relative!r} is no plain relative path")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in path.parts[:-1]:
            inner = os.open(part, FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(path.name, FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _read(descriptor: int, limit_bytes: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(limit_bytes)


def _readable_name(root: Path, path: str) -> str:
    name = os.path.relpath(path, root)
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise LeftoverRefused(f"{name!r} has a name that is not UTF-8") from error
    return name


def _reason(error: OSError) -> str:
    return REASONS.get(error.errno or 0, f"cannot be read: {error.strerror}")
