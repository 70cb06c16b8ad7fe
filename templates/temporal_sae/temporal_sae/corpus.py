"""Documents into parts into token sequences. No document lies in two parts; no sequence crosses a document."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PARTS = ("train", "tune", "dev", "test")
# Release notes repeat one another (one fix, announced for three versions), so all of them go to one part.
TRAIN_ONLY = "releases/"
LONG_PARAGRAPH = 80

Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class TokenSequences:
    """N sequences of T tokens, each from one document.

    `tokens_NT` are int32; `documents_N` index `names`, the documents' names; `positions_N` say at which of its
    document's tokens a sequence begins. With these two the sequences of one document can be put in order again.
    """

    tokens_NT: np.ndarray
    documents_N: np.ndarray
    positions_N: np.ndarray
    names: tuple[str, ...]


def read_documents(place: Path) -> dict[str, str]:
    """Return the text of each document by its name: of a folder's .txt files, or of the lines of a .jsonl file.

    A file's name is its path below the folder. FileNotFoundError if there is no text.
    """
    if place.is_file():
        return read_jsonl(place)
    texts = {path.relative_to(place).as_posix(): path.read_text("utf-8") for path in sorted(place.rglob("*.txt"))}
    if not texts:
        raise FileNotFoundError(f"{place}: no text there; fetch it first, or name another")
    return texts


def read_jsonl(path: Path) -> dict[str, str]:
    """Return the documents of a file with one JSON object a line: `text`, and `id` if the documents have names.

    Without an id a document is named by a hash of its text, so that one that occurs twice counts once and can't lie
    in two parts. ValueError names the line that is wrong.
    """
    texts: dict[str, str] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            name, text = _document(line, f"{path}: line {number}")
            if texts.setdefault(name, text) != text:
                raise ValueError(f"{path}: line {number}: id {name!r} was used before for another text")
    if not texts:
        raise ValueError(f"{path}: no document; each line is a JSON object with a key 'text'")
    return texts


def _document(line: str, where: str) -> tuple[str, str]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{where}: not JSON: {error}") from error
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise ValueError(f"{where}: no string under the key 'text'")
    return str(value.get("id", hashlib.sha256(text.encode()).hexdigest())), text


def corpus_digest(documents: dict[str, str]) -> str:
    """Return the SHA-256 of all names and texts."""
    digest = hashlib.sha256()
    for name in sorted(documents):
        digest.update(hashlib.sha256(f"{name}\0{documents[name]}".encode()).digest())
    return digest.hexdigest()


def part_of(name: str) -> str:
    """Return a document's part, by a hash of its name: 12 % test, 12 % dev, 6 % tune, else train."""
    if name.startswith(TRAIN_ONLY):
        return "train"
    percent = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100
    return next((part for part, below in (("test", 12), ("dev", 24), ("tune", 30)) if percent < below), "train")


def split(documents: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return the documents of each part; what a part shares with another word for word stays in train alone.

    Some pages repeat a paragraph or an example of another page. Such paragraphs of 80 characters or more are
    removed from tune, dev and test, so that none of them is graded on text that was trained on.
    """
    parts_with: dict[str, set[str]] = defaultdict(set)
    for name, text in documents.items():
        for paragraph in long_paragraphs(text):
            parts_with[paragraph].add(part_of(name))
    shared = {paragraph for paragraph, parts in parts_with.items() if len(parts) > 1}
    parts: dict[str, dict[str, str]] = {part: {} for part in PARTS}
    for name, text in documents.items():
        part = part_of(name)
        parts[part][name] = text if part == "train" else without(text, shared)
    return parts


def long_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of 80 characters or more, with runs of white space made one blank."""
    return [flat for block in blocks(text) if len(flat := flatten(block)) >= LONG_PARAGRAPH]


def without(text: str, paragraphs: set[str]) -> str:
    """Return `text` less the given (flattened) paragraphs."""
    return "\n\n".join(block for block in blocks(text) if flatten(block) not in paragraphs)


def blocks(text: str) -> list[str]:
    """Return what blank lines separate."""
    return re.split(r"\n[ \t]*\n", text)


def flatten(block: str) -> str:
    """Return `block` with runs of white space made one blank."""
    return " ".join(block.split())


def token_sequences(documents: dict[str, str], encode: Encode, context: int, wanted: int) -> TokenSequences:
    """Return `wanted` sequences of `context` tokens, each from one document; ValueError if the text is too short.

    Documents are cut into whole sequences (the rest is dropped); which of them are taken, and in which order,
    follows from a hash of name and place, so that few sequences still come from many documents.
    """
    names = tuple(documents)
    tokens = [np.array(encode(text), dtype=np.int32) for text in documents.values()]
    cuts = [cut for index, name in enumerate(names) for cut in cut_document(name, index, len(tokens[index]), context)]
    chosen = sorted(cuts)[:wanted]
    if len(chosen) < wanted:
        raise ValueError(f"{wanted} sequences of {context} tokens wanted, but the text has only {len(chosen)}")
    return TokenSequences(
        tokens_NT=np.stack([tokens[index][start : start + context] for _, index, start in chosen]),
        documents_N=np.array([index for _, index, _ in chosen], dtype=np.int32),
        positions_N=np.array([start for _, _, start in chosen], dtype=np.int32),
        names=names,
    )


def count_sequences(documents: dict[str, str], encode: Encode, context: int, enough: int) -> int:
    """Return how many sequences there are; documents are read only until there are `enough`."""
    total = 0
    for text in documents.values():
        total += len(encode(text)) // context
        if total >= enough:
            break
    return total


def cut_document(name: str, index: int, tokens: int, context: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each whole sequence of a document: the hash by which it is sorted, the document's index, its start."""
    for start in range(0, tokens - context + 1, context):
        yield hashlib.sha256(f"{name}\0{start}".encode()).digest(), index, start
