"""Reads a section's LaTeX: references, citations, labels, prose, and what would break or bend the paper. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from pylatexenc.latexwalker import (
    LatexCharsNode,
    LatexCommentNode,
    LatexEnvironmentNode,
    LatexGroupNode,
    LatexMacroNode,
    LatexMathNode,
    LatexNode,
    LatexSpecialsNode,
    LatexWalker,
    LatexWalkerError,
)

from orchestrator.evidence import vocabulary as vocab

PLACEHOLDER = "\N{OBJECT REPLACEMENT CHARACTER}"
# What TeX's T1 fonts have: ASCII, accented Latin letters, and the marks that word processors leave.
FONTS = re.compile("[\\x20-\\x7e\\n\\t\u00a0§°±²³·×À-ÖØ-öø-ĥĨ-ķĹ-ľŁ-ňŊ-ťŨ-ž–—‘’“”…€]")
_ESCAPED = {"_": "\\_", "^": "a formula, `$x^2$`", "#": "\\#"}
_SIGNS = "pm|mp|times|cdot|approx|sim|leq?|geq?|math[a-z]+|boldsymbol|text"
_BARE_NUMBER = re.compile(rf"(?:[\d.,+\-=<>~()\[\]{{}}^_\s]|\\(?:{_SIGNS})(?![A-Za-z])|\\[%,;:! ])+")
_BLANK_LINE = re.compile(r"\n\s*\n")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9:_.-]*")


@dataclass(frozen=True)
class Reference:
    """One of our references: its brace arguments as they stand, and where it lies in the text (`end` exclusive)."""

    name: str
    arguments: tuple[str, ...]
    start: int
    end: int
    nested: bool


@dataclass
class Passage:
    """What a section says. `prose` is its text without commands; `offsets[i]` is where `prose[i]` stands in `text`.

    Formulas, references and citations are a placeholder each. `faults` are positions with what is wrong there. A
    `broken` text does not parse, and holds nothing else.
    """

    text: str
    references: list[Reference] = field(default_factory=list)
    citations: list[tuple[int, str]] = field(default_factory=list)
    labels: list[tuple[int, str]] = field(default_factory=list)
    pointers: list[tuple[int, str]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    formulas: list[tuple[int, str]] = field(default_factory=list)
    nodes: list[LatexNode] = field(default_factory=list)
    broken: bool = False
    prose: str = ""
    offsets: list[int] = field(default_factory=list)

    def line(self, position: int) -> int:
        """Return the line, from 1, of a position in the text."""
        return self.text.count("\n", 0, position) + 1


@dataclass(frozen=True)
class _Place:
    """Where a node stands: in a formula, in a list, in an argument of a command, in one of a reference."""

    math: bool = False
    listed: bool = False
    inner: bool = False
    nested: bool = False


def read(text: str) -> Passage:
    """Parse `text`; unbalanced braces, environments or formulas leave one fault and nothing else."""
    passage = Passage(text)
    passage.faults += [(match.start(), "`^^` is not allowed") for match in re.finditer(r"\^\^", text)]
    walker = LatexWalker(text, latex_context=vocab.latex_context(), tolerant_parsing=False)
    try:
        nodes, _, _ = walker.get_latex_nodes()
    except (LatexWalkerError, RecursionError) as error:
        position = min(getattr(error, "pos", None) or 0, max(len(text) - 1, 0))
        passage.faults.append((position, f"this does not parse: {getattr(error, 'msg', 'it is nested too deeply')}"))
        passage.broken = True
        return passage
    passage.nodes = nodes
    _Reader(passage).nodes(nodes, _Place())
    return passage


def near(name: str, known: Iterable[str]) -> str:
    """Say which of the known names may have been meant, or which there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f"`{one}`" for one in close) + "?"
    return "there are: " + (", ".join(f"`{one}`" for one in names[:20]) or "none")


