"""What stops TeX within a formula. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestrator.evidence import vocabulary as vocab

_BASE = r"(?:\\[A-Za-z]+(?:\{[^{}]*\})?|[A-Za-z0-9)\]])"
_ARGUMENT = r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|[A-Za-z0-9*'])"
_DOUBLE = re.compile(
    rf"({_BASE}\s*_{_ARGUMENT}(?:\^{_ARGUMENT})?)(?=\s*_)|({_BASE}\s*\^{_ARGUMENT}(?:_{_ARGUMENT})?)(?=\s*\^)"
)
_PRIMED = re.compile(rf"({_BASE}'+)(?=\^)")
_ALIGNS = re.compile(r"(?<!\\)&")
_GRIDS = ("cases", "matrix", "pmatrix", "bmatrix", "vmatrix", "aligned", "split", "gathered", "array")
_SPAN = re.compile(
    r"(?P<open>(?<!\\)\$\$?|\\\(|\\\[|\\begin\{(?P<name>"
    + "|".join(sorted(map(re.escape, vocab.MATH_ENVIRONMENTS)))
    + r")\})"
    r"(?P<body>.*?)(?P<close>(?<!\\)\$\$?|\\\)|\\\]|\\end\{(?P=name)\})",
    re.DOTALL,
)


def scripts(text: str) -> str:
    """Group a base that has two subscripts or two superscripts."""
    return _within(text, lambda body, _: _DOUBLE.sub(r"{\1\2}", _PRIMED.sub(r"{\1}", body)))


def delimiters(text: str) -> str:
    r"""Set `\left` and `\right` as plain delimiters where they don't pair up."""
    return _within(
        text, lambda body, _: body if _paired(body) else re.sub(r"\\(?:left|right)(?![a-zA-Z])\s*\.?", "", body)
    )


def alignment(text: str) -> str:
    """Align what an equation of one line has marks for."""

    def one(body: str, name: str) -> str:
        bare = re.sub(rf"\\begin\{{({'|'.join(_GRIDS)})\}}.*?\\end\{{\1\}}", "", body, flags=re.DOTALL)
        if name not in ("equation", "equation*", r"\[", "$$") or not (_ALIGNS.search(bare) or r"\\" in bare):
            return body
        label = re.search(r"\\label\{[^{}]*\}", body)
        inner = body.replace(label[0], "") if label else body
        return f"{label[0] if label else ''}\\begin{{aligned}}{inner}\\end{{aligned}}"

    return _within(text, one)


def columns(text: str) -> str:
    """Give a table as many columns as its widest row has cells."""

    def one(table: re.Match[str]) -> str:
        rows = re.split(r"\\\\", table[2])
        wanted = max(len(_ALIGNS.findall(row)) + 1 for row in rows)
        declared = len(re.findall(r"[lcr]|p\{[^{}]*\}", table[1]))
        return (
            table[0]
            if wanted <= declared
            else rf"\begin{{tabular}}{{{table[1]}{'l' * (wanted - declared)}}}{table[2]}\end{{tabular}}"
        )

    return re.sub(r"\\begin\{tabular\}\{((?:[^{}]|\{[^{}]*\})*)\}(.*?)\\end\{tabular\}", one, text, flags=re.DOTALL)


def _paired(body: str) -> bool:
    if re.search(r"\\(?:left|right)\s*$", body):
        return False
    depth = 0
    for found in re.finditer(r"\\(left|right)(?![a-zA-Z])|(?<!\\)&|\\\\", body):
        depth += {"left": 1, "right": -1}.get(found[1] or "", 0)
        if depth < 0 or (found[1] is None and depth):
            return False
    return depth == 0


def _within(text: str, change: Callable[[str, str], str]) -> str:
    """Return the text with the body of each formula changed; `change` gets the body and what opens it."""

    def one(span: re.Match[str]) -> str:
        body = change(span["body"], span["name"] or span["open"])
        return f"{span['open']}{body}{span['close']}"

    return _SPAN.sub(one, text)
