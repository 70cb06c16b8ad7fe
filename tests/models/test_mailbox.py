"""Files as a model: the prompt stands alone, and nothing but a whole answer is taken."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from orchestrator.errors import BadInput, ModelUnavailable
from orchestrator.models.gateway import Gateway
from orchestrator.models.mailbox import ANSWER_BYTES, Mailbox, hand_in, open_prompt
from orchestrator.outside import Message
from tests.conftest import ROOT
from tests.models.conftest import ask

TURNS = (
    Message(role="system", content="You are careful."),
    Message(role="user", content="Plan <data>{{ x }}</data>."),
    Message(role="assistant", content="No."),
    Message(role="user", content="That answer can't be used: it has no block."),
)


def answers_in(folder, request, act, wait_s=8.0):
    """Ask through the mailbox while `act(box, nonce)` plays the person; return the text and the lines shown."""
    shown = []

    def person():
        while (prompt := open_prompt(folder)) is None:
            time.sleep(0.02)
        act(prompt.path.parent, prompt.nonce)

    other = threading.Thread(target=person, daemon=True)
    other.start()
    text = Mailbox(folder, shown.append, wait_s).answer(request).text
    other.join(5)
    return text, shown


def test_a_prompt_stands_alone(tmp_path):
    with pytest.raises(ModelUnavailable, match="no answer to .* in 0 s; hand one in with `launch.py mailbox"):
        Mailbox(tmp_path, wait_s=0).answer(ask(stage="edit", step="run_1.1", attempt=1, messages=TURNS))
    prompt = open_prompt(tmp_path)
    for message in TURNS:
        assert message.content in prompt.text
    for words in (
        "stage `edit`, step `run_1.1`, question 2",
        "message 4 of 4, from: user",
        "100 tokens at most",
        f"launch.py mailbox {tmp_path}",
        f"mv {prompt.nonce}.draft.md {prompt.nonce}.answer.md",
    ):
        assert words in prompt.text
    assert stat.S_IMODE(prompt.path.parent.stat().st_mode) == 0o700


def test_an_answer_that_is_handed_in_is_taken_word_for_word(tmp_path):
    text = "```json\r\n{}\n```\n\n é "
    answered, shown = answers_in(tmp_path, ask(), lambda _box, _nonce: hand_in(tmp_path, text))
    assert answered == text
    assert shown[0].startswith("  waiting for an answer to ")
    assert open_prompt(tmp_path) is None


def test_a_file_that_is_renamed_is_taken(tmp_path):
    def act(box, nonce):
        (box / f"{nonce}.draft.md").write_text("whole")
        (box / f"{nonce}.draft.md").rename(box / f"{nonce}.answer.md")

    assert answers_in(tmp_path, ask(), act)[0] == "whole"


def test_a_file_that_is_still_being_written_is_never_read(tmp_path):
    def act(box, nonce):
        with (box / f"{nonce}.answer.md").open("w") as file:
            file.write("one half, ")
            file.flush()
            time.sleep(2.5)
            file.write("and the other")

    assert answers_in(tmp_path, ask(), act, 12)[0] == "one half, and the other"


def links(box, nonce):
    (box.parent / "elsewhere").write_text("stolen")
    (box / f"{nonce}.answer.md").symlink_to(box.parent / "elsewhere")


def hard_links(box, nonce):
    (box.parent / "elsewhere").write_text("stolen")
    (box / f"{nonce}.answer.md").hardlink_to(box.parent / "elsewhere")


def written(content):
    def act(box, nonce):
        (box / "x").write_bytes(content)
        os.utime(box / "x", (1, 1))
        (box / "x").rename(box / f"{nonce}.answer.md")

    return act


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (links, "link"),
        (hard_links, "link"),
        (lambda box, nonce: os.mkfifo(box / f"{nonce}.answer.md"), "no regular file"),
        (lambda box, nonce: (box / f"{nonce}.answer.md").mkdir(), "no regular file"),
        (written(b"x" * (ANSWER_BYTES + 1)), "larger than"),
        (written(b"\xff\xfe"), "not UTF-8"),
        (written(b" \n"), "empty"),
    ],
    ids=["link", "hard link", "fifo", "folder", "too large", "no text", "empty"],
)
def test_anything_but_a_text_file_is_put_aside_and_said(act, words, tmp_path):
    def then_right(box, nonce):
        act(box, nonce)
        while not list(box.glob("*.refused.md")):
            time.sleep(0.05)
        hand_in(tmp_path, "right")

    answered, shown = answers_in(tmp_path, ask(), then_right)
    assert answered == "right"
    assert words in shown[1]


def test_hand_in_refuses_what_would_be_put_aside(tmp_path):
    with pytest.raises(BadInput, match="no prompt is open"):
        hand_in(tmp_path, "x")
    with pytest.raises(ModelUnavailable):
        Mailbox(tmp_path, wait_s=0).answer(ask())
    for text, words in (("", "empty"), ("x" * (ANSWER_BYTES + 1), "larger")):
        with pytest.raises(BadInput, match=words):
            hand_in(tmp_path, text)
    assert open_prompt(tmp_path) is not None


def test_the_same_question_finds_its_prompt_and_an_answer_given_meanwhile(tmp_path):
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            Mailbox(tmp_path, wait_s=0).answer(ask())
    assert len(list((tmp_path / "mailbox").iterdir())) == 1
    hand_in(tmp_path, "while nobody waited")
    assert Mailbox(tmp_path, wait_s=5).answer(ask()).text == "while nobody waited"


def test_another_question_withdraws_the_one_before(tmp_path):
    nonces = []
    for text in ("one", "two"):
        with pytest.raises(ModelUnavailable):
            Mailbox(tmp_path, wait_s=0).answer(ask(text))
        nonces.append(open_prompt(tmp_path).nonce)
    names = sorted(path.name for path in (tmp_path / "mailbox").iterdir())
    assert names == sorted([f"{nonces[0]}.withdrawn.md", f"{nonces[1]}.prompt.md"])


def test_a_mailbox_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "mailbox").symlink_to(tmp_path / "other")
    with pytest.raises(BadInput, match="no link"):
        Mailbox(tmp_path).answer(ask())


def test_ctrl_c_leaves_the_prompt_open_for_a_resumed_idea(tmp_path, workspace):
    program = (
        "import sys; from pathlib import Path; from orchestrator.models.mailbox import Mailbox; "
        "from orchestrator.outside import Request; "
        "Mailbox(Path(sys.argv[1])).answer(Request.model_validate_json(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(workspace.root), ask().model_dump_json()]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while (prompt := open_prompt(workspace.root)) is None:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=20)[1]
    assert open_prompt(workspace.root) == prompt
    hand_in(workspace.root, "later")
    answer = Gateway(Mailbox(workspace.root, wait_s=5), workspace).complete(ask())
    assert (answer.text, answer.model, answer.cost_usd) == ("later", "mailbox", 0)
