"""The defects that were counted in this project's direct ancestor, each with the tests that would see it again."""

import ast
import json

import pytest

from orchestrator.records import PlannedRun
from orchestrator.study import json_block
from tests.conftest import ROOT

DEFECTS = {
    1: (
        "exit code 0 is the only test of a run",
        ["evidence/test_gate.py::test_ancestor_1_null_loss", "test_corpus.py::test_the_gate_finds_what_the_labels_say"],
    ),
    2: (
        "a training of 0 steps from a division",
        ["evidence/test_gate.py::test_ancestor_2_zero_steps", "test_injected_faults.py::test_a_training_of_no_steps"],
    ),
    3: (
        "a run without an edit",
        [
            "test_injected_faults.py::test_an_edit_that_changes_nothing",
            "stages/test_edit.py::test_what_is_no_edit_changes_no_file",
        ],
    ),
    4: (
        "results of an edit without effect",
        [
            "evidence/test_repeats.py::test_ancestor_4_results_of_a_no_op_edit",
            "evidence/test_repeats.py::test_ancestor_4_the_same_loss_and_core_metrics",
        ],
    ),
    5: (
        "a baseline of another model, layer or field",
        [
            "evidence/test_baseline.py::test_ancestor_5_a_setting_that_must_be_equal",
            "evidence/test_baseline.py::test_ancestor_5_a_baseline_of_another_field",
        ],
    ),
    6: (
        "a metric's direction in the model's head",
        ["evidence/test_verdicts.py::test_better_and_worse_follow_the_declared_direction_alone"],
    ),
    7: (
        "results cached under a constant name",
        [
            "evidence/test_repeats.py::test_copied_weights_are_seen_under_another_setting",
            "test_baselines.py::test_another_scale_another_lock_or_the_users_wish_executes_it",
        ],
    ),
    8: (
        "a traceback cut short, and the same failure repeated",
        [
            "stages/test_execute.py::test_a_crash_is_kept_with_its_logs",
            "evidence/test_faults.py::test_a_flood_is_shortened_in_the_middle",
            "stages/test_record.py::test_the_same_failure_again_ends_the_retries",
        ],
    ),
    9: (
        "faults of the environment given to the model",
        [
            "stages/test_execute.py::test_a_fault_of_the_users_is_no_attempt_and_resuming_tries_again",
            "test_packages.py::test_without_a_terminal_it_stops_and_says_how_to_go_on",
        ],
    ),
    10: (
        "one hopeless run discards the idea",
        [
            "stages/test_record.py::test_a_hopeless_run_is_given_up_and_its_code_put_back",
            "stages/test_confirm.py::test_a_run_whose_files_changed_is_withdrawn_and_the_rest_stands",
        ],
    ),
    11: ("the last run never reaches the notes", ["test_pipeline.py::test_the_last_run_reaches_the_notes"]),
    12: (
        "a plan cut off at the first greater-than sign",
        ["test_ancestor_defects.py::test_a_plan_keeps_what_stands_behind_a_greater_than_sign"],
    ),
    13: (
        "a citation key that is part of another",
        ["paper/test_bib.py::test_keys_are_exact", "stages/test_cite.py::test_near_keys_and_near_sentences_go_back"],
    ),
    14: (
        "a paper reported done without its PDF",
        [
            "backends/test_latex.py::test_a_failure_is_one_line_with_file_and_line",
            "stages/test_compile.py::test_without_tex_everything_but_the_pdf_is_there_and_the_command_is_named",
        ],
    ),
    15: (
        "numbers typed by a model",
        [
            "evidence/test_references.py::test_a_typed_result_is_sent_back",
            "stages/test_record.py::test_typed_results_and_reused_names_go_back",
        ],
    ),
    16: (
        "wrong standard errors",
        [
            "evidence/test_metrics.py::test_the_half_width_is_students",
            "evidence/test_gate.py::test_one_seed_is_a_warning",
        ],
    ),
    17: (
        "result dictionaries pasted into prompts",
        ["stages/test_record.py::test_the_prompt_shows_a_table_and_no_result_dictionary"],
    ),
    18: (
        "the template copied into each idea folder",
        ["test_ancestor_defects.py::test_an_idea_folder_holds_no_copy_of_its_template"],
    ),
    19: (
        "orphans, keys and network within reach of a run",
        [
            "test_injected_faults.py::test_a_grandchild_that_outlives_the_timeout",
            "backends/test_sandbox.py::test_no_variable_of_ours_gets_inside_by_any_way",
            "backends/test_sandbox.py::test_no_network_reaches_not_even_the_hosts_loopback",
        ],
    ),
    20: ("no resume", ["test_pipeline.py::test_stopped_anywhere_it_resumes_to_the_same_values"]),
    21: (
        "reviewers that notice nothing",
        [
            "test_corpus.py::test_most_runs_of_the_ancestor_would_not_have_counted",
            "test_verify.py::test_a_digit_of_the_evidence",
        ],
    ),
}


def test_every_defect_has_its_tests():
    assert list(DEFECTS) == list(range(1, 22))
    assert all(tests for _, tests in DEFECTS.values())


@pytest.mark.parametrize("test", sorted({test for _, tests in DEFECTS.values() for test in tests}))
def test_the_test_is_there(test):
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_a_plan_keeps_what_stands_behind_a_greater_than_sign():
    run = PlannedRun(name="arm", goal="Stop where the score > 0.1 and the loss < 2 > 1, then go on.")
    assert json_block(f"```json\n{run.model_dump_json()}\n```", PlannedRun) == run


def test_an_idea_folder_holds_no_copy_of_its_template(quick_run):
    lock = json.loads((quick_run / "template.lock").read_text())
    copied = [name for name in lock if (quick_run / name).exists()]
    assert sorted(copied) == ["experiment.py", "plot.py"]
    assert not (quick_run / "quick_fit").exists()
