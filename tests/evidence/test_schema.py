"""The form of evidence.json is a committed JSON Schema."""

import json

from orchestrator.records import Evidence
from tests.conftest import ROOT

SCHEMA = ROOT / "docs" / "evidence.schema.json"


def test_the_committed_schema_is_that_of_the_record():
    """Renew it with: python -c "import json; from orchestrator.records import Evidence as E; print(json.dumps(
    E.model_json_schema(), indent=1))" > docs/evidence.schema.json"""
    assert json.loads(SCHEMA.read_text()) == Evidence.model_json_schema()


def test_a_finished_folder_fits_it(quick_run):
    value = json.loads((quick_run / "evidence.json").read_text())
    assert set(json.loads(SCHEMA.read_text())["required"]) <= set(value)
    assert Evidence.model_validate(value).verdicts
