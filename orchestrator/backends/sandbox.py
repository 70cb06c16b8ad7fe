"""How a `Command` becomes the arguments of a confined process.

Two levels exist. `bubblewrap` is the design's level A. `none` confines nothing and is used only where the user said
`--allow-unsandboxed`: the environment is cleared and the limits hold, no more. Level B (Landlock and seccomp, for
machines without user namespaces) does not exist yet.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from orchestrator.outside import Command
from orchestrator.records import Limits, Record

Level = Literal["bubblewrap", "none"]

MIB = 1024 * 1024
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# Names for users and hosts, the linker's cache, fonts, the time zone: nothing secret, and no program of the host's own.
# The last one is where numeric libraries count the cores.
SYSTEM_FILES = (
    *("/etc/" + name for name in ("alternatives", "fonts", "group", "ld.so.cache", "ld.so.conf", "ld.so.conf.d")),
    *("/etc/" + name for name in ("localtime", "nsswitch.conf", "passwd")),
    "/sys/devices/system/cpu",
)
NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
)
CONFINEMENT = {
    "filesystem": "the command sees only its own paths and writes only its own folders",
    "network": "a network namespace of its own, without even the host's loopback",
    "processes": "a process namespace of its own, which dies as a whole",
    "privileges": "a user namespace of its own, no capabilities, no new privileges",
    "devices": "none of the host's, but the NVIDIA ones where the profile's device is cuda",
    "orchestrator dies": "the process tree is killed with it, whatever killed it",
}
LIMITS = {
    "environment": "on: cleared; no variable of the orchestrator's is passed on",
    "time": "on: the process tree is killed at the limit",
    "memory": "on: resident memory, summed over the tree, polled; files in /tmp and /dev/shm have a cap of their own",
    "process count": "on: counted over the tree, polled",
    "file size": "on: for each file (RLIMIT_FSIZE), and for stdout and stderr",
}
ABSENT = {
    "disk total": "off: each file's size is limited, their number is not",
    "system calls": "off: there is no seccomp filter",
}


class Protection(Record):
    """What `probe` found: the level that works here, and for each protection "on: how" or "off: why"."""

    level: Level
    reason: str = ""
    protections: dict[str, str]

    def describe(self) -> str:
        """Return the text of `sandbox.json`: the level and one line for each protection."""
        return json.dumps({"level": self.level, **self.protections}, indent=1) + "\n"


def probe() -> Protection:
    """Try bubblewrap once, with every namespace and mount that a run gets; `reason` says why it doesn't work."""
    reason = _obstacle()
    confinement = {name: f"off: {reason}" if reason else f"on: {how}" for name, how in CONFINEMENT.items()}
    return Protection(
        level="none" if reason else "bubblewrap", reason=reason, protections=confinement | LIMITS | ABSENT
    )


def _obstacle() -> str:
    """Return why bubblewrap can't be used here, in one line; '' where it can."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian: apt-get install bubblewrap)"
    nowhere = Path(os.devnull)
    limits = Limits(timeout_s=20, memory_mb=64, file_mb=1, processes=8)
    trial = Command(argv=("true",), cwd=Path("/"), limits=limits, stdout=nowhere, stderr=nowhere)
    try:
        result = subprocess.run(
            confine(trial, "bubblewrap"),
            env=environment(trial),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limits.timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap could not be tried: {error}"
    if result.returncode == 0:
        return ""
    return (result.stderr.strip().splitlines() or [f"bubblewrap ended with status {result.returncode}"])[-1]


def environment(command: Command) -> dict[str, str]:
    """Return the whole environment of `command`, for bubblewrap too: inside, `/proc/1/environ` is bubblewrap's own."""
    program = Path(command.argv[0])
    search = f"{program.parent}:{SEARCH_PATH}" if program.is_absolute() else SEARCH_PATH
    return {"PATH": search, "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"} | command.env  # noqa: S108


