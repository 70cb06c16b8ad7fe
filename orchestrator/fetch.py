"""`python -m orchestrator.fetch TEMPLATE_DIR`: let a template fetch its model and text, once (see scripts/setup)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from orchestrator import inputs
from orchestrator.wiring import cache_folder


def main(folder: Path) -> int:
    """Run the template's `fetch` command in its own environment; return its exit status."""
    template = inputs.load_template(folder)
    if not template.commands.fetch:
        return 0
    python = inputs.environment_python(folder, template.name)
    cache = cache_folder(template.name)
    cache.mkdir(parents=True, exist_ok=True)
    command = [str(python), *template.commands.fetch, "--cache", str(cache)]
    return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
