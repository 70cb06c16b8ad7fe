"""A finished folder is derived again from its files; a changed digit shows with all that rests on it."""

import json
import os
import re
import shutil

import pytest

from orchestrator.errors import BadInput
from orchestrator.verify import keep, verify


@pytest.fixture
def folder(quick_run, tmp_path):
    """A copy of the finished quick folder, to be damaged."""
    copy = tmp_path / "copy"
    shutil.copytree(quick_run, copy, ignore=shutil.ignore_patterns(".git", "calls"))
    return copy


def change_a_digit(path, after):
    """Change one digit of the first number that follows the text `after`."""
    text = path.read_text()
    found = re.compile(re.escape(after) + r"\D*0\.0*(\d)").search(text)
    at = found.start(1)
    path.write_text(text[:at] + str((int(text[at]) + 1) % 9 + 1) + text[at + 1 :])


def codes(audit):
    return {finding.code for finding in audit.findings}


def test_a_finished_folder_has_no_errors(quick_run, launch):
    done = launch("verify", quick_run, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [run["number"] for run in report["runs"]] == [0, 1, 2]
    assert report["comparison"] == []
    assert report["paper"] == {"numbers_checked": 23, "numbers_supported": 23, "findings": []}
    assert json.loads((quick_run / "audit.json").read_text()) == report


def test_it_needs_neither_template_nor_cache(folder):
    for name in ("template.lock", "prepare", "sandbox.json"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert verify(folder).errors == 0


def test_a_digit_of_the_test_results(folder, launch):
    change_a_digit(folder / "run_1" / "test_info.json", '"final_info_dict"')
    done = launch("verify", folder)
    assert done.returncode == 1
    assert (
        "tampered: run_1/test_info.json is not the file that was graded; on it rest run_1@momentum/mse" in done.stdout
    )
    assert "and so H1, H2" in done.stdout
    assert "evidence-differs: run_1@momentum/mse is" in done.stdout
    assert "verdict-differs: H1" in done.stdout


def test_a_digit_of_the_dev_results(folder):
    change_a_digit(folder / "run_1" / "final_info.json", '"final_info_dict"')
    (finding,) = [f for f in verify(folder).findings if f.severity == "error"]
    assert finding.code == "tampered"
    assert finding.where == "run_1/final_info.json"
    assert "run_2 was given" in finding.message


def test_a_digit_of_the_evidence(folder):
    change_a_digit(folder / "evidence.json", '"run_1@momentum/mse"')
    found = {finding.where: finding for finding in verify(folder).comparison}
    assert found["evidence.json"].code == "tampered"
    assert "and so H1, H2" in found["evidence.json#run_1@momentum/mse"].message


def test_a_changed_verdict(folder):
    path = folder / "evidence.json"
    evidence = json.loads(path.read_text())
    words = {"confirmed", "contradicted", "not supported", "undecided"} - {evidence["verdicts"][0]["outcome"]}
    evidence["verdicts"][0]["outcome"] = sorted(words)[0]
    path.write_text(json.dumps(evidence))
    assert {"tampered", "verdict-differs"} <= codes(verify(folder))


def test_a_hypothesis_that_was_changed_afterwards(folder):
    path = folder / "evidence.json"
    path.write_text(path.read_text().replace('"direction": "lower"', '"direction": "higher"'))
    assert "evidence.json#hypotheses" in {finding.where for finding in verify(folder).comparison}


def sentences(audit, code):
    """What the findings on the paper quote, by the section's file."""
    found = [finding for finding in audit.paper.findings if finding.code == code]
    return [(finding.where.partition(":")[0].rpartition("/")[2], finding.quote) for finding in found]


def test_a_digit_of_the_test_results_reaches_each_sentence_that_rests_on_it(folder):
    change_a_digit(folder / "run_2" / "test_info.json", '"final_info_dict"')
    audit = verify(folder)
    assert 0 < audit.paper.numbers_supported < audit.paper.numbers_checked == 23
    told = sentences(audit, "unsupported")
    assert {name for name, _ in told} == {"results.tex", "conclusion.tex", "abstract.tex"}
    for name, quote in told:
        assert quote in (folder / "latex" / "cited" / name).read_text()
    assert any("\\outcome{H2}" in quote for _, quote in told)
    assert not any("\\result{run_1}" in quote and "run_2" not in quote for _, quote in told)
    (table,) = [f for f in audit.paper.findings if f.quote.startswith("\\resultstable")]
    assert "run_2@large_step/mse" in table.message
    assert table.where == "latex/cited/results.tex:3"


def test_a_digit_of_the_paper_and_a_word_of_a_section(folder):
    paper = folder / "latex" / "paper.tex"
    before = paper.read_text()
    paper.write_text(before.replace("has an error of", "has no error of", 1))
    audit = verify(folder)
    ((name, quote),) = sentences(audit, "paper-differs")
    assert (name, "has an error of" in quote) == ("results.tex", True)
    assert "latex/paper.tex" in {finding.where for finding in audit.paper.findings if finding.code == "tampered"}
    paper.write_text(before)
    method = folder / "latex" / "cited" / "method.tex"
    method.write_text(method.read_text() + "Nothing else was tried.\n")
    assert {(f.code, f.where) for f in verify(folder).paper.findings} == {
        ("tampered", "latex/cited/method.tex"),
        ("paper-differs", "latex/cited/method.tex:2"),
    }


def test_another_pdf_and_one_that_is_gone(folder):
    (folder / "paper.pdf").write_bytes(b"%PDF-1.5 another")
    assert [(f.code, f.where) for f in verify(folder).paper.findings] == [("tampered", "paper.pdf")]
    (folder / "paper.pdf").unlink()
    assert [(f.code, f.where) for f in verify(folder).paper.findings] == [("missing", "paper.pdf")]


def test_a_citation_whose_entry_was_taken_out(folder):
    (folder / "latex" / "references.bib").write_text("")
    audit = verify(folder)
    assert "no citation key `dunnett1955`" in next(f for f in audit.paper.findings if f.code == "struck-out").message
    assert "latex/references.bib" in {f.where for f in audit.paper.findings if f.code == "tampered"}


def test_changed_weights_and_lost_ones(folder):
    first, second = sorted((folder / "run_1").rglob("weights.npy"))[:2]
    first.write_bytes(first.read_bytes()[:-1] + b"\x01")
    second.unlink()
    found = {(f.severity, f.code, f.where) for f in verify(folder).runs[1].findings}
    assert ("error", "tampered", str(first.relative_to(folder))) in found
    assert ("warning", "missing", str(second.relative_to(folder))) in found


def test_an_unfinished_folder_is_checked_as_far_as_it_goes(folder):
    lines = (folder / "journal.jsonl").read_text().splitlines(keepends=True)
    end = next(n for n, line in enumerate(lines) if '"kind":"confirm"' in line)
    (folder / "journal.jsonl").write_text("".join(lines[:end]))
    audit = verify(folder)
    assert codes(audit) == {"unconfirmed"}
    assert audit.errors == 0


def break_with_link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def break_with_fifo(path):
    path.unlink()
    os.mkfifo(path)


def break_with_size(path):
    with path.open("r+b") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("name", ["evidence.json", "run_1/test_info.json", "run_1/final_info.json", "run_0/facts.json"])
@pytest.mark.parametrize(
    "damage",
    [
        break_with_link,
        break_with_fifo,
        break_with_size,
        lambda path: path.unlink(),
        lambda path: path.write_text("{"),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_bytes(b"\xff\xfe"),
    ],
)
def test_a_hostile_folder_is_refused_in_one_line(folder, name, damage):
    damage(folder / name)
    with pytest.raises(BadInput) as caught:
        verify(folder)
    assert "\n" not in str(caught.value)
    assert name.rpartition("/")[2] in str(caught.value)


@pytest.mark.parametrize(
    "damage", [break_with_link, break_with_fifo, break_with_size, lambda path: path.write_text("{}\n")]
)
def test_an_unreadable_journal_exits_with_2(folder, damage, launch):
    damage(folder / "journal.jsonl")
    done = launch("verify", folder)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_the_report_replaces_a_link_and_not_what_it_points_to(folder, tmp_path):
    treasure = tmp_path / "treasure"
    treasure.write_text("mine")
    (folder / "audit.json").unlink(missing_ok=True)
    (folder / "audit.json").symlink_to(treasure)
    assert keep(verify(folder), folder) == ""
    assert treasure.read_text() == "mine"
    assert json.loads((folder / "audit.json").read_text())["runs"]


def test_a_report_that_cannot_be_kept_says_so(quick_run, tmp_path):
    assert "cannot be written" in keep(verify(quick_run), tmp_path / "nowhere")
