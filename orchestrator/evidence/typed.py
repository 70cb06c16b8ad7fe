"""Numbers that look like a result typed by hand. A thin rule: what is certainly no result must raise no alarm."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Years, integers, names such as GPT-3.5 and 1.4B, and versions such as 0.1.2 match none of these.
_TYPED = re.compile(
    r"""
    (?P<share>   (?<![\w.]) \d[\d,.]* \s* (?: % | per\ ?cent\b | percentage\ points?\b ) )
  | (?P<fold>    (?<![\w.]) \d[\d,.]* (?: \s? (?: x\b | ×(?!\s*\d) ) | [-\s]?fold\b ) )
  | (?P<decimal> (?<![\w.]) (?<![A-Za-z]-) [-+−]? (?: \d+\.\d+ | \.\d+ ) (?:[eE][-+]?\d+)? (?! \d | \.\d | [BMK]\b ) )
  | (?P<power>   (?<![\w.]) \d+[eE][-+]?\d+\b )
    """,
    re.VERBOSE,
)
# U+FFFC stands for a formula, as in "95 % $t$ interval".
_LEVEL = re.compile(r"(?:90|95|99)\s*%\s*(?:[\w\uFFFC]+[\s-]){0,2}(?:confidence|intervals?|CI)\b", re.IGNORECASE)
_NAMED_BEFORE = re.compile(
    r"(?:Python|PyTorch|CUDA|[Vv]ersion|Apache|CC BY|Licen[cs]e|"
    r"[Ss]ection|[Ss]ec\.|[Cc]hapter|[Tt]able|[Ff]igure|pp?\.)[\s~-]+$"
)


def typed_numbers(prose: str) -> Iterator[tuple[int, str]]:
    """Yield position and wording of every decimal number, share and factor in plain text.

    Not named: the level of an interval ("95 % confidence interval"), versions, names, numbers of sections.
    """
    for match in _TYPED.finditer(prose):
        start = match.start()
        if match["share"] and _LEVEL.match(prose, start):
            continue
        if match["decimal"] and _NAMED_BEFORE.search(prose, max(0, start - 12), start):
            continue
        yield start, match.group().strip()