class _Reader:
    """Walks the nodes of a text and fills its passage."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage

    def nodes(self, nodes: Iterable[LatexNode | None], place: _Place) -> None:
        sequence = [node for node in nodes if node is not None]
        for node, following in zip_longest(sequence, sequence[1:]):
            if isinstance(node, LatexCharsNode):
                self._characters(node, place)
            elif isinstance(node, LatexGroupNode):
                self.nodes(node.nodelist, place)
            elif isinstance(node, LatexMathNode):
                self._formula(node, place)
            elif isinstance(node, LatexMacroNode):
                self._macro(node, following, place)
            elif isinstance(node, LatexEnvironmentNode):
                self._environment(node, place)
            elif isinstance(node, LatexSpecialsNode):
                self._special(node, place)
            elif isinstance(node, LatexCommentNode):
                self._fault(node, "an unescaped `%` hides the rest of the line; write `\\%`")

    def _fault(self, node: LatexNode, message: str) -> None:
        self.passage.faults.append((node.pos, message))

    def _say(self, words: str, position: int) -> None:
        self.passage.prose += words
        self.passage.offsets += [position] * len(words)

    def _characters(self, node: LatexCharsNode, place: _Place) -> None:
        for position, character in enumerate(node.chars, start=node.pos):
            if character in _ESCAPED and (character == "#" or not place.math):
                self.passage.faults.append((position, f"a bare `{character}` in text; write {_ESCAPED[character]}"))
            elif not FONTS.match(character) or (place.math and not character.isascii()):
                hint = (
                    f"`{character}` (U+{ord(character):04X}) is not in the paper's fonts; write it as a LaTeX command"
                )
                self.passage.faults.append((position, hint))
            if not place.math:
                self._say(character, position)

    def _special(self, node: LatexSpecialsNode, place: _Place) -> None:
        if node.specials_chars == "&" and not place.math:
            self._fault(node, "a bare `&` in text; write \\&")
        elif not place.math:
            self._say(" ", node.pos)

    def _formula(self, node: LatexMathNode, place: _Place) -> None:
        body = node.latex_verbatim()
        if _BLANK_LINE.search(body):
            self._fault(node, "a blank line within a formula; take it out")
        # A number set as a formula is still a typed number, and so is a share.
        inner = body.strip("$") if node.displaytype == "inline" else ""
        if inner and (_BARE_NUMBER.fullmatch(inner) or r"\%" in inner):
            self._say(re.sub(r"\\([a-z]+|.)|[{}]", _sign, inner), node.pos)
        else:
            self.passage.formulas.append((node.pos, body))
            self._say(PLACEHOLDER, node.pos)
        self.nodes(node.nodelist, replace(place, math=True))

    def _environment(self, node: LatexEnvironmentNode, place: _Place) -> None:
        name = node.environmentname
        if name in vocab.MATH_ENVIRONMENTS:
            if _BLANK_LINE.search(node.latex_verbatim()):
                self._fault(node, "a blank line within a formula; take it out")
            self.passage.formulas.append((node.pos, node.latex_verbatim()))
            self._say(PLACEHOLDER, node.pos)
            self.nodes(node.nodelist, replace(place, math=True))
        elif name in vocab.TEXT_ENVIRONMENTS:
            self._say("\n\n", node.pos)
            self.nodes(node.nodelist, replace(place, math=False, listed=name in vocab.LISTS))
            self._say("\n\n", node.pos)
        else:
            known = vocab.TEXT_ENVIRONMENTS | vocab.MATH_ENVIRONMENTS
            self._fault(node, f"the environment `{name}` is not allowed; {near(name, known)}")

    def _macro(self, node: LatexMacroNode, following: LatexNode | None, place: _Place) -> None:
        name = node.macroname
        if name in vocab.REFERENCES:
            self._reference(node, following, place)
        elif name in vocab.CITATIONS:
            self._citation(node, place)
        elif name in vocab.POINTERS or name == "label":
            self._pointer(node)
        elif name in vocab.TEXT | vocab.BOTH | vocab.MATH:
            self._command(node, place)
        else:
            known = vocab.TEXT | vocab.BOTH | vocab.MATH | vocab.CITATIONS | set(vocab.REFERENCES)
            close = difflib.get_close_matches(name, sorted(known), n=2, cutoff=0.75)
            hint = f"; did you mean {' or '.join('`' + chr(92) + c + '`' for c in close)}?" if close else ""
            self._fault(node, f"the command `\\{name}` is not allowed in a section{hint}")

    def _command(self, node: LatexMacroNode, place: _Place) -> None:
        name = node.macroname
        if place.math and name in vocab.TEXT:
            self._fault(node, f"`\\{name}` does not belong in a formula; use \\text{{...}}")
        elif not place.math and name in vocab.MATH - vocab.TEXT_IN_MATH:
            self._fault(node, f"`\\{name}` belongs in a formula, `$...$`")
        elif name == "item" and not place.listed:
            self._fault(node, "`\\item` outside of a list")
        if not place.math:
            self._say(_spoken(name), node.pos)
        arguments = _arguments(node)
        if name != "footnote" and any(_BLANK_LINE.search(argument.latex_verbatim()) for argument in arguments):
            self._fault(node, f"a blank line within `\\{name}`; end it before the paragraph ends")
        self.nodes(arguments, replace(place, math=place.math and name not in vocab.TEXT_IN_MATH, inner=True))

    def _reference(self, node: LatexMacroNode, following: LatexNode | None, place: _Place) -> None:
        name, wanted = node.macroname, vocab.REFERENCES[node.macroname]
        groups = [a for a in _arguments(node) if isinstance(a, LatexGroupNode) and a.delimiters[0] == "{"]
        trailing = isinstance(following, LatexGroupNode) and following.pos == node.pos + node.len
        if len(groups) != wanted or trailing:
            self._fault(node, f"`\\{name}` takes {wanted} arguments, each in braces: {_form(name, wanted)}")
            return
        arguments = tuple(group.latex_verbatim()[1:-1] for group in groups)
        end = node.pos + node.len
        self.passage.references.append(Reference(name, arguments, node.pos, end, place.nested))
        if name in vocab.FLOATS:
            self._float(node, groups[-2:], place)
        else:
            self._say(PLACEHOLDER, node.pos)

    def _float(self, node: LatexMacroNode, groups: list[LatexGroupNode], place: _Place) -> None:
        if place.inner or place.nested or place.math or place.listed:
            self._fault(node, f"`\\{node.macroname}` stands on lines of its own, between paragraphs")
        label, caption = groups
        self._label(label, self.passage.labels)
        self._say("\n\n", node.pos)
        if _BLANK_LINE.search(caption.latex_verbatim()):
            self._fault(node, "a blank line within a caption; a caption is one paragraph")
        self.nodes(caption.nodelist, _Place(inner=True, nested=True))
        self._say("\n\n", node.pos)

    def _citation(self, node: LatexMacroNode, place: _Place) -> None:
        *options, keys = _arguments(node)
        if place.math or not isinstance(keys, LatexGroupNode):
            self._fault(node, f"write `\\{node.macroname}{{key}}`, in text")
            return
        for key in keys.latex_verbatim()[1:-1].split(","):
            self.passage.citations.append((node.pos, key.strip()))
        self._say(PLACEHOLDER, node.pos)
        self.nodes([one for one in options if isinstance(one, LatexGroupNode)], replace(place, inner=True))

    def _pointer(self, node: LatexMacroNode) -> None:
        where = self.passage.labels if node.macroname == "label" else self.passage.pointers
        self._label(_arguments(node)[0], where)
        if node.macroname != "label":
            self._say(PLACEHOLDER, node.pos)

    def _label(self, node: LatexNode, where: list[tuple[int, str]]) -> None:
        name = node.latex_verbatim().strip("{}")
        if not _LABEL.fullmatch(name):
            self._fault(node, f"`{name}` is no label: letters, digits, `:`, `-`, `_` and `.`, such as `tab:main`")
        where.append((node.pos, name))


def _arguments(node: LatexMacroNode) -> list[LatexNode]:
    given = node.nodeargd.argnlist if node.nodeargd else None
    return [argument for argument in given or () if argument is not None]


def _sign(match: re.Match[str]) -> str:
    return {"times": "×", "%": "%", None: ""}.get(match[1], " ")


def _spoken(name: str) -> str:
    if name in {"paragraph", "subsection", "subsubsection", "item", "footnote"}:
        return "\n\n"
    return name if name in {"%", "&", "_", "#", "$"} else ("" if name == "-" else " " if name in vocab.BOTH else "")


def _form(name: str, count: int) -> str:
    return f"`\\{name}" + "{...}" * count + "`"
