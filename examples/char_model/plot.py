"""Draw every run's bits per character with its interval: python plot.py, beside evidence.json."""

import json
from pathlib import Path

import matplotlib.pyplot as plt

entries = json.loads(Path("evidence.json").read_text())["entries"]
shown = [entry for entry in entries if entry["metric"] == "bits_per_character" and entry["split"] == "test"]
figure, axes = plt.subplots(figsize=(4, 2.6), layout="constrained")
for place, entry in enumerate(shown):
    low, high = entry["interval"]
    axes.errorbar(place, entry["value"], yerr=[[entry["value"] - low], [high - entry["value"]]], fmt="ok", capsize=2)
axes.set_xticks(range(len(shown)), [f"{e['run']}\n{e['condition']}" for e in shown], fontsize=7)
axes.set_ylabel("Bits per character")
for kind in ("pdf", "png"):
    figure.savefig(f"figures/bits.{kind}")
