"""Session files and their unpacked form."""

import json

from orchestrator.models.recording import changed_prompts
from orchestrator.models.session import SessionEntry, SessionHeader, pack, read_session, unpack, write_session
from tests.conftest import QUICK, ROOT

HEADER = SessionHeader(kind="scripted", idea="i", model="none", date="2026-01-01", prompts={"plan.md.j2": "ab"})


def test_a_session_survives_unpacking_and_packing(tmp_path):
    entries = [
        SessionEntry(stage="edit", step="run_1.2", attempt=0, answer="a\r\n```\u2028b\n", request="cd"),
        SessionEntry(stage="plan", step="", attempt=0, answer="{}"),
    ]
    write_session(tmp_path / "a.jsonl", HEADER, entries)
    unpack(tmp_path / "a.jsonl", tmp_path / "folder")
    pack(tmp_path / "folder", tmp_path / "b.jsonl")
    assert read_session(tmp_path / "b.jsonl") == (HEADER, entries)


def test_a_session_of_before_these_fields_is_still_read(tmp_path):
    header, entries = read_session(QUICK / "quick_momentum.session.jsonl")
    assert header.kind == "scripted" and entries
    old = {"kind": "recorded", "idea": "i", "model": "m", "date": "2026-01-01"}
    entry = {"stage": "plan", "step": "", "attempt": 0, "answer": "x"}
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps(old) + "\n" + json.dumps(entry) + "\n")
    header, (read,) = read_session(path)
    assert (header.template, header.prompts, read.request) == ("", {}, "")


def test_bundled_sessions_fit_today_s_prompts():
    """After a prompt changed: run the idea, then `launch.py record RUN FILE` renews its session."""
    bundled = [*(ROOT / "ideas").glob("*.session.jsonl"), *(ROOT / "tests" / "quick").glob("*.session.jsonl")]
    assert len(bundled) >= 2
    for path in bundled:
        header, _ = read_session(path)
        assert header.prompts, path.name
        assert changed_prompts(header) == [], path.name
