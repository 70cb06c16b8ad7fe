"""What a confined program can't see, can't reach and can't change. Each check is made by a real program inside."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.backends.sandbox import CONFINEMENT, accelerators, confine, environment, probe

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confinement is Linux's")

ATTEMPT = """
import sys
try:
    {attempt}
except OSError as error:
    print("refused:", type(error).__name__)
else:
    print("done")
"""


@pytest.fixture
def inside(bubblewrap):
    """Run a command in bubblewrap to its end and return its stdout."""

    def run(command):
        argv = confine(command, bubblewrap)
        done = subprocess.run(argv, env=environment(command), capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def attempt(statement: str) -> str:
    return ATTEMPT.format(attempt=statement)


def test_no_network_reaches_not_even_the_hosts_loopback(inside, program):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect = attempt(f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)")
        assert subprocess.check_output([sys.executable, "-c", connect], text=True).strip() == "done"
        assert inside(program(connect)).startswith("refused: ")


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_memory_folders_are_its_own_and_have_a_cap(inside, program, folder):
    secret = Path(folder) / f"host-{os.getpid()}"
    secret.write_text("of the host")
    try:
        code = """
import os, sys
folder, name = sys.argv[1:]
print(name in os.listdir(folder), os.statvfs(folder).f_blocks * os.statvfs(folder).f_frsize)
"""
        assert inside(program(code, folder, secret.name, memory_mb=64)) == f"False {16 * 2**20}"
    finally:
        secret.unlink()


def test_writes_only_what_is_writable(inside, program, tmp_path):
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "a.txt").write_text("as it was")
    for target in (shown / "a.txt", shown / "b.txt", Path("/usr/c"), Path("/dev/d"), Path("/var/e"), Path("/f")):
        command = program(attempt("open(sys.argv[1], 'w').write('x')"), target)
        command = command.model_copy(update={"readable": (shown,)})
        assert inside(command).startswith("refused: "), target
    assert (shown / "a.txt").read_text() == "as it was"
    # Beside the folder lies the sandbox's own /tmp, which is not the host's.
    inside(program("import sys; open(sys.argv[1], 'w')", tmp_path / "beside.txt"))
    assert not (tmp_path / "beside.txt").exists()
    assert inside(program(attempt("open('result.txt', 'w').write('x')"))) == "done"
    assert (tmp_path / "work" / "result.txt").read_text() == "x"


def test_reads_only_what_is_readable(inside, program, tmp_path):
    for name in ("shown", "hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(name)
    read = "print(open(sys.argv[1]).read())"
    shown = program(attempt(read), tmp_path / "shown" / "a.txt").model_copy(update={"readable": (tmp_path / "shown",)})
    assert inside(shown) == "shown\ndone"
    for hidden in (tmp_path / "hidden" / "a.txt", Path(__file__), Path("/etc/shadow"), Path.home() / ".profile"):
        assert inside(program(attempt(read), hidden)) == "refused: FileNotFoundError"


def test_a_link_out_of_the_writable_folder_leads_nowhere(inside, program, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "work" / "link").symlink_to(tmp_path / "secret.txt")
    assert inside(program(attempt("open('link').read()"))) == "refused: FileNotFoundError"


def test_a_read_only_file_in_a_writable_folder_cannot_be_changed_or_replaced(inside, program, tmp_path):
    job = tmp_path / "work" / "job.json"
    job.write_text("{}")
    for statement in (
        "open('job.json', 'w')",
        "import os; os.unlink('job.json')",
        "import os; os.rename('x', 'job.json')",
    ):
        (tmp_path / "work" / "x").write_text("forged")
        assert inside(program(attempt(statement)).model_copy(update={"readable": (job,)})).startswith("refused: ")
    assert job.read_text() == "{}"


def test_a_log_in_a_writable_folder_cannot_be_replaced_by_a_link(inside, program, tmp_path):
    (tmp_path / "work" / "stderr.log").write_text("")
    assert inside(program(attempt("import os; os.unlink('stderr.log')"))).startswith("refused: ")


def test_no_variable_of_ours_gets_inside_by_any_way(inside, program, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "sk-secret-of-the-parent")
    code = """
