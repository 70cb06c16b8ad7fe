"""Markdown in a section becomes LaTeX. Pure."""

from __future__ import annotations

import re

from orchestrator.paper.scan import as_typed, substitute

_MARK = r"^[ \t]*([-*\N{BULLET}]|\d{1,2}[.)])[ \t]+(?=\S)"
_ITEM = re.compile(_MARK, re.MULTILINE)
# One line that begins with a dash is a sentence; two are a list.
_LIST = rf"(?:{_MARK.replace('(', '(?:', 1)}.*(?:\n(?!{_MARK[1:].replace('(', '(?:', 1)})[ \t]+\S.*)*(?:\n|\Z)){{2,}}"


def blocks(text: str) -> str:
    """Take fences out, turn headings into subsections, and lists into environments."""
    text = re.sub(r"^```[A-Za-z]*[ \t]*\n?", "", text, flags=re.MULTILINE)
    text = substitute(r"^#{1,2}[ \t]+(\S.*?)[ \t]*#*$", r"\\subsection{\1}", text)
    text = substitute(r"^#{3,6}[ \t]+(\S.*?)[ \t]*#*$", r"\\paragraph{\1}", text)
    return substitute(_LIST, _listed, text)


def inline(text: str) -> str:
    """Turn bold, emphasis, code and links into commands."""
    text = substitute(r"(?<!`)`([^`'\n]+)`(?![`'])", lambda code: rf"\texttt{{{as_typed(code[1])}}}", text)
    text = substitute(r"\*\*(?!\s)([^*\n]+?)(?<!\s)\*\*", r"\\textbf{\1}", text)
    text = substitute(r"(?<![\w*\\])\*(?!\s)([^*\n]+?)(?<!\s)\*(?![\w*])", r"\\emph{\1}", text)
    return substitute(
        r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)", lambda link: rf"{link[1]} (\texttt{{{as_typed(link[2])}}})", text
    )


def _listed(block: re.Match[str]) -> str:
    items = _ITEM.split(block[0])[1:]
    name = "itemize" if items[0] in "-*\N{BULLET}" else "enumerate"
    lines = [rf"\item {words.strip()}" for words in items[1::2]]
    return "\n".join([rf"\begin{{{name}}}", *lines, rf"\end{{{name}}}", ""])
