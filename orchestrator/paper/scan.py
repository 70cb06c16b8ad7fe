"""Cuts LaTeX into tokens and says which stand in a formula, for text that may be broken. Pure.

A parser gives up at the first fault; mending needs to see past it. So a formula between dollars ends at a blank line
at the latest, an `\\end` without its `\\begin` ends nothing, and a brace too many closes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.evidence import vocabulary as vocab

FORMULA_ENVIRONMENTS = vocab.MATH_ENVIRONMENTS | {"eqnarray", "eqnarray*", "displaymath", "math"}
_TYPED = {"\\": "", "^": r"\^{}", "~": r"\~{}"} | {special: f"\\{special}" for special in "_%&#${}"}
_TEXT_IN_FORMULA = vocab.TEXT_IN_MATH | {"mbox", "textbf", "textit", "texttt", "emph", "label"}


def _literal() -> str:
    """Match commands whose arguments are names and no prose: references, citations, labels, addresses."""
    alternatives = []
    for name, count in vocab.REFERENCES.items():
        alternatives.append(name + r"\{[^{}\n]*\}" * (count - (name in vocab.FLOATS)))
    cited = "|".join(sorted(vocab.CITATIONS))
    alternatives.append(rf"(?:{cited})\*?(?:\[[^\]\n]*\]){{0,2}}\{{[^{{}}\n]*\}}")
    alternatives.append(rf"(?:{'|'.join(sorted(vocab.POINTERS))}|label|url|includegraphics|input)\{{[^{{}}\n]*\}}")
    return "|".join(alternatives)


_TOKEN = re.compile(
    rf"(?P<literal>\\(?:{_literal()}))"
    r"|(?P<begin>\\begin\s*\{(?P<begun>[A-Za-z]+\*?)\})"
    r"|(?P<end>\\end\s*\{(?P<ended>[A-Za-z]+\*?)\})"
    r"|(?P<command>\\(?:[A-Za-z]+\*?|.|\n))"
    r"|(?P<blank>\n[ \t]*\n\s*)"
    r"|(?P<dollar>\$\$?)"
    r"|(?P<brace>[{}])"
    r"|(?P<other>.|\n|\\)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """`text[start:end]`. `math`: it stands in a formula, whose delimiters count; `within` is the innermost environment.

    `name` is a command's without backslash and star, or an environment's.
    """

    kind: str
    text: str
    start: int
    math: bool
    within: str
    name: str = ""

    @property
    def end(self) -> int:
        """Where the next token starts."""
        return self.start + len(self.text)


class _Frames:
    """What is open at a place: dollars, brackets, environments, and braces."""

    def __init__(self) -> None:
        self.open: list[str] = []

    def math(self) -> bool:
        frame = next((one for one in reversed(self.open) if one != "{"), "")
        return frame in {"$", "$$", r"\(", r"\["} or frame in FORMULA_ENVIRONMENTS

    def within(self) -> str:
        return next((one for one in reversed(self.open) if one[0].isalpha()), "")

    def close(self, frame: str) -> None:
        if frame in self.open:
            while self.open.pop() != frame:
                pass

    def dollar(self, text: str) -> None:
        if text in self.open:
            self.close(text)
        elif not self.math():
            self.open.append(text)

    def brace(self, text: str, *, spoken: bool) -> None:
        if text == "{":
            self.open.append("{text" if spoken and self.math() else "{")
        elif self.open and self.open[-1].startswith("{"):
            self.open.pop()


def scan(text: str) -> list[Token]:
    """Return the tokens of `text`, which together are the text."""
    frames, tokens, last = _Frames(), [], ""
    for match in _TOKEN.finditer(text):
        kind, piece = match.lastgroup or "other", match[0]
        kind = {"begun": "begin", "ended": "end"}.get(kind, kind)
        before, within = frames.math(), frames.within()
        name = match["begun"] or match["ended"] or (piece[1:].rstrip("*") if kind == "command" else "")
        _step(frames, kind, piece, name, spoken=last in _TEXT_IN_FORMULA)
        tokens.append(Token(kind, piece, match.start(), before or frames.math(), within, name))
        last = name if kind == "command" else ""
    return tokens


def _step(frames: _Frames, kind: str, piece: str, name: str, *, spoken: bool) -> None:
    if kind == "blank":
        for dollar in ("$", "$$"):
            frames.close(dollar)
    elif kind == "dollar":
        frames.dollar(piece)
    elif kind == "brace":
        frames.brace(piece, spoken=spoken)
    elif kind == "begin":
        frames.open.append(name)
    elif kind == "end":
        frames.close(name)
    elif piece in (r"\(", r"\["):
        frames.open.append(piece)
    elif piece in (r"\)", r"\]"):
        frames.close({r"\)": r"\(", r"\]": r"\["}[piece])


def in_words(text: str) -> list[bool]:
    """Return for each character whether it is prose, or a command or brace in it, and so in no formula and no name."""
    kinds = {"other", "blank", "command", "brace"}
    return [token.kind in kinds and not token.math for token in scan(text) for _ in token.text]


def substitute(pattern: str, replacement: str | Callable[[re.Match[str]], str], text: str) -> str:
    """Replace the matches of `pattern` that begin and end in prose."""
    prose = in_words(text)

    def one(match: re.Match[str]) -> str:
        if not (prose[match.start()] and prose[match.end() - 1]):
            return match[0]
        return match.expand(replacement) if isinstance(replacement, str) else replacement(match)

    return re.sub(pattern, one, text, flags=re.MULTILINE)


def rewrite(text: str, change: Callable[[Token], str]) -> str:
    """Return the text with each token replaced by what `change` makes of it."""
    return "".join(change(token) for token in scan(text))


def group_end(text: str, start: int) -> int:
    """Return where the braces that open at `start` have closed, or -1 where they don't."""
    depth, escaped = 0, False
    for position in range(start, len(text)):
        character = text[position]
        if not escaped and character in "{}":
            depth += 1 if character == "{" else -1
            if depth == 0:
                return position + 1
        escaped = character == "\\" and not escaped
    return -1


def as_typed(code: str) -> str:
    """Return code so that a section may hold it: specials escaped, backslashes left out."""
    return "".join(_TYPED.get(character, character) for character in code)
