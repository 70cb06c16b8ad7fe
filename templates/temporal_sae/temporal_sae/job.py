"""What a run is given: `<out_dir>/job.json`, read-only."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Scalar = bool | int | float | str


@dataclass(frozen=True)
class Earlier:
    """A setting taken from what an earlier run measured: the mean of `name` over that run's seeds."""

    run: str
    name: str
    condition: str | None = None


Settings = Mapping[str, Scalar | Earlier]


@dataclass(frozen=True)
class Job:
    """The profile, the seeds, the folders of the parts a run may read, and earlier runs' results."""

    out_dir: Path
    profile: dict[str, Any]
    seeds: tuple[int, ...]
    data: dict[str, Path]
    earlier: dict[str, dict[str, Any]]

    def resolve(self, conditions: Mapping[str, Settings]) -> dict[str, dict[str, Scalar]]:
        """Return each condition's settings with the `Earlier` ones as numbers; ValueError says what is missing."""
        if not conditions:
            raise ValueError("CONDITIONS is empty: nothing would be trained")
        return {
            name: {key: self._value(value) for key, value in settings.items()} for name, settings in conditions.items()
        }

    def _value(self, value: Scalar | Earlier) -> Scalar:
        return self.measured(value) if isinstance(value, Earlier) else value

    def measured(self, wanted: Earlier) -> float:
        """Return the mean over seeds of what the earlier run reported; ValueError lists what there is."""
        conditions = self.earlier.get(wanted.run)
        if not conditions:
            raise ValueError(f"{wanted}: no such earlier run; there are {sorted(self.earlier)}")
        if wanted.condition is None and len(conditions) > 1:
            raise ValueError(f"{wanted}: name one of its conditions {sorted(conditions)}")
        condition = conditions.get(wanted.condition or next(iter(conditions)))
        if condition is None:
            raise ValueError(f"{wanted}: its conditions are {sorted(conditions)}")
        reported = condition["self_reported"]
        values = [value for value in reported.get(wanted.name, []) if value is not None and math.isfinite(value)]
        if not values:
            raise ValueError(f"{wanted}: it reported {sorted(reported)}")
        return sum(values) / len(values)


def read_job(description: str | None) -> Job:
    """Parse the command line (`--out_dir=run_i`, nothing else) and read that folder's job."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out_dir", type=Path, required=True)
    out_dir = parser.parse_args().out_dir
    given = json.loads((out_dir / "job.json").read_text("utf-8"))
    return Job(
        out_dir=out_dir,
        profile=given["profile"],
        seeds=tuple(given["seeds"]),
        data={part: Path(folder) for part, folder in given["data"].items()},
        earlier=given.get("earlier", {}),
    )
