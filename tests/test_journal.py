"""The journal keeps what it was given, in order, and shows any change."""

import json
import subprocess
import sys

import pytest

from orchestrator.errors import BadInput, JournalCorrupt
from orchestrator.journal import Journal
from orchestrator.records import Finding

ONE = Finding(code="one", severity="note", message="first")
TWO = Finding(code="two", severity="note", message="second")


@pytest.fixture
def path(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("a", "1", ONE)
    journal.append("b", "1", TWO)
    journal.append("a", "2", TWO)
    journal.close()
    return tmp_path / "journal.jsonl"


def test_what_was_appended_is_found_again(path):
    journal = Journal(path)
    assert journal.find("a", "1", Finding) == ONE
    assert journal.find("a", "3", Finding) is None
    assert journal.all("a", Finding) == [ONE, TWO]


def test_once_produces_only_what_is_missing(path):
    journal = Journal(path)
    assert journal.once("a", "1", Finding, lambda: pytest.fail("was known")) == ONE
    assert journal.once("a", "9", Finding, lambda: TWO) == TWO
    assert len(path.read_text().splitlines()) == 4


def test_a_torn_last_line_is_set_aside_and_the_journal_goes_on(path):
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"n":3,"kind":"a')
    journal = Journal(path)
    assert [event.n for event in journal.events] == [0, 1, 2]
    journal.append("c", "1", ONE)
    journal.close()
    assert path.with_suffix(".torn").read_bytes() == b'{"n":3,"kind":"a'
    assert len(Journal(path).events) == 4


@pytest.mark.parametrize("change", ["value", "order", "removal", "garbage"])
def test_any_other_damage_is_an_error_that_names_the_line(path, change):
    lines = path.read_text().splitlines(keepends=True)
    if change == "value":
        lines[1] = lines[1].replace("second", "changed")
    elif change == "order":
        lines[1], lines[2] = lines[2], lines[1]
    elif change == "removal":
        del lines[1]
    else:
        lines[1] = "garbage\n"
    path.write_text("".join(lines))
    with pytest.raises(JournalCorrupt, match=r"journal\.jsonl:2"):
        Journal(path)


def test_a_second_writer_is_refused(path):
    journal = Journal(path)
    code = f"from orchestrator.journal import Journal; import pathlib; Journal(pathlib.Path({str(path)!r}))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "another process is working in this folder" in other.stderr
    journal.close()
    Journal(path).close()
    with pytest.raises(BadInput):
        first = Journal(path)
        Journal(path)
    first.close()


def test_lines_are_plain_json_with_a_checksum(path):
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["kind"] for event in events] == ["a", "b", "a"]
    assert all(len(event["sum"]) == 16 for event in events)