import glob, os
print(sorted(os.environ))
for path in glob.glob("/proc/[0-9]*/environ"):
    print(path, b"sk-secret" in open(path, "rb").read())
"""
    command = program(code).model_copy(update={"env": {"GIVEN": "yes"}})
    names, *others = inside(command).splitlines()
    expected = {"GIVEN", "HOME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "PWD"}
    assert set(eval(names)) - {"LC_CTYPE"} == expected
    assert others == ["/proc/1/environ False", "/proc/2/environ False"]


def test_environment_without_bubblewrap_is_as_empty(program, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "sk-secret-of-the-parent")
    command = program("import os; print(sorted(os.environ))")
    shown = subprocess.check_output(confine(command, "none"), env=environment(command), text=True)
    assert set(eval(shown)) - {"LC_CTYPE"} == {"HOME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE"}


def test_sees_no_process_of_the_host_and_has_no_capability(inside, program):
    code = """
import os
print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()) == [1, os.getpid()])
print([line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapEff", "CapBnd", "NoNewPrivs"))])
"""
    assert inside(program(code)) == f"True\n{['0' * 16, '0' * 16, '1']}"


def test_an_environment_elsewhere_is_found_through_its_links(inside, program, tmp_path):
    """A venv whose interpreter is a link to a link, in a folder that is reached through a link as well."""
    base = Path(sys.executable).resolve()
    real, alias = tmp_path / "real", tmp_path / "alias"
    real.mkdir()
    alias.symlink_to(real)
    (real / "python3").symlink_to(base)
    shutil.copytree(Path(sys.prefix), tmp_path / "venv", symlinks=True, ignore=shutil.ignore_patterns("lib", "lib64"))
    (tmp_path / "venv" / "lib").mkdir()
    python = tmp_path / "venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(alias / "python3")
    command = program("")
    code = "import sys, json, ssl; print(sys.prefix)"
    assert inside(command.model_copy(update={"argv": (str(python), "-c", code)})) == str(tmp_path / "venv")


def test_packages_of_the_interpreters_environment_can_be_imported(inside, program):
    command = program("").model_copy(update={"argv": (sys.executable, "-c", "import psutil; print(psutil.__name__)")})
    assert inside(command) == "psutil"


def test_an_accelerator_is_shown_only_where_it_is_asked_for(tmp_path, program):
    for name in ("nvidia0", "nvidiactl", "sda"):
        (tmp_path / name).touch()
    shown = list(accelerators(tmp_path))
    assert shown[:3] == ["--dev-bind", str(tmp_path / "nvidia0"), str(tmp_path / "nvidia0")]
    assert str(tmp_path / "sda") not in shown
    assert shown[-3:] == ["--ro-bind", "/sys", "/sys"]
    assert list(accelerators(tmp_path / "nowhere")) == []
    assert "/sys" not in confine(program(""), "bubblewrap")


def test_the_file_size_limit_holds(inside, program):
    write = attempt("open('big', 'wb').write(b'x' * (2 << 20))")
    assert inside(program(write, file_mb=1)) == "refused: OSError"
    assert inside(program(write, file_mb=3)) == "done"


def test_probe_reports_every_protection(bubblewrap, protection):
    assert protection.reason == ""
    described = json.loads(protection.describe())
    assert described["level"] == bubblewrap
    assert all(described[name].startswith("on: ") for name in CONFINEMENT)
    assert all(line.startswith(("on: ", "off: ")) for line in protection.protections.values())


def test_probe_says_why_bubblewrap_cannot_be_used(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not installed" in probe().reason
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = probe()
    assert (found.level, found.reason) == ("none", "bwrap: No permissions to create new namespace")
    assert json.loads(found.describe())["network"] == f"off: {found.reason}"
