"""Mean squared error of every run, with intervals."""

import json
from pathlib import Path

import matplotlib.pyplot as plt

entries = [e for e in json.loads(Path("evidence.json").read_text())["entries"] if e["metric"] == "mse"]
fig, ax = plt.subplots(figsize=(4, 2.6))
for index, entry in enumerate(entries):
    low, high = entry["interval"]
    ax.errorbar(index, entry["value"], yerr=[[entry["value"] - low], [high - entry["value"]]], fmt="ok")
ax.set_xticks(range(len(entries)), [f"{e['run']} {e['condition']}" for e in entries], rotation=20, fontsize=6)
ax.set_ylabel("mean squared error")
fig.tight_layout()
for suffix in ("pdf", "png"):
    fig.savefig(f"figures/mse.{suffix}")
