"""Whom `cite-check` asks: verified libraries on this machine first, then the services that the user named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator import inputs
from orchestrator.backends.scholar import open_scholars, scholar_names
from orchestrator.models.keys import take_keys
from orchestrator.paper.bib import Library
from orchestrator.paper.shelf import Shelf
from orchestrator.protocols import Scholar


def citation_sources(scholar: str | None, libraries: Sequence[Path]) -> tuple[Scholar, ...]:
    """Return the libraries (the templates' own if none is named) as one source, then the services in their order."""
    keys = take_keys()
    files = libraries or sorted(inputs.TEMPLATES.glob("*/references.bib"))
    sources = {f"{file}:{key}": source for file in files for key, source in Library.read(file).sources.items()}
    return (Shelf(sources), *open_scholars(scholar_names(scholar) if scholar is not None else (), keys))
