"""Numbers that look like a result typed by hand. A thin rule: what is certainly no result must raise no alarm."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.evidence.entries import words
from orchestrator.evidence.problems import Fault
from orchestrator.evidence.sentences import Sentence
from orchestrator.evidence.syntax import PLACEHOLDER, Passage
from orchestrator.records import Evidence

INSTEAD = (
    "a result is never typed; refer to it with \\result, \\change, \\setting, \\measured or \\count, or say it "
    "without a number"
)
# Years, integers, names such as GPT-3.5 and 1.4B, and versions such as 0.1.2 match none of these.
_TYPED = re.compile(
    r"""
    (?P<share>   (?<![\w.]) \d[\d,.]* \s* (?: % | per\ ?cent\b | percentage\ points?\b ) )
  | (?P<fold>    (?<![\w.]) \d[\d,.]* (?: \s? (?: x\b | ×(?!\s*\d) ) | [-\s]?fold\b ) )
  | (?P<spread>  (?<![\w.]) [\d.]+ \s* (?: ± | \+/-- | \+/- ) \s* [\d.]+ )
  | (?P<decimal> (?<![\w.]) (?<![A-Za-z]-) [-+−]? (?: \d+\.\d+ | \.\d+ | 0,\d+ ) (?:[eE][-+]?\d+)?
                 (?! \d | \.\d | [BMK]\b ) )
  | (?P<power>   (?<![\w.]) \d+[eE][-+]?\d+\b )
    """,
    re.VERBOSE,
)
# U+FFFC stands for a formula, as in "95 % $t$ interval".
_LEVEL = re.compile(
    r"(?:80|90|95|99)\s*%\s*(?:[\w\uFFFC]+[\s-]){0,2}(?:confidence|intervals?|CI|power)\b", re.IGNORECASE
)
_LEVEL_BEFORE = re.compile(r"(?:level|power) of\s+$", re.IGNORECASE)
_NAMED_BEFORE = re.compile(
    r"(?:Python|PyTorch|CUDA|[Vv]ersion|Apache|CC BY|Licen[cs]e|"
    r"[Ss]ection|[Ss]ec\.|[Cc]hapter|[Tt]able|[Ff]igure|pp?\.)[\s~-]+$"
)
_NUMBER = r"-?(?:\d[\d,]*\.?\d*|\.\d+)"
_EQUATED = re.compile(
    rf"^(?P<symbol>[^=<>]*?)(?:=|<|>|\\(?:approx|simeq|sim|leq?|geq?|lt|gt|to)(?![A-Za-z]))\s*"
    rf"(?P<value>{_NUMBER}(?:\s*\\times\s*10\^\S+|\^\{{?-?\d+\}}?)?)\s*(?:\\pm\s*{_NUMBER}|\\[,;]?\s*\\%)?\s*[.,;]?$"
)
_AROUND = re.compile(r"\$+|\\[\[\]()]|\\(?:begin|end|label)\{[^{}]*\}|\\(?:nonumber|notag|quad|qquad)(?![A-Za-z])")
_GREEK = (("lambda", "l"), ("ell", "l"))
_UNITS = r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|one|a)"
_SPELT = re.compile(
    rf"\b(?:{_UNITS}|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|several|a few|many)"
    rf"(?:[- ]{_UNITS})?(?:[- ](?:per ?cent|percentage points?|fold|times(?! as many| that)|orders? of magnitude))\b"
    rf"|\bby a factor of\b|\b(?:two|three)[- ](?:thirds|quarters|fifths)\b|\ba (?:third|quarter|fifth|tenth) of\b"
    rf"|(?<!power of )\b{_UNITS} (?:out of|in) (?:every )?(?:{_UNITS} (?:hundred|thousand|million)|{_UNITS})\b"
    r"|\bnearly all\b|\balmost (?:all|none|every)\b|\bthe (?:vast )?majority\b",
    re.IGNORECASE,
)
_COUNT_WORD = r"(?:is|was|of|at|to|reach(?:es|ed)|equals|about|around|only|from|an?|the|=|:|\s)*"


def typed_numbers(prose: str) -> Iterator[tuple[int, str]]:
    """Yield position and wording of every decimal number, share and factor in plain text.

    Not named: the level of an interval ("95 % confidence interval"), versions, names, numbers of sections.
    """
    for match in _TYPED.finditer(prose):
        start = match.start()
        if match["share"] and (_LEVEL.match(prose, start) or _LEVEL_BEFORE.search(prose, max(0, start - 12), start)):
            continue
        if match["decimal"] and _NAMED_BEFORE.search(prose, max(0, start - 12), start):
            continue
        yield start, match.group().strip()


def typed_anywhere(passage: Passage, evidence: Evidence) -> Iterator[Fault]:
    """Yield what looks like a typed result in any section; a recorded setting beside its name is none.

    Conditions are names, although they hold numbers: `l1=0.004` is no typed result.
    """
    prose = passage.prose
    for condition in sorted({entry.condition for entry in evidence.entries}, key=len, reverse=True):
        prose = prose.replace(condition, "_" * len(condition))
    for at, number in typed_numbers(prose):
        if not _recorded(prose[max(0, at - 40) : at], number, evidence):
            yield passage.offsets[at], f"`{number}`: {INSTEAD}"
    for at, body in _rows(passage):
        found = _EQUATED.match(body)
        if found and (_symbol(found["symbol"]) in _metric_symbols(evidence) or r"\pm" in body):
            yield at, f"`{body}`: {INSTEAD}"


def typed_beside_results(sentence: Sentence, passage: Passage, evidence: Evidence) -> Iterator[Fault]:
    """Yield what counts as typed where results are told: numbers in words, symbols with a value, whole numbers."""
    for match in _SPELT.finditer(sentence.prose):
        yield sentence.offsets[match.start()], f"`{match[0]}`: {INSTEAD}"
    for match in _whole_numbers(evidence).finditer(sentence.prose):
        yield sentence.offsets[match.start()], f"`{match[0].strip()}`: {INSTEAD}"
    for at, body in _rows(passage):
        found = _EQUATED.match(body) if sentence.start <= at < sentence.end else None
        if found and not _is_setting(_symbol(found["symbol"]), found["value"], evidence):
            yield at, f"`{body}`: a value here is a reference: \\setting for what was set, \\result for what came out"


def _rows(passage: Passage) -> Iterator[tuple[int, str]]:
    """Each line of each formula, without what begins, ends and aligns it."""
    for at, formula in passage.formulas:
        bare = _AROUND.sub("", formula)
        yield from ((at, " ".join(row.replace("&", "").split())) for row in bare.split(r"\\"))


def _whole_numbers(evidence: Evidence) -> re.Pattern[str]:
    """Whole numbers beside a metric's name: "an L0 of 54", "reached 54 features"."""
    names = {name for spec in evidence.metrics for name in (spec.name, spec.name.replace("_", " "), spec.words)}
    names |= {words(spec.name, evidence.metrics) for spec in evidence.metrics}
    units = {spec.unit for spec in evidence.metrics if spec.unit} | names
    listed = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)"
    after = "|".join(map(re.escape, sorted(units, key=len, reverse=True))) or "(?!)"
    return re.compile(
        rf"\b(?:{listed})\s+{_COUNT_WORD}\d[\d,]*\b|(?<![\w.,-])\d[\d,]*\s+(?:active |dead )?(?:{after})\b",
        re.IGNORECASE,
    )


