"""Input tokens of a finished idea by stage, next to what the same calls cost when prompts are built the ancestor's way.

    .envs/orchestrator/bin/python benchmarks/prompt_tokens.py RUN

Tokens are those of cl100k_base, whose file comes with litellm. The ancestor sends with each call: the instruction, the
results of all runs so far as a dictionary three times, the whole of experiment.py, the whole notes and the whole paper
as far as they exist, and the conversation so far (one for the experiments, one for the paper). The instruction is taken
to be our own last message; of it only the text outside of <data> fences is counted, so that nothing counts twice.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from pathlib import Path

litellm = importlib.util.find_spec("litellm")
assert litellm is not None and litellm.origin is not None
os.environ["TIKTOKEN_CACHE_DIR"] = str(Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers")

import tiktoken  # noqa: E402  (it reads the variable above)

LIMIT = 120_000
PAPER = {"write", "cite"}
ENCODING = tiktoken.get_encoding("cl100k_base")


def tokens(text: str) -> int:
    """Count tokens; markers of special tokens are plain text here."""
    return len(ENCODING.encode(text, disallowed_special=()))


def calls(folder: Path) -> list[tuple[str, str, list[dict[str, str]], str]]:
    """Return stage, step, messages and answer of each answered call, in order."""
    events = map(json.loads, (folder / "journal.jsonl").read_text().splitlines())
    found = []
    for event in events:
        if event["kind"] == "call" and event["data"]["answer"]:
            request = json.loads((folder / "calls" / f"{event['data']['request']}.json").read_text())
            answer = json.loads((folder / "calls" / f"{event['data']['answer']}.json").read_text())
            found.append((request["stage"], request["step"], request["messages"], answer["text"]))
    return found


def results(folder: Path, step: str, stage: str) -> str:
    """Return the results that exist when `step` begins, as one dictionary's text."""
    last = int(re.match(r"run_(\d+)", step)[1]) - (stage == "edit") if step.startswith("run_") else 99
    files = [folder / f"run_{n}" / "final_info.json" for n in range(last + 1)] if stage != "plan" else []
    return "".join(str(json.loads(file.read_text())) for file in files if file.is_file())


def main() -> int:
    """Print the table; exit 1 if our total is over the limit."""
    folder = Path(sys.argv[1])
    experiment = tokens((folder / "experiment.py").read_text())
    notes = (folder / "notes.txt").read_text()
    ours: dict[str, int] = {}
    theirs: dict[str, int] = {}
    history = {True: 0, False: 0}
    paper = 0
    for stage, step, messages, answer in calls(folder):
        ours[stage] = ours.get(stage, 0) + sum(tokens(message["content"]) for message in messages)
        instruction = tokens(re.sub(r"<data name=.*?</data>", "", messages[-1]["content"], flags=re.DOTALL))
        seen = notes if stage in PAPER or stage == "plot" else notes.split(f"## {step.split('.')[0]}")[0]
        prompt = instruction + 3 * tokens(results(folder, step, stage)) + experiment + tokens(seen) + paper
        theirs[stage] = theirs.get(stage, 0) + prompt + history[stage in PAPER]
        history[stage in PAPER] += prompt + tokens(answer)
        paper += tokens(answer) if stage == "write" else 0
    print(f"{'stage':<10}{'ours':>10}{'ancestor way':>14}   (cl100k_base input tokens)")
    for stage in ours:
        print(f"{stage:<10}{ours[stage]:>10,}{theirs[stage]:>14,}")
    total = sum(ours.values())
    print(f"{'total':<10}{total:>10,}{sum(theirs.values()):>14,}   limit for ours: {LIMIT:,}")
    return int(total > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
