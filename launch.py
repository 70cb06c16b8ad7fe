"""Start Groundwork: `python launch.py --help`. Any Python will do; the project's own environment takes over."""

import os
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.path.join(ROOT, ".envs", "orchestrator", "bin", "python")


def main() -> None:
    """Hand over to the project's environment where this isn't it yet, then to the command line."""
    if os.path.abspath(sys.prefix) != os.path.join(ROOT, ".envs", "orchestrator"):
        if not os.path.exists(PYTHON):
            sys.exit(f"{ROOT}: the environment is not set up; run scripts/setup there")
        os.execv(PYTHON, [PYTHON, os.path.join(ROOT, "launch.py"), *sys.argv[1:]])
    sys.path.insert(0, ROOT)
    from orchestrator.cli import main as cli

    cli()


if __name__ == "__main__":
    main()