def _recorded(before: str, number: str, evidence: Evidence) -> bool:
    spoken = before.rpartition(".")[2]
    return any(
        re.search(rf"\b{re.escape(name)}\b|\b{re.escape(name.replace('_', ' '))}\b", spoken)
        for name, value in _settings(evidence)
        if _equal(number, value)
    )


def _is_setting(symbol: str, number: str, evidence: Evidence) -> bool:
    return any(_symbol(name) == symbol and _equal(number, value) for name, value in _settings(evidence))


def _settings(evidence: Evidence) -> Iterator[tuple[str, object]]:
    for points in evidence.settings.values():
        for recorded in points.values():
            yield from recorded.items()


def _equal(number: str, value: object) -> bool:
    try:
        return isinstance(value, int | float) and float(number.replace(",", "").replace("−", "-")) == value
    except ValueError:
        return False


def _metric_symbols(evidence: Evidence) -> set[str]:
    named = {_symbol(name) for spec in evidence.metrics for name in (spec.name, spec.words)}
    return named | {"p", "r2", "mse", "ev"}


def _symbol(text: str) -> str:
    plain = re.sub(r"\\(?:mathrm|mathit|mathbf|text|textrm|operatorname|mathcal)|[^A-Za-z0-9]", "", text).lower()
    for long, short in _GREEK:
        plain = plain.replace(long, short)
    return plain.replace(PLACEHOLDER, "")
