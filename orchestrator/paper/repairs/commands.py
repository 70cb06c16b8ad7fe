"""Commands that a section may not use, or that stand on the wrong side of a dollar. Pure."""

from __future__ import annotations

import re

from orchestrator.evidence import vocabulary as vocab
from orchestrator.paper.scan import Token, as_typed, group_end, rewrite, scan


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_KNOWN = vocab.TEXT | vocab.BOTH | vocab.MATH | vocab.CITATIONS | vocab.POINTERS | set(vocab.REFERENCES) | {"label"}
_FORMULA_ONLY = vocab.MATH - vocab.TEXT_IN_MATH - vocab.TEXT - vocab.BOTH
_ALIASES = {
    **dict.fromkeys(("parencite", "autocite", "footcite", "supercite"), "citep"),
    **dict.fromkeys(("textcite", "citeA", "newcite"), "citet"),
    **dict.fromkeys(("Cref", "cref", "Autoref", "vref", "Cpageref"), "autoref"),
    **dict.fromkeys(("section", "chapter"), "subsection"),
    **dict.fromkeys(("underline", "textsl", "uline"), "emph"),
    **{"subparagraph": "paragraph", "bm": "boldsymbol", "mathbbm": "mathbb", "leqslant": "leq", "geqslant": "geq"},
}
_IN_FORMULA = {"textbf": "mathbf", "textit": "mathit", "texttt": "mathtt", "emph": "mathit", "mbox": "text"}
# Layout says nothing; what it takes in braces is a length.
_LENGTHS = frozenset({"vspace", "hspace"})
_LAYOUT = _LENGTHS | _names(
    "smallskip medskip bigskip noindent newpage clearpage pagebreak centering raggedright small footnotesize large "
    "Large normalsize bf it rm sf em tt bfseries itshape ttfamily par linebreak newline hfill vfill protect null "
    "FloatBarrier maketitle tableofcontents allowbreak relax indent sloppy appendix"
)
# These would change what TeX does; they are left for the check to send back.
_REFUSED = _names(
    "def edef gdef let newcommand renewcommand providecommand newenvironment input include includegraphics write "
    "special csname catcode usepackage documentclass immediate openout read bibliography bibliographystyle loop "
    "expandafter begingroup endgroup begin end color textcolor"
)
_DEFINED = re.compile(r"\\(?:def|let|(?:re)?newcommand\*?)\s*\{?\\([A-Za-z]+)")
_ADDRESS = re.compile(r"\\(?:url|href)\{([^{}]*)\}(?:(?<=\})\{([^{}]*)\})?")
_SCRIPTS = re.compile(r"\s*[_^](?:\{[^{}]*\}|\\[A-Za-z]+|[A-Za-z0-9])")
_CHAIN = re.compile(r"\s*(?:[=<>+/-]\s*)?(?:\\([A-Za-z]+)|\d[\d.]*(?=\s|[.,;:)]|$))")


def aliases(text: str) -> str:
    """Call commands of other packages by the name that they have here, and leave layout out."""
    text = re.sub(rf"\\(?:{'|'.join(_LENGTHS)})\*?\{{[^{{}}]*\}}[ \t]*", "", text)

    text = _ADDRESS.sub(lambda link: f"{link[2] or ''}{' ' if link[2] else ''}\\texttt{{{as_typed(link[1])}}}", text)

    def one(token: Token) -> str:
        if token.kind != "command" or token.name in _REFUSED or not token.name.isalpha():
            return token.text
        if token.name in _LAYOUT:
            return ""
        renamed = _ALIASES.get(token.name, token.name)
        starred = token.text.endswith("*") and renamed not in {"operatorname", *vocab.CITATIONS}
        return f"\\{renamed}" if renamed != token.name or starred else token.text

    return re.sub(r"(\\[A-Za-z]+)[ \t]+(?=\{\})", r"\1", rewrite(text, one))


def unknown(text: str) -> str:
    """Set what an unknown command holds, and its name where it holds nothing."""
    known = _KNOWN | _REFUSED | set(_DEFINED.findall(text))
    tokens = [t for t in scan(text) if t.kind == "command" and t.name.isalpha() and t.name not in known]
    for token in reversed(tokens):
        text = text[: token.start] + _unwrapped(text, token)
    return text


def sides(text: str) -> str:
    """Put commands of formulas between dollars where they stand in text, and commands of text right in formulas."""
    done, position = [], 0
    for token in scan(text):
        if token.kind != "command" or token.start < position:
            continue
        if token.math and token.name in _IN_FORMULA:
            done += [text[position : token.start], f"\\{_IN_FORMULA[token.name]}"]
            position = token.end
        elif not token.math and token.name in _FORMULA_ONLY:
            end = _formula_end(text, token)
            done += [text[position : token.start], f"${text[token.start : end]}$"]
            position = end
    return "".join([*done, text[position:]])


def labels(text: str) -> str:
    """Leave a label out where the section has it already."""
    seen: set[str] = set()

    def one(token: Token) -> str:
        if token.kind != "literal" or not token.text.startswith(r"\label"):
            return token.text
        known = token.text in seen
        seen.add(token.text)
        return "" if known else token.text

    return rewrite(text, one)


def _unwrapped(text: str, token: Token) -> str:
    """Return the text from `token` on, its command replaced by its arguments."""
    position, held = token.end, []
    while position < len(text) and text[position] in "{[":
        end = group_end(text, position) if text[position] == "{" else text.find("]", position) + 1
        if end <= 0:
            break
        if text[position] == "{":
            held.append(text[position + 1 : end - 1])
        position = end
    if token.math:
        name = rf"\operatorname{{{token.name}}}"
        return name + text[token.end :]
    space = " " if not held and text[position : position + 1].isalpha() else ""
    return (" ".join(held) or rf"\texttt{{{token.name}}}{space}") + text[position:]


def _formula_end(text: str, token: Token) -> int:
    """Where the formula ends that begins with `token`: after its arguments, its scripts, and what is joined to it."""
    specification = vocab.latex_context().get_macro_spec(token.name).args_parser.argspec
    end = token.end
    for _ in specification.replace("[", ""):
        opening = re.compile(r"\s*(?=\{)").match(text, end)
        end = group_end(text, opening.end()) if opening else end
    while scripts := _SCRIPTS.match(text, end):
        end = scripts.end()
    joined = _CHAIN.match(text, end)
    if not joined or (joined[1] and joined[1] not in _FORMULA_ONLY):
        return end
    if joined[1] is None:
        return joined.end()
    following = Token("command", f"\\{joined[1]}", joined.start(1) - 1, math=False, within="", name=joined[1])
    return _formula_end(text, following)
