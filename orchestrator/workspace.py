"""An idea folder: every path in it, and the few ways in which files get there."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.errors import BadInput, GroundworkError
from orchestrator.journal import Journal
from orchestrator.records import Step

CHECKPOINTS = "checkpoints"
GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgsign=false", "-c", "gc.auto=0")


class Workspace:
    """One idea folder. The only class that knows where something lies."""

    def __init__(self, root: Path) -> None:
        """Open the folder and take its journal's lock."""
        self.root = root.resolve()
        self.journal = Journal(self.root / "journal.jsonl")

    @classmethod
    def create(cls, runs: Path, name: str) -> Workspace:
        """Make a new folder `<stamp>_<name>` under `runs`; BadInput where that can't be written."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        root = runs / f"{stamp}_{name}"
        try:
            runs.mkdir(parents=True, exist_ok=True)
            while root.exists():
                root = root.with_name(root.name + "b")
            root.mkdir()
        except OSError as error:
            why = f"{runs}: cannot make a folder here ({error.strerror}); choose another with --runs"
            raise BadInput(why) from error
        return cls(root)

    def path(self, relative: str | Path) -> Path:
        """Return the absolute path of something in this folder."""
        return self.root / relative

    def relative(self, path: Path) -> str:
        """Return `path` as it is written in records: relative to this folder."""
        return str(path.relative_to(self.root))

    def run_dir(self, step: Step) -> Path:
        """Return the directory in which a step is executed, `run_2`."""
        return self.root / step.run

    def attempt_dir(self, step: Step) -> Path:
        """Return the directory in which a failed or rejected step is kept, `attempts/run_2.1`."""
        return self.root / "attempts" / step.label

    def fresh_run_dir(self, step: Step) -> Path:
        """Return a run directory without results; what an interrupted process left there is kept under attempts/.

        Only its checkpoints come along, from which the same code may go on.
        """
        folder = self.run_dir(step)
        kept = folder
        if folder.exists():
            kept = self._keep(folder, self.attempt_dir(step).with_name(f"{step.label}-interrupted"))
        folder.mkdir(parents=True)
        checkpoints = kept / CHECKPOINTS
        if kept != folder and checkpoints.is_dir() and not checkpoints.is_symlink():
            checkpoints.rename(folder / CHECKPOINTS)
        return folder

    def keep_attempt(self, step: Step) -> Path:
        """Move a rejected step's run directory under attempts/; safe to call again after a crash."""
        target = self.attempt_dir(step)
        if self.run_dir(step).exists() and not target.exists():
            self._keep(self.run_dir(step), target)
        target.mkdir(parents=True, exist_ok=True)
        return target

    def write(self, relative: str | Path, content: str | bytes) -> str:
        """Write a file atomically and durably; return its SHA-256."""
        path = self.root / relative
        data = content.encode() if isinstance(content, str) else content
        path.parent.mkdir(parents=True, exist_ok=True)
        # Its name can't be foreseen, and a link that lies at `path` is replaced and not followed.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        Path(temporary).replace(path)
        return hashlib.sha256(data).hexdigest()

    def read(self, relative: str | Path) -> str:
        """Read a text file of this folder."""
        return (self.root / relative).read_text(encoding="utf-8")

    def sha256(self, relative: str | Path) -> str:
        """Return the SHA-256 of a file of this folder."""
        return hashlib.sha256((self.root / relative).read_bytes()).hexdigest()

    def commit(self, name: str, message: str) -> str:
        """Commit one file in the folder's own repository and return the commit's hash; nothing to do is no error."""
        if not (self.root / ".git").exists():
            self._git("init", "--quiet", "--initial-branch=main")
        self._git("add", "--", name)
        if self._git("status", "--porcelain", "--", name):
            self._git("commit", "--quiet", "--message", message, "--", name)
        return self._git("rev-parse", "HEAD")

    def text_at(self, commit: str, name: str) -> str:
        """Return the text of a committed file."""
        return self._git("show", f"{commit}:{name}", strip=False)

    def _git(self, *arguments: str, strip: bool = True) -> str:
        identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _IDENTITY.items()}
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CEILING_DIRECTORIES": str(self.root.parent),
            **identity,
        }
        done = subprocess.run(
            [*GIT, *arguments], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise GroundworkError(f"git {arguments[0]} failed in {self.root}: {done.stderr.strip()[-300:]}")
        return done.stdout.strip() if strip else done.stdout

    @staticmethod
    def _keep(folder: Path, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        numbered, n = target, 1
        while numbered.exists():
            n += 1
            numbered = target.with_name(f"{target.name}-{n}")
        shutil.move(folder, numbered)
        return numbered


_IDENTITY = {"NAME": "Groundwork", "EMAIL": "groundwork@localhost"}
