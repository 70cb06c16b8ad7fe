"""A profile is named, or the user's own file: paths become absolute, and every mistake is named by file and field."""

import pytest

from orchestrator import inputs
from orchestrator.errors import BadInput
from orchestrator.records import Profile
from tests.conftest import QUICK, ROOT

QUICK_FIT = QUICK / "quick_fit"
SAE = ROOT / "templates" / "temporal_sae"


def own(tmp_path, text, template=SAE):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return inputs.find_profile(str(path), inputs.load_template(template), template)


def test_a_name_or_nothing_is_the_templates_own():
    template = inputs.load_template(SAE)
    assert inputs.find_profile(None, template, SAE).name == "cpu"
    assert inputs.find_profile("smoke", template, SAE).seeds == 2
    with pytest.raises(BadInput, match=r"template\.toml: no profile 'smokee'; did you mean smoke"):
        inputs.find_profile("smokee", template, SAE)


def test_a_file_stands_over_the_profile_that_it_names_as_base(tmp_path):
    profile = own(
        tmp_path,
        'name = "mine"\nbase = "cpu"\nlayer = 5\nlimits = {timeout_s = 9, memory_mb = 9, file_mb = 9, processes = 9}',
    )
    assert (profile.name, profile.seeds, profile.layer, profile.steps) == ("mine", 5, 5, 200)
    assert profile.limits.timeout_s == 9
    assert profile.expected is None
    assert {"limits", "expected", "base"}.isdisjoint(profile.scale())


def test_paths_are_relative_to_the_file_and_names_stay_names(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "pages.jsonl").touch()
    profile = own(tmp_path, 'name = "mine"\nseeds = 1\nmodel = "model"\ntext = "./pages.jsonl"\ndtype = "model"')
    assert profile.model == str(tmp_path / "model")
    assert profile.text == str(tmp_path / "pages.jsonl")
    assert profile.dtype == "model"
    assert own(tmp_path, 'name = "mine"\nseeds = 1\nmodel = "google/gemma-2-2b"').model == "google/gemma-2-2b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'mine'\nseeds = 0", "field seeds: Input should be greater"),
        ("seeds = 1", "field name: Field required"),
        ("name = 'Mine!'\nseeds = 1", "field name"),
        ("name = 'cpu'\nseeds = 1", "field name: 'cpu' is the template's own"),
        ("name = 'mine'\nbase = 'cpus'", "field base: no profile 'cpus'; did you mean cpu"),
        ("name = 'mine'\nseeds = 1\ntext = './gone.jsonl'", r"field text: .*gone\.jsonl does not exist"),
        ("name = ", "Invalid value"),
    ],
)
def test_a_mistake_is_named_with_file_and_field(tmp_path, text, message):
    with pytest.raises(BadInput, match=rf"mine\.toml: .*{message}"):
        own(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"gone\.toml: the profile cannot be read"):
        inputs.find_profile(str(tmp_path / "gone.toml"), inputs.load_template(QUICK_FIT), QUICK_FIT)


def test_what_only_a_person_reads_is_not_told_to_programs():
    profile = Profile.model_validate({"name": "a", "seeds": 1, "steps": 3, "expected": None})
    assert profile.scale() == {"name": "a", "seeds": 1, "steps": 3}
