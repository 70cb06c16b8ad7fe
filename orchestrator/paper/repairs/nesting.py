"""What was opened is closed: environments, braces, dollars. Pure."""

from __future__ import annotations

import re

from orchestrator.evidence import vocabulary as vocab
from orchestrator.paper.scan import FORMULA_ENVIRONMENTS, Token, as_typed, rewrite, scan

_RENAMED = {"eqnarray": "align", "eqnarray*": "align*", "displaymath": "equation*", "math": "equation*"}
_BARE = frozenset({"center", "flushleft", "flushright", "document", "abstract", "small", "footnotesize", "figure"})
_HEADINGS = frozenset({"section", "subsection", "subsubsection", "paragraph"})
_SHOWN = re.compile(r"\\begin\{(verbatim|lstlisting)\}(?:\[[^\]]*\])?\n?(.*?)\\end\{\1\}", re.DOTALL)
_INLINE = re.compile(r"\\(?:verb\*?|lstinline)([^A-Za-z0-9\s{*])(.+?)\1")
_SENTENCE_END = re.compile(r"[.;:!?](?=\s|$)")
_MARK = re.compile(r"\$(?=(\\?[A-Za-z][\w\\^{}=+,()|.\-]*?|[\d.]*\\?[A-Za-z]\w*?)(?=[.,;:)]?(?:\s|$)))")
_CURRENCY = re.compile(r"(?<!\\)\$(?=\d[\d.,]*(?:\s|[.,;)]|$))")
_PLAIN_WORD = re.compile(r"\s+(?=[A-Za-z]{2,}[.,;:]?(?:\s|$))")


def environments(text: str) -> str:
    """Rename and unwrap environments, close those left open, drop an `\\end` that ends nothing."""
    text = _SHOWN.sub(lambda shown: _typed(shown[2]), text)
    text = _INLINE.sub(lambda code: rf"\texttt{{{as_typed(code[2])}}}", text)
    open_ones: list[str] = []

    def one(token: Token) -> str:
        name = _RENAMED.get(token.name, token.name)
        if token.kind not in ("begin", "end"):
            heading = token.kind == "command" and name in _HEADINGS
            early = heading or (
                token.kind == "blank" and bool(open_ones) and _ends_here(open_ones[-1], text, token.end)
            )
            return (("\n" if open_ones else "") + _closing(open_ones, "") if early else "") + token.text
        if name in _BARE:
            return ""
        if token.kind == "begin":
            open_ones.append(name)
            return rf"\begin{{{name}}}"
        return _closing(open_ones, name) if name in open_ones else ""

    mended = rewrite(text, one)
    return (mended.rstrip("\n") + "\n" + _closing(open_ones, "")) if open_ones else mended


def braces(text: str) -> str:
    """Close a brace at the end of its sentence, and drop one that closes nothing."""
    stack, extra = [], []
    for token in scan(text):
        if token.kind == "brace" and token.text == "{":
            stack.append(token.start)
        elif token.kind == "brace" and stack:
            stack.pop()
        elif token.kind == "brace":
            extra.append(token.start)
    for position in sorted([*stack, *extra], reverse=True):
        if position in extra:
            text = text[:position] + text[position + 1 :]
        else:
            end = _brace_end(text, position)
            text = text[:end] + "}" + text[end:]
    return text


def dollars(text: str) -> str:
    """Pair the dollars of each paragraph: an amount is escaped, a formula is closed after its last sign."""
    text = re.sub(r"\$\$(?=[^$\n]*[^$\n])(?![^$]*\$\$)", "$", text) if text.count("$$") % 2 else text
    parts = re.split(r"(\n[ \t]*\n\s*)", text)
    return "".join(_paired(part) for part in parts)


def paragraphs(text: str) -> str:
    """Take blank lines out of formulas and out of the arguments of commands."""
    depth, formula = 0, 0

    def one(token: Token) -> str:
        nonlocal depth, formula
        if token.kind == "brace":
            depth = max(0, depth + (1 if token.text == "{" else -1))
        if token.text in (r"\[", r"\("):
            formula += 1
        elif token.text in (r"\]", r"\)"):
            formula = max(0, formula - 1)
        inside = formula or token.within in FORMULA_ENVIRONMENTS or (depth and r"\footnote" not in text)
        return "\n" if token.kind == "blank" and inside else token.text

    return rewrite(text, one)


