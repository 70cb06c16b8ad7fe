"""Documents into parts into token sequences. No document lies in two parts; no sequence crosses a document."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

PARTS = ("train", "tune", "dev", "test")
# Release notes repeat one another (one fix, announced for three versions), so all of them go to one part.
TRAIN_ONLY = "releases/"
LONG_PARAGRAPH = 80

Encode = Callable[[str], list[int]]


def read_documents(folder: Path) -> dict[str, str]:
    """Return the text of each document by its path below `folder`; FileNotFoundError if there is none."""
    texts = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*.txt"))}
    if not texts:
        raise FileNotFoundError(f"{folder}: no text there; fetch it first")
    return texts


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


def token_sequences(documents: dict[str, str], encode: Encode, context: int, wanted: int) -> list[list[int]]:
    """Return `wanted` sequences of `context` tokens, each from one document; ValueError if the text is too short.

    Documents are cut into whole sequences (the rest is dropped); which of them are taken, and in which order,
    follows from a hash of name and place, so that few sequences still come from many documents.
    """
    cut = (item for name, text in documents.items() for item in cut_document(name, encode(text), context))
    chosen = [tokens for _, tokens in sorted(cut, key=lambda item: item[0])[:wanted]]
    if len(chosen) < wanted:
        raise ValueError(f"{wanted} sequences of {context} tokens wanted, but the text has only {len(chosen)}")
    return chosen


def cut_document(name: str, tokens: list[int], context: int) -> Iterable[tuple[str, list[int]]]:
    """Yield each whole sequence of a document with the hash by which it is sorted."""
    for start in range(0, len(tokens) - context + 1, context):
        yield hashlib.sha256(f"{name}\0{start}".encode()).hexdigest(), tokens[start : start + context]
