"""Characters that TeX reads as commands, or that the paper's fonts lack. Pure."""

from __future__ import annotations

import re
import unicodedata

from pylatexenc.latexencode import UnicodeToLatexEncoder

from orchestrator.evidence import vocabulary as vocab
from orchestrator.evidence.syntax import FONTS
from orchestrator.paper.scan import Token, rewrite, substitute

_ALIGNED = vocab.MATH_ENVIRONMENTS | {"tabular", "array"}
_ARGUMENT = r"(?:\{[^{}]*\}|\\[A-Za-z]+|[A-Za-z0-9])"
# `x_1`, `L_0`, `\alpha^2` and `10^{-3}` are formulas, `run_1` and `d_sae` are names.
_SCRIPTED = rf"(?<![\w\\/.:-])(?:\\[A-Za-z]+|[A-Za-z]|\d+(?=\^))(?:[_^]{_ARGUMENT})+(?![\w^_])"
_OURS = {
    "\N{MINUS SIGN}": "-",
    "\N{NON-BREAKING HYPHEN}": "\0-",
    "\N{HYPHEN}": "\0-",
    "\N{NARROW NO-BREAK SPACE}": "\0~",
    "\N{THIN SPACE}": "\0~",
    "\N{ZERO WIDTH SPACE}": "\0",
    "\N{ZERO WIDTH NO-BREAK SPACE}": "\0",
    "\N{HORIZONTAL ELLIPSIS}": "\\ldots ",
    "\N{CHECK MARK}": "\0yes",
    "\N{MULTIPLICATION SIGN}": "\\times ",
    "\N{PLUS-MINUS SIGN}": "\\pm ",
    "\N{MIDDLE DOT}": "\\cdot ",
    "\N{DEGREE SIGN}": "^{\\circ}",
    "\N{EN DASH}": "-",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHTWARDS ARROW}": "\\to ",
    "\N{RIGHTWARDS DOUBLE ARROW}": "\\Rightarrow ",
}
_ENCODER = UnicodeToLatexEncoder(
    replacement_latex_protection="none", unknown_char_policy="ignore", unknown_char_warning=False
)
_ALLOWED = re.compile(r"(?:\\([A-Za-z]+)|[-+=<>|/,.'()\[\] ])+")


def specials(text: str) -> str:
    """Escape `&`, `%`, `#`, `_` and `^` where they stand for themselves; a name with scripts becomes a formula."""
    text = re.sub(r"^[ \t]*%.*\n?", "", text, flags=re.MULTILINE)
    text = substitute(_SCRIPTED, lambda found: f"${found[0]}$", text)

    def one(token: Token) -> str:
        if token.kind != "other" or token.text not in "&%#_^":
            return token.text
        if token.text == "&":
            return token.text if token.within in _ALIGNED else r"\&"
        if token.math and token.text in "_^":
            return token.text
        return r"\^{}" if token.text == "^" else f"\\{token.text}"

    return rewrite(text, one)


def unicode(text: str) -> str:
    """Write characters that the fonts lack as commands; what has none is named by its code."""
    text = unicodedata.normalize("NFC", text)

    def one(token: Token) -> str:
        if token.kind != "other" or (token.text.isascii() if token.math else FONTS.match(token.text)):
            return token.text
        return _written(token.text, math=token.math)

    # scripts of one number are one: two in a row would be an error
    return re.sub(r"\^\{(\w+)\}\^\{(\w+)\}", r"^{\1\2}", rewrite(text, one)).replace("$$_", "_").replace("$$^", "^")


def _written(character: str, *, math: bool) -> str:
    command = _command(character)
    if command.startswith("\0"):
        return command[1:]
    if command:
        return command if math else f"${command.rstrip()}$"
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if c.isascii() or FONTS.match(c))
    shown = plain or f"[U+{ord(character):04X}]"
    return rf"\text{{{shown}}}" if math else shown


def _command(character: str) -> str:
    """Return the formula that prints a character, text after a NUL, or ''."""
    if character in _OURS:
        return _OURS[character]
    script = unicodedata.normalize("NFKC", character)
    form = unicodedata.decomposition(character).partition(" ")[0]
    if form in ("<super>", "<sub>") and script.isalnum():
        return f"{'^' if form == '<super>' else '_'}{{{script}}}"
    encoded = _ENCODER.unicode_to_latex(character)
    encoded = re.sub(r"^\\ensuremath\{(.*)\}$", r"\1", encoded).strip("{}")
    found = _ALLOWED.fullmatch(encoded)
    known = found and all(name in vocab.MATH for name in re.findall(r"\\([A-Za-z]+)", encoded))
    return f"{encoded} " if known and "\\" in encoded else ""