def _ends_here(name: str, text: str, position: int) -> bool:
    """True where an environment that has no end cannot go on after the blank line before `position`."""
    rest = text[position:]
    begin, end = rf"\begin{{{name}}}", rf"\end{{{name}}}"
    if name in vocab.LISTS:
        return not rest.startswith(r"\item") and rest.count(end) <= rest.count(begin)
    return end not in rest or begin in rest[: rest.index(end)]


def _closing(open_ones: list[str], name: str) -> str:
    """Close what is open down to `name`, or everything."""
    closed = []
    while open_ones:
        last = open_ones.pop()
        closed.append(rf"\end{{{last}}}")
        if last == name:
            break
    lines = "\n".join(closed)
    return lines if name else f"{lines}\n" if lines else ""


def _brace_end(text: str, start: int) -> int:
    """Where a brace that is never closed should be: before the sentence's mark, else at the paragraph's end."""
    blank = re.compile(r"\n[ \t]*\n|\Z").search(text, start)
    limit = blank.start() if blank else len(text)
    ends = [m.start() for m in _SENTENCE_END.finditer(text, start, limit)]
    formulas = [token for token in scan(text[start:limit]) if token.math]
    outside = [e for e in ends if not any(t.start <= e - start < t.end for t in formulas)]
    return outside[0] if outside else len(text[:limit].rstrip())


def _paired(paragraph: str) -> str:
    tokens = [token for token in scan(paragraph) if token.kind == "dollar"]
    within = [token for token in tokens if token.within in FORMULA_ENVIRONMENTS]
    for token in reversed(within):
        paragraph = paragraph[: token.start] + paragraph[token.end :]
    amounts = len(_CURRENCY.findall(paragraph))
    if amounts and amounts == len(tokens) - len(within):
        return _CURRENCY.sub(r"\\$", paragraph)
    if sum(token.text == "$" for token in tokens if token not in within) % 2 == 0:
        return paragraph
    candidates = [_CURRENCY.sub(r"\\$", paragraph, count=1)] if _CURRENCY.search(paragraph) else []
    candidates += [f"{paragraph[: m.end(1)]}${paragraph[m.end(1) :]}" for m in _MARK.finditer(paragraph)]
    candidates += [f"{paragraph[: m.start()]}${paragraph[m.start() :]}" for m in _PLAIN_WORD.finditer(paragraph)]
    singles = [token.start for token in scan(paragraph) if token.kind == "dollar" and token.text == "$"]
    candidates += [f"{paragraph[:at]}\\{paragraph[at:]}" for at in singles]
    return min(candidates, key=_badness)


def _badness(paragraph: str) -> tuple[int, int]:
    """How many words and marks of sentences stand in formulas; of equals, the longer formula is what was meant."""
    formulas = " ".join(_formulas(paragraph))
    inside = re.sub(r"\\text\{[^{}]*\}|\\[A-Za-z]+", " ", formulas)
    return len(re.findall(r"[A-Za-z]{2,}", inside)) + inside.count(". ") + inside.count(", "), -len(formulas)


def _formulas(paragraph: str) -> list[str]:
    return re.findall(r"(?<!\\)\$([^$]*?)(?<!\\)\$", paragraph)


def _typed(lines: str) -> str:
    return "".join(rf"\texttt{{{as_typed(line.strip())}}}\\" + "\n" for line in lines.splitlines() if line.strip())


def items(text: str) -> str:
    """Put items that stand in no list into one, and begin a list's first words with an item."""
    text = re.sub(
        rf"(\\begin\{{(?:{'|'.join(sorted(vocab.LISTS))})\}})(?=\s*[^\s\\%]|\s*\\(?!item|end|begin|label))",
        r"\1\n\\item ",
        text,
    )
    listed = {token.start for token in scan(text) if token.name == "item" and token.within in vocab.LISTS}
    loose = r"(?:^[ \t]*\\item(?![a-z])(?:.|\n(?!\n|\\(?:begin|end|sub|par)))*\n?)+"

    def wrap(found: re.Match[str]) -> str:
        start = found.start() + found[0].index(r"\item")
        return found[0] if start in listed else f"\\begin{{itemize}}\n{found[0].rstrip()}\n\\end{{itemize}}\n"

    return re.sub(loose, wrap, text, flags=re.MULTILINE)


def unlined(text: str) -> str:
    """Take a line break out where there is no line to end: at a paragraph's beginning, or at its end."""
    return re.sub(r"(^|\n[ \t]*\n)[ \t]*\\\\(?![\[*])[ \t]*\n?|\\\\[ \t]*(?=\n[ \t]*\n|\n*\Z)", r"\1", text)
