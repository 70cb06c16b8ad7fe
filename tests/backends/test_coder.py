"""The coder against a real aider worker; the model is a list of answers."""

from __future__ import annotations

import ast
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.backends.coder import AiderCoder
from orchestrator.errors import GroundworkError, ModelUnavailable
from orchestrator.outside import Command, Message
from orchestrator.protocols import EditTask

TEXT = "import math\n\nlr = 0.1\nsteps = 200\n\n\ndef loss(x):\n    return math.sqrt(x)\n"
FORMATS = ("diff", "udiff", "whole")

# Runs in the worker before anything else and writes down what it does to the world.
WATCH = """
import json, os, sys
log = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
ACTS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "webbrowser.open", "subprocess.Popen",
        "os.system", "os.exec", "os.posix_spawn")
def watch(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)) and args[2] & (os.O_WRONLY | os.O_RDWR):
        what = os.path.abspath(os.fsdecode(args[0]))
    elif event == "import" and args[0] == "litellm":
        what = args[0]
    elif event in ACTS:
        what = str(args[1] if event == "subprocess.Popen" else args)
    else:
        return
    os.write(log, (json.dumps([event, what]) + "\\n").encode())
sys.addaudithook(watch)
"""


class Process:
    """A worker without a sandbox."""

    def __init__(self, command: Command, folder: Path) -> None:
        for name in ("cwd", "tmp", "watch"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "watch" / "sitecustomize.py").write_text(WATCH)
        env = dict(command.env)
        env["PYTHONPATH"] = f"{folder / 'watch'}:{env['PYTHONPATH']}"
        env |= {"WATCH_LOG": str(folder / "watch.jsonl"), "TMPDIR": str(folder / "tmp"), "HOME": str(folder / "tmp")}
        with command.stderr.open("a") as log:
            self.popen = subprocess.Popen(
                command.argv,
                cwd=folder / "cwd",
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.popen.stdin and self.popen.stdout
        self.stdin, self.stdout = self.popen.stdin, self.popen.stdout

    def close(self) -> None:
        self.popen.kill()
        self.popen.wait()


class Bench:
    """A coder, and the worker that it started last."""

    def __init__(self, folder: Path, limit_s: float = 60) -> None:
        self.folder = folder
        self.opened: list[Process] = []
        self.coder = AiderCoder(Path(sys.executable), folder / "stderr.log", self.open, limit_s)

    def open(self, command: Command) -> Process:
        self.opened.append(Process(command, self.folder))
        return self.opened[-1]

    def events(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "watch.jsonl").read_text().splitlines()]


