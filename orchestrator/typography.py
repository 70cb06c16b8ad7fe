"""How strings and numbers are set: for TeX, and as plain text for notes and prompts. Pure."""

from __future__ import annotations

import re

from orchestrator.records import Scalar

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "^": r"\textasciicircum{}",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "%": r"\%",
    "\N{MINUS SIGN}": r"\ensuremath{-}",
}
_CODE = {
    " ": "~",
    "-": "-{}",
    "<": "<{}",
    ">": ">{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    '"': r"\textquotedbl{}",
    ",": ",{}",
}
_MOST_DIGITS = 6
_LARGEST_PLAIN_EXPONENT = 5
_SMALLEST_PLAIN_EXPONENT = -3


def escape(text: str) -> str:
    """Return `text` so that TeX prints it as it stands."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def breakable(text: str) -> str:
    """Return a path or a key escaped, with breaks allowed between its parts."""
    return re.sub(r"(/|@|\\_)", r"\1\\allowbreak{}", escape(text))


def code(text: str) -> str:
    """Return a line of code for a typewriter font: blanks count, and signs that TeX joins stand apart.

    A character that the paper's fonts lack is written as its escape in Python.
    """
    return "".join(_CODE.get(c, escape(c)) if c.isascii() else escape(ascii(c)[1:-1]) for c in text)


def tex_interval(value: float, half: float | None) -> str:
    r"""Return mean and half-width for TeX, in text or math: `\ensuremath{0.7021 \pm 0.0032}`."""
    shown, spread, exponent = _rounded(value, half)
    body = shown if half is None else rf"{shown} \pm {spread}"
    if exponent:
        body = rf"({body}) \times 10^{{{exponent}}}" if half is not None else rf"{body} \times 10^{{{exponent}}}"
    return rf"\ensuremath{{{body}}}"


def plain_interval(value: float, half: float | None) -> str:
    """Return mean and half-width as plain text, `0.7021 +- 0.0032`."""
    shown, spread, exponent = _rounded(value, half)
    body = shown if half is None else f"{shown} +- {spread}"
    if exponent:
        return f"({body})e{exponent}" if half is not None else f"{body}e{exponent}"
    return body


def tex_scalar(value: Scalar) -> str:
    """Return a recorded setting for TeX, in text or math; floats with at most 6 significant digits."""
    if isinstance(value, bool):
        return rf"\mbox{{{str(value).lower()}}}"
    if isinstance(value, str):
        return rf"\mbox{{{escape(value)}}}"
    mantissa, _, exponent = (str(value) if isinstance(value, int) else f"{value:.6g}").partition("e")
    power = rf" \times 10^{{{int(exponent)}}}" if exponent else ""
    return rf"\ensuremath{{{mantissa}{power}}}"


def _rounded(value: float, half: float | None) -> tuple[str, str, int]:
    """Return value, half-width and a common power of ten.

    The half-width keeps two significant digits and the value ends at the same decimal place; a value without one, or
    with one of zero, keeps four digits. No value shows more than _MOST_DIGITS; a half-width below its last digit is
    shown as one unit of that digit.
    """
    largest = _exponent(max(abs(value), half or 0.0))
    shift = 0 if _SMALLEST_PLAIN_EXPONENT <= largest <= _LARGEST_PLAIN_EXPONENT else largest
    value, half = value / 10.0**shift, (half or 0.0) / 10.0**shift
    decimals = 1 - _exponent(half, digits=2) if half else 3 - _exponent(value, digits=4)
    if half and value and decimals > (most := _MOST_DIGITS - 1 - _exponent(value)):
        decimals, half = most, max(half, 10.0**-most)
    places = max(decimals, 0)
    return f"{round(value, decimals):.{places}f}", f"{round(half, decimals):.{places}f}" if half else "0", shift


def _exponent(value: float, digits: int = 6) -> int:
    """Return the power of ten of `value` after rounding it to `digits` digits (0.0996 to two digits is 0.10: -1)."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])


def signed_range(value: float, low: float, high: float) -> tuple[str, str, str]:
    """Return a signed difference and its interval's ends, all to the place of two digits of the wider side."""
    wider = max(high - value, value - low)
    decimals = 1 - _exponent(wider, digits=2) if wider > 0 else 3
    places = min(max(decimals, 0), 8)
    shown = [f"{round(number, decimals):+.{places}f}" for number in (value, low, high)]
    return shown[0], shown[1], shown[2]


def plain_p(p: float) -> str:
    """Return a p value as papers print it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def typeset_words(text: str) -> str:
    """Return plain words with signed numbers in them for TeX: a minus is a minus, and `<` is printed as such."""
    marked = re.sub(r"(?<![\w.])([+-])(?=\d)", lambda sign: "\0" + sign[1], escape(text))
    return marked.replace("\0-", r"\ensuremath{-}").replace("\0+", r"\ensuremath{+}").replace("<", r"\ensuremath{<}")
