"""Start Groundwork: `python launch.py --help`. Any Python will do; the project's own environment takes over."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".envs" / "orchestrator"


def main() -> None:
    """Hand over to the project's environment where this isn't it yet, then to the command line."""
    if Path(sys.prefix) != ENVIRONMENT:
        python = ENVIRONMENT / "bin" / "python"
        if not python.exists():
            sys.stderr.write(f"error: {ROOT} has no environment yet; run scripts/setup there\n")
            sys.exit(2)
        os.execv(python, [str(python), str(ROOT / "launch.py"), *sys.argv[1:]])  # noqa: S606
    sys.path.insert(0, str(ROOT))
    from orchestrator.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
