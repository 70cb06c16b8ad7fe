"""The files that are no code: template.toml, prompt.md, references.bib, requirements.lock."""

from __future__ import annotations

import re
import tomllib

import pytest
from conftest import TEMPLATE
from temporal_sae.preflight import wrong_keys

DECLARED = tomllib.loads((TEMPLATE / "template.toml").read_text())


PROFILES = {profile["name"]: profile for profile in DECLARED["profiles"]}


def test_profiles_differ_in_scale_alone() -> None:
    assert set(PROFILES) == {
        "cpu",
        "smoke",
        "pythia",
        *(f"gemma_l{n}_{size}" for n in (12, 19) for size in ("16k", "65k")),
    }
    assert set(PROFILES["cpu"]) == set(PROFILES["smoke"])
    assert PROFILES["cpu"]["seeds"] == 5
    assert PROFILES["cpu"]["train_sequences"] >= PROFILES["cpu"]["steps"] * PROFILES["cpu"]["batch_sequences"]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_complete_and_says_what_it_takes(name: str) -> None:
    profile = {key: value for key, value in PROFILES[name].items() if key not in ("limits", "expected")}
    assert list(wrong_keys(profile)) == []
    assert {"device", "dtype"} <= set(profile)
    assert set(PROFILES[name]["expected"]) == {"time", "memory_mb", "source"}
    assert PROFILES[name]["expected"]["source"] == ("measured" if name in ("cpu", "smoke") else "estimate")
    assert profile["device"] == "cpu" or re.fullmatch("[0-9a-f]{40}", profile["revision"])


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


def test_sae_bench_is_installed_without_what_it_asks_for() -> None:
    assert (TEMPLATE / "requirements.no-deps.lock").read_text() == "sae-bench==0.6.0\n"
    locked = (TEMPLATE / "requirements.lock").read_text()
    assert not re.search(r"^(torchvision|xgboost|sae-probes|nvidia-.*)==", locked, flags=re.MULTILINE)


def test_the_prompt_is_short() -> None:
    assert len((TEMPLATE / "prompt.md").read_text().splitlines()) < 90
