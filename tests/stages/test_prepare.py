"""The data is made once, by trusted code, and found again."""

import shutil
from pathlib import Path

import pytest

from orchestrator.errors import GroundworkError
from orchestrator.stages.prepare import Prepared, prepare_data


def test_all_four_parts_exist_and_are_journaled(study):
    prepared = prepare_data(study)
    assert set(prepared.parts) == {"train", "tune", "dev", "test"}
    assert all(Path(folder).is_dir() for folder in prepared.parts.values())
    assert study.workspace.journal.find("prepare", "", Prepared) == prepared


def test_a_lost_cache_is_made_again_and_a_kept_one_is_not(study):
    prepare_data(study)
    lines = len(study.backends.screen.lines)
    prepare_data(study)
    assert len(study.backends.screen.lines) == lines
    shutil.rmtree(study.setting.cache)
    assert all(Path(folder).is_dir() for folder in prepare_data(study).parts.values())


def test_a_producer_that_fails_stops_with_its_log(study):
    profile = study.setting.profile.model_copy(update={"samples": "many"})
    object.__setattr__(study.setting, "profile", profile)
    with pytest.raises(GroundworkError, match=r"stderr\.log: preparing the data failed"):
        prepare_data(study)
