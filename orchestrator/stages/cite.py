"""Stage `cite`: what the text rests on and does not cite yet. Keys are exact; the bibliography is the source's own."""

from __future__ import annotations

from pydantic import Field

from orchestrator import prompts
from orchestrator.citing import citable
from orchestrator.evidence.references import citation_keys
from orchestrator.paper.bib import Library
from orchestrator.records import Record, Section
from orchestrator.study import AnswerRefused, Study, ask, json_block

BIBLIOGRAPHY = "latex/references.bib"
CITABLE = ("introduction", "related_work", "method", "experimental_setup", "results", "conclusion")


class Citation(Record):
    """Keys that belong at the end of a sentence."""

    section: str
    sentence: str = Field(min_length=10)
    keys: tuple[str, ...] = Field(min_length=1)


class CiteAnswer(Record):
    """The form of the model's answer."""

    citations: tuple[Citation, ...] = Field(max_length=30)


class Cited(Record):
    """The keys that the paper cites, all in `references.bib`, and the sections as they stand now."""

    keys: tuple[str, ...]
    bibliography: str
    sections: tuple[Section, ...]


def cite_sources(sections: list[Section], study: Study) -> Cited:
    """Return the paper's citations after the model has looked over the text once more."""

    def make() -> Cited:
        study.backends.screen.stage("cite")
        library = citable(study.workspace)
        texts = {section.name: study.workspace.read(section.path) for section in sections}
        body = "\n\n".join(f"%% {name}\n{texts[name]}" for name in CITABLE if name in texts)
        prompt = prompts.render("cite", cited=_keys(texts), sections=body, library=library.describe())
        answer = ask(study, "cite", "", prompt, lambda text: _parse(text, texts, library))
        for citation in answer.citations:
            texts[citation.section] = _insert(texts[citation.section], citation)
        # A key that the library lacks stands in a sentence that is struck out.
        keys = tuple(key for key in _keys(texts) if key in library.keys)
        study.workspace.write(BIBLIOGRAPHY, library.select(keys))
        cited = [_save(section, texts[section.name], study) for section in sections]
        return Cited(keys=keys, bibliography=BIBLIOGRAPHY, sections=tuple(cited))

    return study.workspace.journal.once("cite", "", Cited, make)


def cite_again(sections: list[Section], study: Study) -> None:
    """Write the bibliography of sections that were revised: what they cite, of what may be cited."""
    library = citable(study.workspace)
    keys = _keys({section.name: study.workspace.read(section.path) for section in sections})
    study.workspace.write(BIBLIOGRAPHY, library.select(tuple(key for key in keys if key in library.keys)))


def _parse(text: str, texts: dict[str, str], library: Library) -> CiteAnswer:
    answer = json_block(text, CiteAnswer)
    for citation in answer.citations:
        unknown = [key for key in citation.keys if key not in library.keys]
        if unknown:
            raise AnswerRefused(f"These keys are not in the library: {', '.join(unknown)}.")
        if citation.section not in CITABLE or texts[citation.section].count(citation.sentence) != 1:
            raise AnswerRefused(f"This is not exactly one sentence of {citation.section}: {citation.sentence!r}.")
        if not citation.sentence.endswith((".", ";", ":")):
            raise AnswerRefused(f"Copy the sentence to its last character, the full stop: {citation.sentence!r}.")
    return answer


def _insert(text: str, citation: Citation) -> str:
    stem, mark = citation.sentence[:-1], citation.sentence[-1]
    return text.replace(citation.sentence, f"{stem}~\\citep{{{','.join(citation.keys)}}}{mark}")


def _keys(texts: dict[str, str]) -> tuple[str, ...]:
    return tuple(sorted({key for text in texts.values() for key in citation_keys(text)}))


def _save(section: Section, text: str, study: Study) -> Section:
    path = f"latex/cited/{section.name}.tex"
    return Section(name=section.name, path=path, sha256=study.workspace.write(path, text))
