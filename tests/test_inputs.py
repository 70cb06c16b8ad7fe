"""What the user gives is checked once, and every mistake is named by file and field."""

import json

import pytest

from orchestrator import inputs
from orchestrator.errors import BadInput
from tests.conftest import QUICK, ROOT

IDEA = {"Name": "some_idea", "Title": "T", "Experiment": "E", "template": "quick_fit"}


def written(tmp_path, text):
    path = tmp_path / "idea.json"
    path.write_text(text)
    return path


def test_unknown_keys_are_kept(tmp_path):
    idea = inputs.load_idea(written(tmp_path, json.dumps({**IDEA, "Novelty": 9, "Implementation_Plan": "1. ..."})))
    assert idea.model_dump()["Novelty"] == 9
    assert idea.model_dump()["Implementation_Plan"] == "1. ..."


@pytest.mark.parametrize("key", IDEA)
def test_a_missing_key_is_named_with_its_file(tmp_path, key):
    path = written(tmp_path, json.dumps({k: v for k, v in IDEA.items() if k != key}))
    with pytest.raises(BadInput, match=f"idea.json.*{key}"):
        inputs.load_idea(path)


def test_broken_json_gives_line_and_column(tmp_path):
    with pytest.raises(BadInput, match="line 2, column"):
        inputs.load_idea(written(tmp_path, '{\n "Name": oops}'))


def test_a_name_that_leaves_the_runs_folder_is_refused(tmp_path):
    with pytest.raises(BadInput, match="Name"):
        inputs.load_idea(written(tmp_path, json.dumps({**IDEA, "Name": "../x"})))


def test_near_names_are_suggested():
    with pytest.raises(BadInput, match="did you mean adaptive_temporal_sae"):
        inputs.find_idea("adaptive_temporal_sea")


def test_a_template_without_a_field_is_named(tmp_path):
    folder = tmp_path / "setting"
    folder.mkdir()
    text = (QUICK / "quick_fit" / "template.toml").read_text()
    (folder / "template.toml").write_text(text.replace('default_profile = "cpu"', ""))
    with pytest.raises(BadInput, match=r"template\.toml: field default_profile"):
        inputs.load_template(folder)
    (folder / "template.toml").write_text(text.replace("[commands]", "[commands"))
    with pytest.raises(BadInput, match=r"template\.toml.*line"):
        inputs.load_template(folder)
    (folder / "template.toml").write_text(text)
    with pytest.raises(BadInput, match=r"no file experiment\.py"):
        inputs.load_template(folder)


def test_every_template_here_parses():
    for path in (ROOT / "templates").glob("*/template.toml"):
        template = inputs.load_template(path.parent)
        assert template.name == path.parent.name
        assert any(metric.primary for metric in template.metrics)


def test_the_lock_covers_code_and_leaves_out_caches(tmp_path):
    lock = inputs.template_lock(QUICK / "quick_fit")
    assert "experiment.py" in lock
    assert "quick_fit/grade.py" in lock
    assert not any("__pycache__" in name for name in lock)
