"""What an idea was begun with: the journal's first event, and the sentence in which people are told of it."""

from __future__ import annotations

from orchestrator.flags import BUNDLED, Models
from orchestrator.protocols import EditFormat
from orchestrator.records import Record


class Begun(Record):
    """The journal's first event: everything that a resumed idea must find again."""

    idea: str
    template: str
    profile: str
    models: Models
    edit_format: EditFormat = "diff"
    fresh_baseline: bool = False
    session: str
    session_kind: str
    date: str
    sandbox: str
    scholars: tuple[str, ...] = ()
    literature: str = ""
    improve: bool = False


def provenance(begun: Begun) -> str:
    """Say in a sentence or two where the words and the results of an idea come from."""
    real = f"the experiments are real and were run now, on {begun.date}"
    confined = "" if begun.sandbox == "bubblewrap" else " Model-written code ran without a sandbox."
    others = begun.models.describe() if begun.models.roles or begun.models.default.provider != BUNDLED else ""
    if not others:
        what = {"scripted": "Scripted answers", "recorded": "Recorded answers"}[begun.session_kind]
        how = {"scripted": "written in advance", "recorded": "given by a model earlier"}[begun.session_kind]
        return f"{what}: plan, edits and prose were {how} and replayed from {begun.session}; {real}.{confined}"
    others = others.replace("mailbox", "somebody behind a mailbox (a person or another agent)")
    return f"Plan, edits and prose are by {others}; {real}. Results are references that code expanded.{confined}"
