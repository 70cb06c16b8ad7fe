"""`python -m orchestrator.fetch TEMPLATE_DIR`: what a template needs once, before any idea. Called by scripts/setup.

The template fetches its model and text, and computes the data of its default profile, so that the first idea doesn't
have to wait for that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from orchestrator import inputs
from orchestrator.wiring import cache_folder


def main(folder: Path) -> int:
    """Run the template's `fetch` and `prepare` in its own environment; return the first exit status that isn't 0."""
    template = inputs.load_template(folder)
    if not template.commands.fetch:
        return 0
    python = inputs.environment_python(folder, template.name)
    cache = cache_folder(template.name)
    cache.mkdir(parents=True, exist_ok=True)
    profile = next(one for one in template.profiles if one.name == template.default_profile)
    with tempfile.TemporaryDirectory() as scratch:
        described = Path(scratch) / "profile.json"
        described.write_text(profile.model_dump_json())
        prepare = (*template.commands.prepare, "--profile", str(described), "--out", scratch)
        for what, program in (
            ("model and text", template.commands.fetch),
            (f"data of profile {profile.name}", prepare),
        ):
            _say(f"{template.name}: {what}")
            command = [str(python), *program, "--cache", str(cache)]
            environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_WAIT_POLICY": "PASSIVE"}
            status = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
            if status:
                return status
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"setup: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
