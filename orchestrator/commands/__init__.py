"""The commands of `launch.py`, one a module. Only what `--help` needs is imported at a module's top."""
