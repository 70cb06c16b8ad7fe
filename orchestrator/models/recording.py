"""Makes a session of a run, and tells whether a session still fits the prompts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from orchestrator import prompts
from orchestrator.errors import BadInput
from orchestrator.journal import Journal
from orchestrator.models.calls import Call
from orchestrator.models.keys import Keys
from orchestrator.models.session import SessionEntry, SessionHeader, read_session, write_session
from orchestrator.outside import Answer
from orchestrator.records import Idea, Record
from orchestrator.workspace import Workspace

PROMPTS = Path(prompts.__file__).parent
SUFFIX = ".md.j2"
REPLAYED = "replay:"
SESSION = "session.jsonl"


class Drift(Record):
    """How far a replay has gone from its session: of `compared` prompts, `drifted` differ from the recorded ones."""

    compared: int
    drifted: int


def record(workspace: Workspace, path: Path, keys: Keys | None = None) -> SessionHeader:
    """Write the answers of the run in `workspace` to `path` as a session, without any of `keys`; return its header.

    Of each call the last answer counts. A session with any scripted answer is scripted. BadInput where no model was
    asked.
    """
    scrub = (keys or Keys({})).scrub
    calls = _answered(workspace.journal)
    if not calls:
        raise BadInput(f"{workspace.root}: no model has answered here yet, so there is nothing to record")
    entries = []
    for key, call in calls.items():
        stage, step, attempt = key.split("/")
        text = scrub(Answer.model_validate_json(workspace.read(f"calls/{call.answer}.json")).text)
        entries.append(SessionEntry(stage=stage, step=step, attempt=int(attempt), answer=text, request=call.request))
    header = _header(workspace, list(calls.values()))
    write_session(path, header, entries)
    return header


def drift(journal: Journal, session: Path) -> Drift:
    """Compare the requests in a replay's journal with those that `session` was recorded with, where it says them.

    Results differ from run to run, and with them the prompts that show them.
    """
    recorded = {f"{entry.stage}/{entry.step}/{entry.attempt}": entry.request for entry in read_session(session)[1]}
    pairs = [(call.request, recorded[key]) for key, call in _answered(journal).items() if recorded.get(key)]
    return Drift(compared=len(pairs), drifted=sum(now != then for now, then in pairs))


def changed_prompts(header: SessionHeader, folder: Path = PROMPTS) -> list[str]:
    """Return the names of the prompt files that are not what they were when the session was recorded.

    A session that names no prompts (one written by hand) has none that could have changed.
    """
    now = dict(_hashes(folder, {Path(name).parts[0].removesuffix(SUFFIX) for name in header.prompts}))
    names = sorted(now.keys() | header.prompts.keys()) if header.prompts else []
    return [name for name in names if now.get(name) != header.prompts.get(name)]


def _answered(journal: Journal) -> dict[str, Call]:
    """Return the last answered call under each key `stage/step/attempt`."""
    calls = ((event.step, Call.model_validate(event.data)) for event in journal.events if event.kind == "call")
    return {key: call for key, call in calls if call.answer}


def _header(workspace: Workspace, calls: list[Call]) -> SessionHeader:
    idea = Idea.model_validate_json(workspace.read("idea.json"))
    lock = workspace.path("template.lock")
    replayed = {call.model for call in calls if call.model.startswith(REPLAYED)}
    kind: Literal["recorded", "scripted"] = "scripted" if f"{REPLAYED}scripted" in replayed else "recorded"
    models = {f"{call.provider}/{call.model}".strip("/") for call in calls if call.model not in replayed}
    date = datetime.now(UTC).date().isoformat()
    names = sorted(models)
    if replayed and workspace.path(SESSION).is_file():
        played = read_session(workspace.path(SESSION))[0]
        date = date if models else played.date
        names = sorted({*names, played.model})
    return SessionHeader(
        kind=kind,
        idea=idea.Name,
        model=", ".join(names),
        date=date,
        template=hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
        prompts=dict(_hashes(PROMPTS, {call.stage for call in calls} | {"system", "refused", "tests"})),
    )


def _hashes(folder: Path, stages: set[str]) -> Iterator[tuple[str, str]]:
    """Yield path and SHA-256 of each prompt file below `folder` that belongs to one of `stages`."""
    for file in sorted(folder.rglob(f"*{SUFFIX}")):
        name = file.relative_to(folder)
        if name.parts[0].removesuffix(SUFFIX) in stages:
            yield str(name), hashlib.sha256(file.read_bytes()).hexdigest()
