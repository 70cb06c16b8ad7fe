"""The setting: data, model and grader. `python -m char_model prepare` or `grade`; experiments import the rest."""

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

CHARACTERS = 96  # printable ASCII from the blank on; everything else, the end of a line too, is the last one


def windows(codes_T, context):
    """Return what comes before each character, latest first (T - context, context), and the characters themselves."""
    return np.lib.stride_tricks.sliding_window_view(codes_T[:-1], context)[:, ::-1], codes_T[context:]


def log_probabilities(tables_KVV, past_BK):
    """Return log p(next character) (B, V): the tables' scores for the last K characters are added up."""
    scores_BV = sum(table[past_BK[:, k]] for k, table in enumerate(tables_KVV))
    return scores_BV - np.log(np.exp(scores_BV).sum(axis=1, keepdims=True))


def prepare(profile, cache, out):
    """Cut the help texts into four parts that share no topic."""
    length = json.loads(profile.read_text())["characters"]
    texts = {"train": "", "tune": "", "dev": "", "test": ""}
    for name, text in topics.items():
        percent = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100
        texts["train" if percent < 60 else "tune" if percent < 68 else "dev" if percent < 84 else "test"] += text
    key = hashlib.sha256(json.dumps([length, texts]).encode()).hexdigest()[:16]
    for part, text in texts.items():
        codes = [ord(c) - 32 if " " <= c <= "~" else CHARACTERS - 1 for c in text[:length]]
        (cache / key / part).mkdir(parents=True, exist_ok=True)
        # Another idea may be reading the same part: it sees the old file or the new one, never half of one.
        with tempfile.TemporaryDirectory(dir=cache / key / part) as scratch:
            np.save(Path(scratch) / "codes.npy", np.array(codes))
            (Path(scratch) / "codes.npy").replace(cache / key / part / "codes.npy")
    parts = {part: str(cache / key / part) for part in texts}
    (out / "parts.json").write_text(json.dumps({"key": key, "parts": parts}))


def grade(run, part, out):
    """Compute the metrics of every condition and seed from the tables that a run left, and nothing else."""
    text, seeds, info = np.load(part / "codes.npy"), json.loads((run / "job.json").read_text())["seeds"], {}
    for folder in (path for path in run.iterdir() if path.is_dir()):
        values = {"bits_per_character": [], "accuracy": []}
        for seed in seeds:
            tables = np.load(folder / f"seed_{seed}" / "tables.npy", allow_pickle=False)
            past, following = windows(text, len(tables))
            logs = log_probabilities(tables, past)
            values["bits_per_character"].append(float(-logs[np.arange(len(logs)), following].mean() / np.log(2)))
            values["accuracy"].append(float((logs.argmax(axis=1) == following).mean()))
        info[folder.name] = {"final_info_dict": values, "config": json.loads((folder / "config.json").read_text())}
    (out / "final_info.json").write_text(json.dumps(info))


if __name__ == "__main__":
    flags = {flag.removeprefix("--"): Path(value) for flag, value in zip(sys.argv[2::2], sys.argv[3::2], strict=True)}
    {"prepare": prepare, "grade": grade}[sys.argv[1]](**flags)
