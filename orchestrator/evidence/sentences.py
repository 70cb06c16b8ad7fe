r"""A section's sentences: what is checked, sent back, struck out or set as interpretation, each as one piece. Pure.

A sentence is a span of the text within which every brace and environment is closed, so that it can be wrapped in a
command. Headings, captions and footnotes have sentences of their own; what holds them, or a table, is one piece too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pylatexenc.latexwalker import (
    LatexCharsNode,
    LatexEnvironmentNode,
    LatexGroupNode,
    LatexMacroNode,
    LatexMathNode,
    LatexNode,
    LatexSpecialsNode,
)

from orchestrator.evidence import vocabulary as vocab
from orchestrator.evidence.syntax import PLACEHOLDER, Passage, Reference

Kind = Literal["text", "heading", "caption", "footnote", "block", "broken"]
HEADINGS = frozenset({"paragraph", "subsection", "subsubsection"})
_SPACES = frozenset({" ", "\n", ",", ";", "!", "quad", "qquad"})
_SHORT = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|al|Figs?|Eqs?|Secs?|Tabs?|App|approx|resp|w\.r\.t|Nos?|pp?|[A-Z])\.)$")
_END = re.compile(rf"[.!?][’”'\")\]{PLACEHOLDER}]*(?=\s|$)|\n[ \t]*\n")


@dataclass(frozen=True)
class Sentence:
    """A piece of a section: `text[start:end]`. `offsets[i]` is where `prose[i]` stands.

    `prose` is what it says without commands, with a placeholder for each formula, reference and citation; what stands
    in a footnote or a caption within it belongs to that alone. `mask` is its source, as long as it is, with a
    placeholder for every character of a command.
    """

    start: int
    end: int
    kind: Kind
    mask: str = ""
    prose: str = ""
    offsets: tuple[int, ...] = ()
    references: tuple[Reference, ...] = ()

    def clauses(self, marks: str = ";") -> tuple[tuple[int, int], ...]:
        """Return the spans between the marks (a pattern), each with the one that ends it."""
        cuts = [0, *(match.end() for match in re.finditer(marks, self.mask)), len(self.mask)]
        spans = [_stripped(self.mask, a, b) for a, b in zip(cuts, cuts[1:], strict=False)]
        return tuple((self.start + a, self.start + b) for a, b in spans if a < b)

    def reference_at(self, index: int) -> Reference | None:
        """Return the reference whose placeholder is `prose[index]`."""
        return next((one for one in self.references if one.start == self.offsets[index]), None)


def sentences(passage: Passage) -> tuple[Sentence, ...]:
    """Return every sentence of a section in the order of their starts; one that holds another comes before it."""
    if passage.broken:
        return (Sentence(0, len(passage.text), "broken"),)
    bare = sorted(_pieces(passage.nodes, "text"), key=lambda piece: (piece.start, -piece.end))
    said: dict[Sentence, list[int]] = {piece: [] for piece in bare}
    for index, position in enumerate(passage.offsets):
        holder = innermost(bare, position)
        if holder is not None:
            said[holder].append(index)
    return tuple(_filled(piece, indices, bare, passage) for piece, indices in said.items())


def innermost(pieces: Iterable[Sentence], position: int) -> Sentence | None:
    """Return the shortest of the pieces around a position."""
    around = [piece for piece in pieces if piece.start <= position < piece.end]
    return min(around, key=lambda piece: piece.end - piece.start, default=None)


def _filled(bare: Sentence, indices: list[int], pieces: list[Sentence], passage: Passage) -> Sentence:
    references = [one for one in passage.references if innermost(pieces, one.start) is bare]
    return Sentence(
        bare.start,
        bare.end,
        bare.kind,
        bare.mask,
        "".join(passage.prose[index] for index in indices),
        tuple(passage.offsets[index] for index in indices),
        tuple(references),
    )


def _pieces(nodes: Iterable[LatexNode | None], kind: Kind) -> Iterator[Sentence]:
    """Walk one level: runs of text and of what stands in a line, between what stands for itself."""
    line: list[LatexNode] = []
    for node in nodes:
        if node is None:
            continue
        inner = list(_blocks(node, kind))
        if not inner:
            line.append(node)
            yield from _within(node)
            continue
        yield from _cut(line, kind)
        line = []
        for block, block_kind in inner:
            yield from _pieces(block, block_kind)
        if _stands_alone(node):
            yield Sentence(node.pos, node.pos + node.len, "block")
    yield from _cut(line, kind)


def _blocks(node: LatexNode, kind: Kind) -> Iterator[tuple[list[LatexNode], Kind]]:
    """What stands for itself: lists, headings, items, floats, and groups that hold more than one sentence."""
    if (
        isinstance(node, LatexEnvironmentNode)
        and node.environmentname not in vocab.MATH_ENVIRONMENTS
        or isinstance(node, LatexGroupNode)
        and _ends_within(node.nodelist)
    ):
        yield node.nodelist, kind
    elif isinstance(node, LatexMacroNode):
        arguments = [one for one in (node.nodeargd.argnlist if node.nodeargd else None) or () if one is not None]
        groups = [one for one in arguments if isinstance(one, LatexGroupNode)]
        if node.macroname in HEADINGS or node.macroname == "item":
            yield from ((group.nodelist, "heading") for group in groups)
            yield [], kind
        elif node.macroname in vocab.FLOATS:
            yield (groups[-1].nodelist if len(groups) == vocab.REFERENCES[node.macroname] else []), "caption"
        elif node.macroname in vocab.FONTS and any(_ends_within(group.nodelist) for group in groups):
            yield from ((group.nodelist, kind) for group in groups)


def _stands_alone(node: LatexNode) -> bool:
    """True for what is struck out as a whole: a float, a heading, an item, an environment that is not allowed."""
    if isinstance(node, LatexEnvironmentNode):
        return node.environmentname not in vocab.TEXT_ENVIRONMENTS
    return isinstance(node, LatexMacroNode) and node.macroname in {*vocab.FLOATS, *HEADINGS, "item"}


def _within(node: LatexNode) -> Iterator[Sentence]:
    """The footnotes that stand in a line."""
    if isinstance(node, LatexMacroNode):
        arguments = [one for one in (node.nodeargd.argnlist if node.nodeargd else None) or () if one is not None]
        for argument in arguments:
            if node.macroname == "footnote" and isinstance(argument, LatexGroupNode):
                yield from _pieces(argument.nodelist, "footnote")
            else:
                yield from _within(argument)
    elif isinstance(node, LatexGroupNode):
        for inner in node.nodelist:
            yield from _within(inner)


def _ends_within(nodes: list[LatexNode]) -> bool:
    inline = [node for node in nodes if node is not None]
    return bool(inline) and len(_spans(_masked(inline), 0)) > 1


def _cut(line: list[LatexNode], kind: Kind) -> Iterator[Sentence]:
    if not line:
        return
    mask, first = _masked(line), line[0].pos
    for start, end in _spans(mask, 0):
        yield Sentence(first + start, first + end, kind, mask[start:end])


def _masked(line: list[LatexNode]) -> str:
    """The source of a line, as long as it is, with a placeholder for every character of what is no plain text."""
    return "".join(_mask(node) for node in line)


def _mask(node: LatexNode) -> str:
    if isinstance(node, LatexCharsNode):
        return str(node.chars)
    tilde = isinstance(node, LatexSpecialsNode) and node.specials_chars == "~"
    if tilde or (isinstance(node, LatexMacroNode) and node.macroname in _SPACES):
        return " " * int(node.len)
    ends = isinstance(node, LatexMathNode | LatexEnvironmentNode) and re.search(
        r"\.\s*(?:\\\]|\$\$|\\end\{[a-z*]+\})$", node.latex_verbatim()
    )
    return PLACEHOLDER * (int(node.len) - 1) + ("." if ends else PLACEHOLDER)


def _spans(mask: str, start: int) -> list[tuple[int, int]]:
    found = []
    for match in _END.finditer(mask):
        blank = match[0].startswith("\n")
        if not blank and match[0] == "." and _SHORT.search(mask, max(0, match.start() - 8), match.end()):
            continue
        found.append(_stripped(mask, start, match.start() if blank else match.end()))
        start = match.end()
    return [span for span in [*found, _stripped(mask, start, len(mask))] if span[0] < span[1]]


def _stripped(mask: str, start: int, end: int) -> tuple[int, int]:
    piece = mask[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
