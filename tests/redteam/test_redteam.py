"""Sentences that would mislead, each with an honest twin: how many are caught, by kind, and how many twins are hurt.

A sentence is caught where a check sends it back, and marked where the paper sets it as the writer's interpretation.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from orchestrator.evidence.checks import check_section
from orchestrator.evidence.sentences import sentences
from orchestrator.evidence.striking import interpreted
from orchestrator.evidence.syntax import read
from tests.redteam.study import CITATION_KEYS, study

FOLDER = Path(__file__).resolve().parent
EVIDENCE = study()
WHOLE = {"omission"}  # the text is a whole section, so that what it leaves out counts
MARKED = {"cause", "scope", "caption"}  # what code can't decide is set as interpretation, and need not be sent back
FIELDS = {"kind", "section", "text", "twin"}


def samples(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def problems(sample, which):
    found = check_section(sample["section"], sample[which], EVIDENCE, CITATION_KEYS)
    return [one.message for one in found if one.end or sample["kind"] in WHOLE]


def marked(sample):
    return bool(interpreted(sample["section"], sentences(read(sample["text"])), EVIDENCE))


def tally(chosen):
    """Return by kind: sentences, sent back, only marked, missed, twins sent back."""
    table = defaultdict(lambda: [0, 0, 0, 0, 0])
    for sample in chosen:
        caught = bool(problems(sample, "text"))
        seen = not caught and sample["kind"] in MARKED and marked(sample)
        counts = (1, caught, seen, not (caught or seen), bool(problems(sample, "twin")))
        table[sample["kind"]] = [a + b for a, b in zip(table[sample["kind"]], counts, strict=True)]
    return dict(sorted(table.items()))


def printed(table):
    head = f"{'kind':20}{'sentences':>10}{'sent back':>10}{'marked':>8}{'missed':>8}{'twins hurt':>11}"
    rows = [f"{kind:20}{a:10}{b:10}{c:8}{d:8}{e:11}" for kind, (a, b, c, d, e) in table.items()]
    total = [sum(column) for column in zip(*table.values(), strict=True)]
    return "\n".join([head, *rows, f"{'all':20}{total[0]:10}{total[1]:10}{total[2]:8}{total[3]:8}{total[4]:11}"])


# inside.jsonl was written beside the rules, so that it says little. outside.jsonl is by somebody who had not seen them.
# Before they were mended by it, 37 of its 48 sentences were caught and 12 of the 48 twins sent back; now 45 and 2, of
# which one names a comparison that no hypothesis makes.
# outside_2.jsonl is by a second one, by whom the rules had not been mended: 25 of 36 caught, 7 twins sent back. That is
# what to expect of a new author. Since then three checks hold in every section, and it is 26 and 7.
LEAST = {"inside.jsonl": (1.0, 0.0), "outside.jsonl": (45 / 48, 2 / 48), "outside_2.jsonl": (26 / 36, 7 / 36)}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.jsonl")), ids=lambda file: file.name)
def test_recall_and_false_alarms_are_no_worse_than_measured(file):
    table = tally(samples(file))
    print(f"\n{file.name}\n{printed(table)}")  # noqa: T201  shown by -s and on failure
    sentences_in_all, missed, hurt = (sum(row[n] for row in table.values()) for n in (0, 3, 4))
    recall, alarms = LEAST.get(file.name, (0.0, 1.0))
    assert 1 - missed / sentences_in_all >= recall
    assert hurt / sentences_in_all <= alarms


def test_the_corpus_is_large_enough_and_in_form():
    everything = [sample for file in FOLDER.glob("*.jsonl") for sample in samples(file)]
    assert len(everything) >= 60
    assert all(set(sample) == FIELDS and sample["text"] != sample["twin"] for sample in everything)
    assert len({sample["text"] for sample in everything}) == len(everything)
    assert len({sample["kind"] for sample in everything}) >= 15


def test_what_code_can_decide_is_sent_back_and_the_rest_is_at_least_marked():
    """Cause, scope and what a figure shows are enforced only beside a result, or in words that compare."""
    table = tally(samples(FOLDER / "inside.jsonl"))
    only_marked = {kind for kind, row in table.items() if row[2]}
    assert only_marked == MARKED
    assert all(row[1] == row[0] for kind, row in table.items() if kind not in MARKED)


if __name__ == "__main__":
    import sys

    for file in sorted(FOLDER.glob("*.jsonl")):
        chosen = samples(file)
        sys.stdout.write(f"\n{file.name}\n{printed(tally(chosen))}\n")
        if "-v" in sys.argv:
            for one in chosen:
                caught, hurt = problems(one, "text"), problems(one, "twin")
                if hurt:
                    sys.stdout.write(f"HURT {one['kind']}: {one['twin']}\n   {hurt}\n")
                if not caught:
                    state = "marked" if one["kind"] in MARKED and marked(one) else "MISSED"
                    sys.stdout.write(f"{state} {one['kind']} ({marked(one)}): {one['text']}\n")
