"""The files that are no code: template.toml, prompt.md, references.bib, requirements.lock."""

from __future__ import annotations

import re
import tomllib

from conftest import TEMPLATE

DECLARED = tomllib.loads((TEMPLATE / "template.toml").read_text())


def test_profiles_differ_in_scale_alone() -> None:
    profiles = {profile["name"]: profile for profile in DECLARED["profiles"]}
    assert set(profiles) == {"cpu", "smoke"}
    assert set(profiles["cpu"]) == set(profiles["smoke"])
    assert profiles["cpu"]["seeds"] == 5
    assert profiles["cpu"]["train_sequences"] >= profiles["cpu"]["steps"] * profiles["cpu"]["batch_sequences"]


def test_references_have_authors_and_their_own_keys() -> None:
    library = (TEMPLATE / "references.bib").read_text()
    keys = re.findall(r"^@\w+\{(\S+),$", library, flags=re.MULTILINE)
    assert len(keys) == len(set(keys)) > 60
    assert library.count("\n    author = ") == len(keys)
    assert library.isascii()


def test_the_lock_pins_each_package_and_names_no_place() -> None:
    lines = (TEMPLATE / "requirements.lock").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line) for line in lines)
    assert "torch==2.13.0" in lines


def test_the_prompt_is_short() -> None:
    assert len((TEMPLATE / "prompt.md").read_text().splitlines()) < 80
