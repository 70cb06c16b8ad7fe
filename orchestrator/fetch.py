"""`python -m orchestrator.fetch TEMPLATE_DIR`: what a template needs once, before any idea. Called by scripts/setup.

The template fetches its model and text, and computes the data of its default profile, so that the first idea doesn't
have to wait for that.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from orchestrator import inputs
from orchestrator.errors import GroundworkError
from orchestrator.preflight import HUB_TOKEN, fetch, run_trusted
from orchestrator.wiring import open_setting


def main(folder: Path) -> int:
    """Run the template's `fetch` and `prepare` in its own environment; return the exit status."""
    template = inputs.load_template(folder)
    if not template.commands.fetch:
        return 0
    setting = open_setting(template, inputs.find_profile(None, template, folder), folder)
    _say(f"{template.name}: model and text")
    fetch(setting, os.environ.get(HUB_TOKEN))
    with tempfile.TemporaryDirectory() as scratch:
        _say(f"{template.name}: data of profile {setting.profile.name}")
        done = run_trusted(setting, template.commands.prepare, ("--out", scratch))
    sys.stderr.write(done.stderr)
    return done.returncode


def _say(text: str) -> None:
    sys.stdout.write(f"setup: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]).resolve()))
    except GroundworkError as error:
        _say(str(error))
        sys.exit(error.exit_status)
