"""A person with a chat window, or any other agent, is the model: prompts are files, and so are answers.

In `<idea folder>/mailbox/` (0700) `<nonce>.prompt.md` is the open prompt; `<nonce>.answer.md` answers it. Both stay
where they are: a resumed idea that asks the same again finds its prompt, and an answer that came in the meantime.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from orchestrator.errors import BadInput, ModelUnavailable
from orchestrator.leftovers import LeftoverRefused, read_leftover
from orchestrator.models.calls import FREE, Terms, request_text, sha256_of
from orchestrator.outside import Answer, Request
from orchestrator.records import Record

FOLDER = "mailbox"
PROMPT, ANSWER, DRAFT, REFUSED, WITHDRAWN = ".prompt.md", ".answer.md", ".draft.md", ".refused.md", ".withdrawn.md"
ANSWER_BYTES = 1_000_000
POLL_S = 0.2
# A file whose last change is a rename (ctime after mtime) is whole; any other has to lie still for this long.
STILL_S = 2.0


class OpenPrompt(Record):
    """The prompt that waits for an answer."""

    nonce: str
    path: Path
    text: str


class Mailbox:
    """A provider that waits for a file."""

    TERMS: ClassVar[Terms] = Terms(provider="mailbox", model="", price=FREE, metered=False)

    def __init__(
        self, folder: Path, notice: Callable[[str], None] = lambda _line: None, wait_s: float | None = None
    ) -> None:
        """`folder` is the idea folder; `notice` gets lines for the terminal; without `wait_s` it waits for ever."""
        self._idea = folder
        self._folder = folder / FOLDER
        self._notice = notice
        self._wait_s = wait_s

    def terms(self, stage: str) -> Terms:
        """Return that it costs nothing that could be counted."""
        return self.TERMS

    def answer(self, request: Request) -> Answer:
        """Put up the prompt and wait for its answer; ModelUnavailable after `wait_s`. Ctrl-C leaves the prompt open."""
        nonce = self._post(request)
        self._notice(f"  waiting for an answer to {self._folder / (nonce + PROMPT)}")
        started = time.monotonic()
        while (text := self._take(nonce)) is None:
            if self._wait_s is not None and time.monotonic() - started > self._wait_s:
                raise ModelUnavailable(
                    f"mailbox: no answer to {nonce}{PROMPT} in {self._wait_s:.0f} s; hand one in with "
                    f"`launch.py mailbox {self._idea}`, then resume"
                )
            time.sleep(POLL_S)
        return Answer(text=text, model="mailbox")

    def _post(self, request: Request) -> str:
        """Return the nonce of the prompt for `request`, new or found; another that is still open is withdrawn."""
        _make_private(self._folder)
        sha256 = sha256_of(request_text(request))
        for path in self._folder.glob(f"*{PROMPT}"):
            if _text(path).rstrip().endswith(f"request {sha256}"):
                return _nonce(path)
        stale = open_prompt(self._idea)
        if stale is not None:
            stale.path.rename(self._folder / (stale.nonce + WITHDRAWN))
        nonce = secrets.token_hex(8)
        _write(self._folder / (nonce + PROMPT), _render(request, nonce, self._idea, sha256))
        return nonce

    def _take(self, nonce: str) -> str | None:
        name = nonce + ANSWER
        path = self._folder / name
        try:
            if not _is_whole(path):
                return None
            return _checked(read_leftover(self._folder, name, ANSWER_BYTES))
        except FileNotFoundError:
            return None
        except (LeftoverRefused, BadInput) as error:
            with suppress(FileNotFoundError):
                path.rename(self._folder / f"{nonce}-{secrets.token_hex(2)}{REFUSED}")
            self._notice(f"  the answer can't be taken: {error}; hand in another")
            return None


def open_prompt(folder: Path) -> OpenPrompt | None:
    """Return the prompt of the idea folder `folder` that waits for an answer, or None."""
    box = folder / FOLDER
    waiting = [path for path in box.glob(f"*{PROMPT}") if not (box / (_nonce(path) + ANSWER)).exists()]
    if not waiting:
        return None
    path = max(waiting, key=lambda found: found.stat().st_mtime_ns)
    return OpenPrompt(nonce=_nonce(path), path=path, text=_text(path))


def hand_in(folder: Path, text: str) -> Path:
    """Answer the open prompt of the idea folder `folder` with `text`, whole and at once; return the answer's path.

    Raises BadInput where no prompt is open, or the answer is empty or too long.
    """
    prompt = open_prompt(folder)
    if prompt is None:
        raise BadInput(f"{folder}: no prompt is open; is the idea running?")
    path = folder / FOLDER / (prompt.nonce + ANSWER)
    _checked(text.encode())
    _write(path, text)
    return path


def _render(request: Request, nonce: str, folder: Path, sha256: str) -> str:
    from jinja2 import Environment, StrictUndefined

    # Plain text for a person or a model: escaping would change code and LaTeX in it.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True)  # noqa: S701
    template = environment.from_string(Path(__file__).with_suffix(".md.j2").read_text(encoding="utf-8"))
    names = {"draft": nonce + DRAFT, "answer": nonce + ANSWER, "folder": folder, "limit_kb": ANSWER_BYTES // 1000}
    return template.render(request=request, sha256=sha256, **names)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise BadInput(f"{folder}: this must be a folder of yours, and no link")
    folder.chmod(0o700)


def _is_whole(path: Path) -> bool:
    """True once nobody writes `path` any more; raises FileNotFoundError, and BadInput for a link or no file."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise BadInput(f"{path.name} is a link or no regular file")
    if _is_being_written(path):
        return False
    return status.st_ctime_ns > status.st_mtime_ns or time.time() - status.st_ctime > STILL_S


def _is_being_written(path: Path) -> bool:
    """True where some process has `path` open for writing; False where the file system can't tell."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        # A read lease is refused as long as there is a writer.
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _checked(content: bytes) -> str:
    if len(content) > ANSWER_BYTES:
        raise BadInput(f"the answer is larger than {ANSWER_BYTES} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"the answer is not UTF-8 text (byte {error.start})") from error
    if not text.strip():
        raise BadInput("the answer is empty")
    return text


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{secrets.token_hex(4)}.part")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    # Within one tick of the clock the rename would not show as later than the writing.
    written_at = time.time() - STILL_S
    os.utime(temporary, (written_at, written_at))
    temporary.rename(path)


def _nonce(path: Path) -> str:
    return path.name.removesuffix(PROMPT)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
