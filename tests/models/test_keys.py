"""Keys leave the environment block of the process itself, and everything that is written."""

import json
import os
import subprocess
import sys

import pytest

from orchestrator.errors import BadInput
from orchestrator.models.keys import PIPE, Keys, take_keys
from tests.conftest import ROOT

SECRET = "sk-very-secret-0123456789"
PROGRAM = """
import json, os, sys
from pathlib import Path
from orchestrator.models.keys import take_keys
keys = take_keys()
read = lambda name: Path("/proc/self", name).read_bytes().decode()
with os.popen("cat /proc/self/environ") as pipe:
    child = pipe.read()
print(json.dumps({
    "key": keys.get("ANTHROPIC_API_KEY"), "other": keys.get("OPENAI_API_KEY"),
    "block": read("environ"), "line": read("cmdline"), "child": child, "arguments": sys.argv[1:],
    "home": os.environ["HOME"], "environ": sorted(os.environ), "open": len(os.listdir("/proc/self/fd")),
    "stdin": sys.stdin.read(), "pid": os.getpid(),
}))
"""


def start(tmp_path, **variables):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "PYTHONPATH": str(ROOT), **variables}
    process = subprocess.Popen(
        [sys.executable, program, "--flag", "a b"],
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = process.communicate("typed", timeout=60)
    assert process.returncode == 0, err
    return json.loads(out), process.pid


def test_a_key_is_gone_from_the_block_and_known_all_the_same(tmp_path):
    seen, pid = start(tmp_path, ANTHROPIC_API_KEY=SECRET, OPENAI_API_KEY="")
    assert (seen["key"], seen["other"]) == (SECRET, None)
    assert SECRET not in seen["block"] + seen["line"] + seen["child"]
    assert "ANTHROPIC_API_KEY" not in seen["environ"]
    # The same process with the same arguments, input and remaining environment.
    assert (seen["pid"], seen["arguments"]) == (pid, ["--flag", "a b"])
    assert (seen["stdin"], seen["home"]) == ("typed", "/nowhere")


def test_the_pipe_of_the_keys_is_closed_and_unset(tmp_path):
    without, _ = start(tmp_path)
    with_key, _ = start(tmp_path, OPENAI_API_KEY=SECRET)
    assert with_key["other"] == SECRET
    assert with_key["open"] == without["open"]
    assert PIPE not in with_key["environ"]


def test_without_keys_nothing_is_started_again(tmp_path):
    seen, _ = start(tmp_path)
    assert (seen["key"], seen["other"]) == (None, None)
    assert PIPE not in seen["block"]


@pytest.fixture
def no_keys(monkeypatch):
    for name in [name for name in os.environ if name.endswith("_API_KEY") or name == "ANTHROPIC_AUTH_TOKEN"]:
        monkeypatch.delenv(name)
    return monkeypatch


def test_keys_from_a_file(tmp_path, no_keys):
    file = tmp_path / "keys"
    file.write_text(f"# mine\n\nexport OPENAI_API_KEY='{SECRET}'\nS2_API_KEY = abc\n")
    file.chmod(0o600)
    warnings = []
    keys = take_keys(file, warnings.append)
    assert (keys.get("OPENAI_API_KEY"), keys.get("S2_API_KEY"), warnings) == (SECRET, "abc", [])
    file.chmod(0o640)
    take_keys(file, warnings.append)
    assert warnings == [f"{file}: other users may read these keys; chmod 600 {file}"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", r"keys:1: not a line NAME=KEY"),
        (b"\nPATH=/x", r"keys:2: not a line"),
        (b"OPENAI_API_KEY=", "keys:1"),
        (b"\xff\xfe", "can't be read"),
        (b"#" * 200_000, "small text file"),
    ],
)
def test_a_wrong_key_file_is_named_and_not_quoted(content, words, tmp_path, no_keys):
    (tmp_path / "keys").write_bytes(content)
    with pytest.raises(BadInput, match=words):
        take_keys(tmp_path / "keys")


def test_a_missing_key_file_is_named(tmp_path, no_keys):
    with pytest.raises(BadInput, match="nokeys"):
        take_keys(tmp_path / "nokeys")


def test_a_number_that_is_no_pipe_is_refused(no_keys):
    no_keys.setenv(PIPE, "987")
    with pytest.raises(BadInput, match=PIPE):
        take_keys()


def test_keys_show_in_no_repr_and_in_no_text():
    keys = Keys({"A_API_KEY": SECRET, "B_API_KEY": SECRET + "-longer", "C_API_KEY": 'quote"inside', "D_API_KEY": "a"})
    assert SECRET not in repr(keys) + str(keys)
    assert keys.scrub(f"{SECRET}-longer, {SECRET}, a") == "[key removed], [key removed], a"
    assert "quote" not in keys.scrub(json.dumps({"x": 'a quote"inside b'}))
