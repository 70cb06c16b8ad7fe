"""Stage `search`: what the paper may cite, each with a frozen record. The model proposes searches and chooses by id."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from orchestrator import notes, prompts
from orchestrator.citing import FILE, freeze, keep, readings_of
from orchestrator.errors import ScholarUnavailable
from orchestrator.paper.bib import Library
from orchestrator.paper.entries import entry_of, key_of
from orchestrator.paper.identity import same_work
from orchestrator.paper.shelf import Shelf
from orchestrator.records import Hypothesis, Record, Source
from orchestrator.study import AnswerRefused, Study, ask, json_block

FOUND = "sources/found.jsonl"
# A library of this size fits into a prompt, and nothing in it is missed; a larger one is searched like a service.
SHOWN_WHOLE = 150
MAX_SEARCHES = 8
RESULTS_EACH = 6
MAX_CHOSEN = 40
LINE_CHARS = 500

Query = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=300)]


class SearchAnswer(Record):
    """The form of the model's first answer."""

    searches: tuple[Query, ...] = Field(max_length=MAX_SEARCHES)


class ChoiceAnswer(Record):
    """The form of its second answer: ids of results."""

    chosen: tuple[str, ...] = Field(max_length=MAX_CHOSEN)


class Found(Record):
    """Journal event: what the searches brought, in `file`, one source a line; `unreached`: who could not be asked."""

    searches: tuple[str, ...]
    file: str
    sha256: str
    unreached: tuple[str, ...] = ()


class Citable(Record):
    """What may be cited, in `file`; `chosen` are the keys that a search added."""

    file: str
    sha256: str
    chosen: tuple[str, ...] = ()


def search_sources(hypotheses: tuple[Hypothesis, ...], study: Study) -> Citable:
    """Return what the paper may cite: the template's library, and what the model chose from the searches' results.

    No model is asked where the library fits into a prompt and the user named no service. ScholarUnavailable where no
    service answered any search.
    """

    def make() -> Citable:
        library = Library.read(study.setting.folder / "references.bib")
        whole = len(library.keys) <= SHOWN_WHOLE
        chosen: list[Source] = []
        if study.backends.scholars or not whole:
            study.backends.screen.stage("search")
            shown = library if whole else Library({})
            chosen = _chosen(_searched(shown, library, hypotheses, study), study)
        return _keep(library, list(library.keys) if whole else [], chosen, study)

    return study.workspace.journal.once("search", "", Citable, make)


def _searched(shown: Library, library: Library, hypotheses: tuple[Hypothesis, ...], study: Study) -> list[Source]:
    """Return the results that are new and can be cited; asked for once, since a service's answers change."""

    def make() -> Found:
        readings = readings_of(study.workspace)
        prompt = prompts.render(
            "search/queries",
            library=shown.describe(),
            count=len(shown.keys),
            idea=study.idea.model_dump(),
            hypotheses="\n".join(notes.hypothesis_lines(hypotheses, study.setting.template)),
            readings=readings.describe(),
            most=MAX_SEARCHES,
        )
        answer = ask(study, "search", "queries", prompt, lambda text: json_block(text, SearchAnswer))
        searches = (*(paper.title for paper in readings.papers), *answer.searches)
        sources, unreached = _results(searches, Shelf(library.sources), study)
        new = _new(sources, shown.sources.values())
        text = "".join(f"{source.model_dump_json()}\n" for source in new)
        return Found(searches=searches, file=FOUND, sha256=study.workspace.write(FOUND, text), unreached=unreached)

    found = study.workspace.journal.once("search", "results", Found, make)
    lines = study.workspace.read(found.file).split("\n")[:-1]
    return [Source.model_validate_json(line) for line in lines]


def _results(searches: Iterable[str], shelf: Shelf, study: Study) -> tuple[list[Source], tuple[str, ...]]:
    """Ask the library, then the services in their order until one has results, for each search."""
    sources: list[Source] = []
    unreached: dict[str, None] = {}
    answered = not study.backends.scholars
    for query in searches:
        sources += shelf.search(query, RESULTS_EACH)
        for scholar in study.backends.scholars:
            try:
                results = scholar.search(query, RESULTS_EACH)
            except ScholarUnavailable as unavailable:
                unreached[str(unavailable)] = None
                continue
            answered = True
            sources += results
            if results:
                break
    if unreached and not answered:
        raise ScholarUnavailable("; ".join(unreached))
    for reason in unreached:
        study.backends.screen.note(f"  {reason}")
    return sources, tuple(unreached)


def _new(sources: Iterable[Source], known: Iterable[Source]) -> list[Source]:
    """Return the citable sources, each work once and none that is known: the first description stands."""
    kept = list(known)
    before = len(kept)
    for source in sources:
        if source.citable and not any(same_work(source, other) for other in kept):
            kept.append(source)
    return kept[before:]


def _chosen(results: list[Source], study: Study) -> list[Source]:
    if not results:
        return []
    prompt = prompts.render(
        "search/choice", results="\n".join(map(_line, results)), idea=study.idea.model_dump(), most=MAX_CHOSEN
    )
    known = {source.id: source for source in results}
    answer = ask(study, "search", "choice", prompt, lambda text: _parse(text, known))
    return [known[name] for name in dict.fromkeys(answer.chosen)]


def _parse(text: str, known: dict[str, Source]) -> ChoiceAnswer:
    answer = json_block(text, ChoiceAnswer)
    unknown = [name for name in answer.chosen if name not in known]
    if unknown:
        raise AnswerRefused(f"No result has these ids: {', '.join(unknown[:6])}. Copy ids from the results.")
    return answer


def _line(source: Source) -> str:
    people = "; ".join(source.authors[:4]) + (" et al." if len(source.authors) > 4 else "")
    text = f"{people} ({source.year}). {source.title}. {source.venue}. {source.abstract}"
    return f"{source.id}: {text[:LINE_CHARS]}"


def _keep(library: Library, keys: list[str], chosen: list[Source], study: Study) -> Citable:
    """Freeze what may be cited. A work of the library keeps its entry, another gets one made of its source's answer."""
    today = datetime.now(UTC).date().isoformat()
    of_library = {source.id: key for key, source in library.sources.items()}
    keys = [*keys, *(of_library[source.id] for source in chosen if source.id in of_library)]
    records = [freeze(key, library.sources[key], library.sources[key].reply, today) for key in keys]
    taken = set(library.keys)
    for source in (source for source in chosen if source.id not in of_library):
        key = key_of(source, taken)
        taken.add(key)
        records.append(freeze(key, source, entry_of(key, source), today))
    kept = tuple(record.key for record in records)
    new = tuple(key for key in kept if key not in library.keys)
    return Citable(file=FILE, sha256=keep(records, study.workspace), chosen=new)
