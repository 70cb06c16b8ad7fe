"""The services of citations, by name, each asked through the library that is kept for it."""

from __future__ import annotations

from orchestrator.backends.scholar.courtesy import Manners
from orchestrator.errors import BadInput
from orchestrator.models.keys import Keys
from orchestrator.protocols import Scholar

NAMES = ("openalex", "semanticscholar", "crossref", "arxiv")


def scholar_names(text: str) -> tuple[str, ...]:
    """Read `--scholar openalex,crossref`; BadInput names a service that is none."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        raise BadInput(f"--scholar {text}: no such service; there are: {', '.join(NAMES)}, with commas between")
    return names


def open_scholars(names: tuple[str, ...], keys: Keys) -> tuple[Scholar, ...]:
    """Return the services in the order of their names; their libraries are imported here. Nothing is asked yet."""
    if not names:
        return ()
    from orchestrator.backends.scholar.arxiv import Arxiv
    from orchestrator.backends.scholar.crossref import Crossref
    from orchestrator.backends.scholar.openalex import OpenAlex
    from orchestrator.backends.scholar.semanticscholar import SemanticScholar

    manners = Manners.from_environment()
    services: dict[str, Scholar] = {
        "openalex": OpenAlex(manners, keys.get("OPENALEX_API_KEY")),
        "semanticscholar": SemanticScholar(manners, keys.get("SEMANTIC_SCHOLAR_API_KEY")),
        "crossref": Crossref(manners),
        "arxiv": Arxiv(manners),
    }
    return tuple(services[name] for name in names)
