"""The user's keys: taken out of this process's environment, given to the clients, and out of everything written."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.errors import BadInput

# The number of the pipe through which keys reach this process after it has started itself again.
PIPE = "GROUNDWORK_KEYS_FD"
# A pipe takes this much before anybody reads it.
PIPE_BYTES = 65536
MOVED = "[key removed]"
MIN_CHARS = 8
FILE_BYTES = 100_000


class Keys:
    """Keys by the name of their variable. They show in no repr."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        secrets = {secret for secret in self._values.values() if len(secret) >= MIN_CHARS}
        # In JSON a key with a quote or a backslash looks different; the longest goes first, since one may hold another.
        quoted = {json.dumps(secret)[1:-1] for secret in secrets}
        self._secrets = sorted(secrets | quoted, key=len, reverse=True)

    def get(self, name: str) -> str | None:
        """Return the key of the variable `name`, or None."""
        return self._values.get(name)

    def scrub(self, text: str) -> str:
        """Return `text` without any key in it."""
        for secret in self._secrets:
            text = text.replace(secret, MOVED)
        return text


def take_keys(file: Path | None = None, warn: Callable[[str], None] = lambda _text: None) -> Keys:
    """Return the keys of environment and `file`, with this process's environment free of them.

    Where the environment holds keys this doesn't return: the process starts itself again with the same arguments and
    gets them through a pipe. Deleting them from `os.environ` would leave them in /proc/PID/environ, which any process
    of the same user may read. So call it first, before there is anything to lose. Keys in `file` win; BadInput where
    it can't be read, `warn` where others can.
    """
    exposed = {name: value for name, value in os.environ.items() if value and is_key(name)}
    if exposed:
        _start_again(exposed)
    values = _from_pipe()
    return Keys(values | (_from_file(file, warn) if file is not None else {}))


def is_key(name: str) -> bool:
    """True for the name of an environment variable that holds a key."""
    return name.endswith("_API_KEY") or name in ("ANTHROPIC_AUTH_TOKEN", "HF_TOKEN")


def _start_again(keys: dict[str, str]) -> None:
    content = json.dumps(keys).encode()
    if len(content) > PIPE_BYTES:
        raise BadInput("the keys in the environment are larger than 64 KiB; unset those that are no keys")
    # Across an earlier start the pipe may be unread still: its keys would be lost with it.
    content = json.dumps(_from_pipe() | keys).encode()
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    os.set_inheritable(reading, True)
    clean = {name: value for name, value in os.environ.items() if name not in keys} | {PIPE: str(reading)}
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], clean)  # noqa: S606


def _from_pipe() -> dict[str, str]:
    number = os.environ.pop(PIPE, "")
    if not number:
        return {}
    try:
        with os.fdopen(int(number), "rb") as pipe:
            values: dict[str, str] = json.loads(pipe.read())
    except (OSError, ValueError) as error:
        raise BadInput(f"{PIPE} is set and names no pipe with keys; unset it") from error
    return values


def _from_file(file: Path, warn: Callable[[str], None]) -> dict[str, str]:
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_BYTES:
                raise BadInput(f"{file}: a key file is a small text file with lines NAME=KEY")
            text = opened.read(FILE_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: the key file can't be read ({error})") from error
    if stat.S_IMODE(status.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        warn(f"{file}: other users may read these keys; chmod 600 {file}")
    lines = ((number, line.strip().removeprefix("export ")) for number, line in enumerate(text.splitlines(), start=1))
    return dict(_entry(file, number, line) for number, line in lines if line and not line.startswith("#"))


def _entry(file: Path, number: int, line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    value = value.strip().strip("\"'")
    if not equals or not is_key(name.strip()) or not value:
        raise BadInput(f"{file}:{number}: not a line NAME=KEY with a name such as ANTHROPIC_API_KEY or OPENAI_API_KEY")
    return name.strip(), value