def confine(command: Command, level: Level, status_fd: int | None = None) -> list[str]:
    """Return the arguments that run `command` confined; start them with `environment(command)` and nothing else.

    Bubblewrap writes its status (JSON documents) to `status_fd`; `exit-code` is among it only where the program itself
    was started. /tmp and /dev/shm are empty and hold a quarter of the memory limit each.
    """
    limited = [_find("prlimit"), f"--fsize={_file_size(command.limits)}", "--core=0", "--"]
    if level == "none":
        return [*limited, *command.argv]
    status = [] if status_fd is None else ["--json-status-fd", str(status_fd)]
    size = str(command.limits.memory_mb * MIB // 4)
    return [
        *(*limited, _find("bwrap"), *NAMESPACES, *status, *_system(), "--proc", "/proc", "--dev", "/dev"),
        *(accelerators() if command.accelerator else ()),
        *("--size", size, "--tmpfs", "/tmp", "--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108
        *(*_binds(command), "--dir", str(command.cwd), "--remount-ro", "/"),
        *("--chdir", str(command.cwd), "--", *command.argv),
    ]


def accelerators(devices: Path = Path("/dev")) -> Iterator[str]:
    """Yield the arguments that show a program the NVIDIA devices that there are, and /sys, where CUDA looks them up."""
    nodes = sorted(path for path in devices.glob("nvidia*"))
    for node in nodes:
        yield from ("--dev-bind", str(node), str(node))
    if nodes:
        yield from ("--ro-bind", "/sys", "/sys")


def _find(program: str) -> str:
    """Look the program up with our own search path, not with the command's."""
    return shutil.which(program) or program


def _file_size(limits: Limits) -> int:
    """Raising a hard limit that is lower than ours would fail."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    return limits.file_mb * MIB if hard == resource.RLIM_INFINITY else min(limits.file_mb * MIB, hard)


def _system() -> Iterator[str]:
    for name in SYSTEM_FOLDERS:
        folder = Path(name)
        if folder.is_symlink():
            yield from ("--symlink", str(folder.readlink()), name)
        elif folder.is_dir():
            yield from ("--ro-bind", name, name)
    for name in SYSTEM_FILES:
        yield from ("--ro-bind-try", name, name)


def _binds(command: Command) -> Iterator[str]:
    """Mount outer paths before the paths inside them, so that the inner one decides.

    The two logs are mounted read-only over themselves where they lie in a writable folder: a mount point cannot be
    replaced by a link, and the program writes through the descriptors that it was given.
    """
    installed, links = _interpreter(Path(command.argv[0]))
    logs = [log for log in (command.stdout, command.stderr) if any(map(log.is_relative_to, command.writable))]
    modes = dict.fromkeys(command.writable, "--bind")
    modes |= dict.fromkeys((*installed, *command.readable), "--ro-bind")
    modes |= dict.fromkeys(logs, "--ro-bind-try")
    absolute = {Path(os.path.abspath(path)): mode for path, mode in modes.items()}  # noqa: PTH100 - keeps links
    for link, target in links.items():
        if not any(map(link.is_relative_to, absolute)):
            yield from ("--symlink", str(target), str(link))
    for path in sorted(absolute, key=lambda path: len(path.parts)):
        yield from (absolute[path], str(path), str(path))


def _interpreter(program: Path) -> tuple[list[Path], dict[Path, Path]]:
    """Return the folders that a Python outside /usr needs, and the links on the way from `program` to its file.

    These are the environment that `program` lies in (it has a pyvenv.cfg) and its base installation, or the latter
    alone. Of an installation only bin and lib are wanted: its prefix may be a home folder.
    """
    if not program.is_absolute():
        return [], {}
    links: dict[Path, Path] = {}
    last = program
    while last.is_symlink() and last not in links:
        links[last] = Path(os.path.normpath(last.parent.resolve() / last.readlink()))
        last = links[last]
    prefixes = {last.parent.parent, last.resolve().parent.parent}
    settings = program.parent.parent / "pyvenv.cfg"
    environments = [settings.parent] if settings.is_file() else []
    if environments:
        prefixes |= {Path(home).parent for home in _values(settings, "home")}
    installed = [folder for prefix in sorted(prefixes) for folder in _installation(prefix)]
    outside = [path for path in (*environments, *installed) if not path.is_relative_to("/usr")]
    return outside, {link: to for link, to in links.items() if not link.is_relative_to("/usr")}


def _values(settings: Path, key: str) -> Iterator[str]:
    for line in settings.read_text(errors="replace").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == key:
            yield value.strip()


def _installation(prefix: Path) -> list[Path]:
    if not any(prefix.glob("lib*/python3*/os.py")):
        return []
    return [folder for folder in (prefix / "bin", prefix / "lib", prefix / "lib64") if folder.is_dir()]