class Script:
    """A model that gives these answers in turn and remembers what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Message, ...]] = []

    def __call__(self, question: tuple[Message, ...]) -> str:
        self.asked.append(question)
        return self.answers.pop(0)


def task(instruction: str = "Set lr to 0.2.", **fields: object) -> EditTask:
    given = {"editable": {"experiment.py": TEXT}, "read_only": {"prompt.md": "# The setting\n"}, **fields}
    return EditTask.model_validate({"instruction": instruction, **given})


def answer(
    edit_format: str = "diff", *, name: str = "experiment.py", old: str = "lr = 0.1", new: str = "lr = 0.2"
) -> str:
    if edit_format == "udiff":
        return f"So:\n\n```diff\n--- {name}\n+++ {name}\n@@ ... @@\n-{old}\n+{new}\n```\n"
    if edit_format == "whole":
        return f"So:\n\n{name}\n```\n{TEXT.replace(old, new)}```\n"
    return f"So:\n\n{name}\n```python\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```\n"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("coder"))
    with bench.coder:
        yield bench
    assert len(bench.opened) == 1, "these tests share one worker, which must outlive all they do to it"


@pytest.mark.parametrize("edit_format", FORMATS)
def test_good_edit_is_applied(bench: Bench, edit_format: str) -> None:
    model = Script(answer(edit_format))
    reply = bench.coder.edit(task(edit_format=edit_format), model)
    assert reply.files == {"experiment.py": TEXT.replace("lr = 0.1", "lr = 0.2")}
    assert reply.refused == ()
    assert reply.transcript == answer(edit_format)
    assert len(model.asked) == 1


def test_architect_describes_and_an_editor_edits(bench: Bench) -> None:
    model = Script("Set lr to 0.2 in experiment.py.", answer("diff"))
    reply = bench.coder.edit(task("Double the learning rate.", edit_format="architect"), model)
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")
    assert model.asked[0][-1].content == "Double the learning rate."
    assert model.asked[1][-1].content == "Set lr to 0.2 in experiment.py."


def test_prompt_holds_the_task_once_and_little_else(bench: Bench) -> None:
    given = TEXT + "# The setting\n" + "Set lr to 0.2."
    for edit_format, most in (("diff", 2800), ("udiff", 2400), ("whole", 1800)):
        model = Script(answer(edit_format))
        bench.coder.edit(task(edit_format=edit_format), model)
        sent = "\n".join(message.content for message in model.asked[0])
        assert sent.count(TEXT) == 1
        assert len(sent) - len(given) < most
        assert "new file" not in sent
        assert model.asked[0][0].role == "system"
        assert "experiment.py" in model.asked[0][0].content
        roles = [message.role for message in model.asked[0]]
        assert all(one != other for one, other in zip(roles, roles[1:], strict=False))


def test_answer_without_an_edit_changes_nothing(bench: Bench) -> None:
    model = Script("No change is needed: lr is fine as it is.")
    reply = bench.coder.edit(task(), model)
    assert (reply.files["experiment.py"], reply.refused, len(model.asked)) == (TEXT, (), 1)


def test_edit_to_the_same_text_changes_nothing(bench: Bench) -> None:
    reply = bench.coder.edit(task(), Script(answer(new="lr = 0.1")))
    assert (reply.files["experiment.py"], reply.refused) == (TEXT, ())


def test_failed_search_is_sent_back_and_mended(bench: Bench) -> None:
    model = Script(answer(old="lr = 0.15"), answer())
    reply = bench.coder.edit(task(), model)
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")
    assert reply.refused == ()
    assert "lr = 0.15" in model.asked[1][-1].content
    assert "failed to exactly match" in model.asked[1][-1].content


@pytest.mark.parametrize("edit_format", ["diff", "udiff"])
def test_never_mended_edit_leaves_nothing_half_applied(bench: Bench, edit_format: str) -> None:
    """A reply with one good and one bad block used to leave the good one applied."""
    bad = answer(edit_format, old="steps = 999999", new="steps = 5")
    model = Script(answer(edit_format) + "\n" + bad, bad, bad)
    reply = bench.coder.edit(task(edit_format=edit_format), model)
    assert reply.files == {"experiment.py": TEXT}
    assert "steps = 999999" in reply.refused[0]
    assert len(model.asked) == 3


def test_half_applied_edit_is_not_settled_by_words(bench: Bench) -> None:
    half = answer() + "\n" + answer(old="steps = 999999", new="steps = 5")
    reply = bench.coder.edit(task(), Script(half, "Everything is done.", "Really, it is."))
    assert reply.files == {"experiment.py": TEXT}
    assert "steps = 999999" in reply.refused[0]


def test_half_applied_edit_is_kept_once_its_other_half_is_mended(bench: Bench) -> None:
    half = answer() + "\n" + answer(old="steps = 999999", new="steps = 5")
    reply = bench.coder.edit(task(), Script(half, answer(old="steps = 200", new="steps = 5")))
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2").replace("= 200", "= 5")
    assert reply.refused == ()


@pytest.mark.parametrize("edit_format", FORMATS)
@pytest.mark.parametrize(
    "name",
    ["../x.py", "../experiment.py", "ABSOLUTE", ".env", "new.py", "sub/new.py", "experiments.py", "prompt.md"],
)
def test_edit_of_any_other_file_is_refused(bench: Bench, edit_format: str, name: str) -> None:
    victim = bench.folder / "tmp" / "experiment.py"
    victim.write_text(TEXT)
    name = str(victim) if name == "ABSOLUTE" else name
    model = Script(*[answer(edit_format, name=name)] * 3)
    reply = bench.coder.edit(task(edit_format=edit_format), model)
    assert reply.files == {"experiment.py": TEXT}
    assert repr(name) in reply.refused[0]
    assert "Nothing of your answer was applied" in model.asked[1][-1].content
    assert victim.read_text() == TEXT
    victim.unlink()
    assert list((bench.folder / "tmp").iterdir()) == []


def test_new_file_is_refused_with_the_good_block_beside_it(bench: Bench) -> None:
    new = "helper.py\n```python\n<<<<<<< SEARCH\n=======\nx = 1\n>>>>>>> REPLACE\n```\n"
    model = Script(answer() + new, answer())
    reply = bench.coder.edit(task(), model)
    assert reply.files == {"experiment.py": TEXT.replace("lr = 0.1", "lr = 0.2")}
    assert "helper.py" in model.asked[1][-1].content


def test_block_under_prose_is_for_the_only_editable_file(bench: Bench) -> None:
    reply = bench.coder.edit(task(), Script(answer(name="And this is the change:")))
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")


def test_two_editable_files_change_together(bench: Bench) -> None:
    files = {"experiment.py": TEXT, "plot.py": "colour = 'red'\n"}
    both = answer() + answer(name="plot.py", old="colour = 'red'", new="colour = 'blue'")
    reply = bench.coder.edit(task(editable=files), Script(both))
    assert reply.files == {"experiment.py": TEXT.replace("lr = 0.1", "lr = 0.2"), "plot.py": "colour = 'blue'\n"}


@pytest.mark.parametrize("edit_format", ["diff", "whole"])
def test_broken_syntax_is_sent_back_and_mended(bench: Bench, edit_format: str) -> None:
    model = Script(answer(edit_format, new="lr = = 0.2"), answer(edit_format, old="lr = = 0.2", new="lr = 0.2"))
    if edit_format == "whole":
        model.answers[1] = answer(edit_format)
    reply = bench.coder.edit(task(edit_format=edit_format), model)
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")
    assert "experiment.py, line 3" in model.asked[1][-1].content


def test_broken_syntax_is_never_returned(bench: Bench) -> None:
    again = answer(old="lr = = 0.2", new="lr = = 0.3")
    reply = bench.coder.edit(task(), Script(answer(new="lr = = 0.2"), again, "I give up."))
    assert reply.files == {"experiment.py": TEXT}
    assert "no valid Python" in reply.refused[0]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("", "was empty"),
        ("  \n", "was empty"),
        ("```python\nlr = 0.2\n```\n", "No edit was found"),
        ("```diff", "No edit was found"),
        ("experiment.py\n```python\n<<<<<<< SEARCH\nlr = 0.1\n", "Expected `=======`"),
    ],
)
def test_answer_in_the_wrong_form_is_sent_back(bench: Bench, first: str, told: str) -> None:
    model = Script(first, answer())
    reply = bench.coder.edit(task(), model)
    assert told in model.asked[1][-1].content
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")


def test_torn_diff_block_is_sent_back(bench: Bench) -> None:
    model = Script("```diff", answer("udiff"))
    reply = bench.coder.edit(task(edit_format="udiff"), model)
    assert "empty or not closed" in model.asked[1][-1].content
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")


def test_whatever_the_answers_an_edit_is_whole_or_nothing(bench: Bench) -> None:
    draw = random.Random(1)
    lines = [line for edit_format in FORMATS for line in answer(edit_format).splitlines(keepends=True)]
    lines += [
        "\ud800\n",
        "\x00\n",
        "```diff\n",
        "...\n",
        "{fence[0]}\n",
        "../x.py\n",
        "+++ b/q\n",
        "\x0c\n",
        "=======\n",
    ]

    def babble(_question: tuple[Message, ...]) -> str:
        return "".join(draw.choices(lines, k=draw.randrange(25)))

    outcomes = set()
    for edit_format in FORMATS * 60:
        reply = bench.coder.edit(task(edit_format=edit_format), babble)
        edited = reply.files["experiment.py"] != TEXT
        assert not (edited and reply.refused)
        ast.parse(reply.files["experiment.py"])
        outcomes.add((edited, bool(reply.refused)))
    assert outcomes == {(False, True), (True, False), (False, False)}


def test_emptied_file_is_sent_back(bench: Bench) -> None:
    reply = bench.coder.edit(task(edit_format="whole"), Script(*["experiment.py\n```\n```\n"] * 3))
    assert reply.files == {"experiment.py": TEXT}
    assert "leaves experiment.py empty" in reply.refused[0]


@pytest.mark.parametrize(
    "instruction", ["!touch made", "/exit", "/run touch made", "/web http://localhost:9/", "Read http://localhost:9/x."]
)
def test_instruction_is_text_and_no_command(bench: Bench, instruction: str) -> None:
    model = Script(answer())
    reply = bench.coder.edit(task(instruction), model)
    assert model.asked[0][-1].content == instruction
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")
    assert not (bench.folder / "cwd" / "made").exists()


def test_shell_block_is_not_run(bench: Bench) -> None:
    reply = bench.coder.edit(task(), Script(answer() + "\n```bash\ntouch made\n```\n"))
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")
    assert not (bench.folder / "cwd" / "made").exists()


def test_file_that_holds_fences_and_other_line_ends_is_kept(bench: Bench) -> None:
    odd = {"experiment.py": TEXT + '\nTEXT = """\n```\n====\n"""\n', "notes.md": "one\r\ntwo\r\n"}
    reply = bench.coder.edit(task(editable=odd), Script("No change is needed."))
    assert reply.files == odd


def test_what_ask_raises_goes_through_and_the_worker_stays(bench: Bench) -> None:
    def fail(_question: tuple[Message, ...]) -> str:
        raise ModelUnavailable("nobody answers")

    with pytest.raises(ModelUnavailable, match="nobody answers"):
        bench.coder.edit(task(), fail)
    assert bench.coder.edit(task(), Script(answer())).refused == ()


@pytest.mark.parametrize("name", ["../x.py", "/etc/passwd", "a/../b.py", ".", "a//b.py"])
def test_task_that_names_a_file_outside_is_an_error(bench: Bench, name: str) -> None:
    with pytest.raises(ValueError, match="no plain relative path"):
        bench.coder.edit(task(editable={name: ""}), Script())


def test_worker_touches_nothing_but_its_scratch_folder(bench: Bench) -> None:
    """No socket, no browser, no litellm, no file elsewhere, after everything that the tests above tried."""
    bench.coder.edit(task(), Script(answer()))
    events = bench.events()
    scratch = str(bench.folder / "tmp") + "/"
    assert sum(what == "open" and detail.startswith(scratch) for what, detail in events) > 2, "the watch sees nothing"
    beyond = [event for event in events if not event[1].startswith(scratch) and event != ["open", os.devnull]]
    # GitPython, which aider imports, asks for git's version.
    assert [event for event in beyond if event != ["subprocess.Popen", "['git', 'version']"]] == []
    assert list((bench.folder / "cwd").iterdir()) == []
    assert list((bench.folder / "tmp").iterdir()) == []


def test_killed_worker_is_replaced_and_the_model_asked_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    model = Script(answer(old="lr = 0.15"), answer())

    def ask(question: tuple[Message, ...]) -> str:
        if model.asked and len(bench.opened) == 1:
            bench.opened[0].popen.kill()
        return model(question)

    with bench.coder:
        reply = bench.coder.edit(task(), ask)
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")
    assert len(bench.opened) == 2
    assert len(model.asked) == len(set(model.asked)) == 2


def test_hanging_worker_is_replaced(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limit_s=6)
    model = Script(answer())

    def ask(question: tuple[Message, ...]) -> str:
        bench.opened[0].popen.send_signal(signal.SIGSTOP)
        return model(question)

    with bench.coder:
        reply = bench.coder.edit(task(), ask)
    assert reply.files["experiment.py"] == TEXT.replace("lr = 0.1", "lr = 0.2")
    assert (len(bench.opened), len(model.asked)) == (2, 1)
    assert bench.opened[0].popen.returncode == -signal.SIGKILL


def _impostor(program: str, tmp_path: Path) -> Callable[[Command], Process]:
    def open_impostor(command: Command) -> Process:
        return Process(command.model_copy(update={"argv": (sys.executable, "-c", program)}), tmp_path)

    return open_impostor


@pytest.mark.parametrize(
    "program",
    [
        "",
        "print('hello')",
        "import time; time.sleep(60)",
        """print('{"done": {"files": {"../x.py": ""}, "transcript": ""}}')""",
        """print('{"done": {"files": {"experiment.py": 1}, "transcript": ""}}')""",
    ],
)
def test_worker_that_never_works_is_an_error(tmp_path: Path, program: str) -> None:
    coder = AiderCoder(Path(sys.executable), tmp_path / "log", _impostor(program, tmp_path), limit_s=1)
    with coder, pytest.raises(GroundworkError, match="worker did not start"):
        coder.edit(task(), Script())


def test_worker_that_asks_on_and_on_is_ended(tmp_path: Path) -> None:
    program = """
import json
for number in range(100):
    print(json.dumps({"ask": [{"role": "user", "content": str(number)}]}), flush=True)
    input()
"""
    model = Script(*["no"] * 100)
    coder = AiderCoder(Path(sys.executable), tmp_path / "log", _impostor(program, tmp_path), limit_s=20)
    with coder:
        reply = coder.edit(task(), model)
    assert reply.files == {"experiment.py": TEXT}
    assert "failed twice" in reply.refused[0]
    assert len(model.asked) == 8
