"""What there is: ideas, templates, and idea folders with the stage that each has reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator import inputs
from orchestrator.journal import Journal

BOOKKEEPING = {"call", "budget"}


def overview(runs: Path) -> Iterator[str]:
    """Yield a line for each idea, template and idea folder."""
    for path in sorted(inputs.IDEAS.glob("*.json")):
        session = "bundled session" if inputs.session_of(path).is_file() else "no session"
        yield f"idea      {path.stem}  ({session})"
    for path in sorted(inputs.TEMPLATES.glob("*/template.toml")):
        profiles = ", ".join(profile.name for profile in inputs.load_template(path.parent).profiles)
        yield f"template  {path.parent.name}  (profiles: {profiles})"
    for path in sorted(runs.glob("*/journal.jsonl")):
        events = Journal(path, writable=False).events
        last = next((e for e in reversed(events) if e.kind not in BOOKKEEPING), None)
        yield f"run       {path.parent.name}  (last: {f'{last.kind} {last.step}'.strip() if last else 'nothing'})"
