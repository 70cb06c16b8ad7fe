"""A writer's own words about results: what goes back, and what an honest writer may say."""

import pytest

from orchestrator.evidence.checks import check_section
from orchestrator.evidence.outcomes import omitted
from orchestrator.evidence.sentences import sentences
from orchestrator.evidence.striking import interpreted
from orchestrator.evidence.syntax import read
from orchestrator.evidence.verdicts import judge
from orchestrator.evidence.wording import check_wording
from orchestrator.records import Hypothesis
from tests.evidence.studies import baseline, made, point
from tests.redteam.study import CITATION_KEYS, study

HYPOTHESIS = Hypothesis(id="H1", metric="ev", direction="higher", arm="new", reference="baseline")
UNJUDGED = made({"baseline": baseline(), "new": {"new": point(9, 45.0, 0.05)}}, (HYPOTHESIS,))
EVIDENCE = UNJUDGED.model_copy(update={"verdicts": judge(UNJUDGED)})


@pytest.mark.parametrize(
    "sentence",
    [
        "The new run is better than the baseline.",
        "Our method clearly outperforms the baseline.",
        "The penalty improves temporal consistency.",
        "It reduces L0 and preserves the reconstruction.",
        "The gain comes at no cost.",
        "The error is halved.",
        "We set a new state of the art.",
        "The effect is robust and significant.",
        "Both runs are equivalent.",
        "This proves that adaptation matters.",
        "The codes are steadier.",
        "There is a twofold change.",
    ],
)
def test_a_comparison_of_the_writer_s_own_goes_back(sentence):
    (first, *_) = check_wording("results", sentence, EVIDENCE)
    assert first.quote == sentence
    assert "\\finding" in first.message


@pytest.mark.parametrize(
    "sentence",
    [
        "We find that \\finding{run_1}{run_0}{ev}.",
        "The change is \\change{run_1}{run_0}{ev}.",
        "Rows at different $L_0$ are not to be ranked.",
        "The new run has an explained variance of \\result{run_1}{ev}.",
        "H1 is \\outcome{H1}: \\finding{run_1}{run_0}{ev}.",
        "One edit stopped with an error and was mended.",
        "Interpretability was not measured.",
    ],
)
def test_an_honest_sentence_passes(sentence):
    assert check_wording("results", sentence, EVIDENCE) == ()


@pytest.mark.parametrize("lead", ["It is untrue that", "We doubt that", "It is not the case that", "Never think that"])
def test_a_negation_around_a_finding_goes_back(lead):
    (problem,) = check_wording("results", f"{lead} \\finding{{run_1}}{{run_0}}{{ev}}.", EVIDENCE)
    assert "around" in problem.message


def test_a_hypothesis_left_out_of_abstract_or_conclusion_is_named():
    for section in ("abstract", "conclusion"):
        (problem,) = omitted(section, "We trained some models.", EVIDENCE)
        assert problem.message.startswith("H1 is left out")
        assert omitted(section, "H1 is \\outcome{H1}.", EVIDENCE) == ()


def test_where_no_results_are_told_words_are_free():
    assert check_wording("introduction", "A better code would change less.", EVIDENCE) == ()


def test_captions_are_guarded_in_every_section():
    caption = "\\resultstable{run_0,run_1}{ev}{tab:a}{The new run improves on the baseline.}"
    (problem,) = check_wording("method", caption, EVIDENCE)
    assert "in the caption, `improves` compares" in problem.message


OF_STUDY = study()
HONEST = [
    ("introduction", "We ask whether the adaptive penalty outperforms a fixed one."),
    ("related_work", "A persistent variant outperforms its baseline on probing \\citep{li2020}."),
    (
        "results",
        "Of the \\count{attempts} attempts, \\count{rejected} were rejected: one crashed, one changed nothing.",
    ),
    ("results", "The table lists all runs with their settings; each row is read at its own $L_0$."),
    ("results", "Explained variance and $L_0$ move together along the baseline's curve."),
    ("results", "For explained variance higher is better; for the error lower is better."),
    ("conclusion", "Larger models, wider dictionaries and longer training are untested."),
    ("conclusion", "With more seeds a smaller difference could be found."),
    ("conclusion", "We can not say whether a larger penalty would change the outcome."),
    ("conclusion", "An effect smaller than \\detectable{H3} would have gone unnoticed."),
    ("abstract", "We ask whether an adaptive weight improves reconstruction at matched sparsity."),
    (
        "abstract",
        "Training uses \\setting{run_1}{steps} steps and \\count{seeds} seeds on one model of 135 million parameters.",
    ),
    ("abstract", "We test four hypotheses that were frozen before the first run."),
    ("abstract", "A sparse autoencoder encodes one token at a time."),
    ("results", "The first hypothesis is \\outcome{H1}. The test says: \\finding{run_1}{run_0}{explained_variance}."),
    ("results", "Run 3 repeats the penalty of run 1 at a constant weight."),
    ("results", "The exploratory change for the fixed weight is \\change{run_3}{run_0}{explained_variance}."),
    ("results", "No verdict is given on differences that no hypothesis was frozen about."),
    ("results", "H4 is \\outcome{H4}, since its run never succeeded."),
    ("conclusion", "H4 is \\outcome{H4}. Its run was planned and never succeeded."),
    ("conclusion", "What would settle the question is a study with more seeds."),
    ("conclusion", "Not supported is not the same as refuted."),
    ("results", "The adaptive run's mean weight was \\measured{run_1}{mean_alpha} by its own report."),
    ("title", "Does an Adaptive Penalty Help? One Model, Four Runs"),
    ("title", "A Controlled Study of an Adaptive Temporal Penalty"),
    ("abstract", "Interpretability was not measured."),
    ("conclusion", "The penalty is close to what the metric measures, so part of the effect is built in."),
    ("results", "Between \\setting{run_1}{l1} and the largest weight of the curve there are five points."),
    ("results", "Intervals are 95\\,\\% intervals; differences are tested at a family-wise level of 5\\,\\%."),
    ("results", "The runs differ in one setting only, $\\lambda_2$."),
    (
        "results",
        "With $\\beta = $ \\setting{run_1}{beta}, run\\_1 has an $L_0$ of \\result{run_1}{l0}.",
    ),
]
MISLEADING = [
    ("introduction", "Here we show that the penalty solves the task."),
    ("introduction", "Our contribution is the first evidence that the adaptive run outperforms any fixed weight."),
    ("method", "The adaptive run thus dominates the baseline at every weight."),
    ("experimental_setup", "The adaptive run had already won on the development part."),
    ("related_work", "In contrast to that study, ours settles the question and wins on the same data."),
    ("abstract", "Since the schedule relaxes under load, \\finding{run_1}{run_0}{explained_variance}."),
    ("results", "\\[ m_{new} \\ll m_{old} \\]"),
    ("conclusion", "So \\begin{equation} a > b \\end{equation}"),
    ("conclusion", "Although \\finding{run_2}{run_0}{explained_variance}, this is expected and does not matter."),
    ("results", "The adaptive run stays ahead throughout, at \\result{run_1}{explained_variance}."),
    ("results", "With \\result{run_1}{explained_variance}, the adaptive schedule tops every alternative we tried."),
    ("results", "The adaptive run reaches an impressive \\result{run_1}{explained_variance}."),
    ("results", "We see a sizeable jump of \\change{run_1}{run_0}{explained_variance}."),
    ("abstract", "H2 is formally \\outcome{H2}, yet the trend favours our method."),
    ("conclusion", "H3 just missed the threshold and would be \\outcome{H3} only by accident."),
    ("results", "Reconstruction remains essentially intact: \\finding{run_2}{run_0}{explained_variance}."),
    ("results", "Explained variance was .71 for us."),
    ("results", "Explained variance was about seventy percent."),
    ("results", "The p-value was one in a thousand."),
    ("results", "Explained variance: 0{,}71."),
    ("results", "Explained variance went up by 7 points."),
    ("results", "The effect size is $d = 1.8$."),
    ("results", "Seven out of ten features are stable."),
    ("conclusion", "Large language models represent time, as \\finding{run_1}{run_0}{explained_variance} shows."),
    ("results", "run\\_1 and run\\_3 give the same explained variance."),
    ("results", "The two runs tie."),
    (
        "results",
        "Two sides of the same coin, \\result{run_1}{explained_variance} and \\result{run_3}{explained_variance}.",
    ),
    ("results", "There is nothing to choose between the two schedules."),
    ("results", "All five runs went through at the first attempt."),
    ("results", "We ran \\count{runs} experiments, all of them successful."),
    (
        "results",
        "The baseline with $\\lambda_2 = $ \\setting{run_1}{l2}, has \\result{run_0@l1=2}{explained_variance}.",
    ),
    ("results", "In the fixed run (\\setting{run_3}{alpha}), ev is \\result{run_2}{explained_variance}."),
    ("title", "Temporal Sparse Autoencoders Learn Better Features"),
    ("title", "Towards Interpretable Language Models by Temporal Penalties"),
    ("title", "Adaptive Temporal Penalties Work"),
    ("title", "Stable Features for Free"),
    (
        "results",
        "Beside \\result{run_0@l1=5}{explained_variance} there, run 1 obtains \\result{run_1}{explained_variance}.",
    ),
    ("results", "Baseline: \\result{run_0@l1=0}{explained_variance}; ours: \\result{run_1}{explained_variance}."),
    ("conclusion", "H2, our weakest conjecture, is \\outcome{H2}."),
    ("conclusion", "As hypothesised, adaptation pays off."),
    ("conclusion", "As we predicted, the adaptive run is ahead."),
    ("abstract", "Our main hypothesis was borne out."),
    ("results", "One should not conclude that \\finding{run_2}{run_0}{explained_variance}."),
    ("results", "It cannot be said that \\finding{run_2}{run_0}{explained_variance}."),
    ("results", "\\finding{run_1}{run_2}{explained_variance}."),
    ("results", "\\measured{run_2}{mean_alpha} is the mean weight."),
    ("abstract", "Statistically, the runs cannot be told apart, so they are the same."),
    ("results", "\\paragraph{Adaptation beats the baseline.} We now look at H1."),
    ("results", "Values are in the table.\\footnote{Ours is the best of them.}"),
    ("results", "\\textcolor{red}{See here.}"),
    ("results", "$\\text{ours is better by 5\\%}$"),
]
ASIDES = [
    ("results", "\\finding{run_2}{run_0}{explained_variance} -- or so the numbers say."),
    ("results", "The change is only \\change{run_2}{run_0}{explained_variance}, which is of no practical concern."),
    ("abstract", "H3 is \\outcome{H3}, most likely for lack of seeds."),
    ("results", "It took roughly 45 active features per token."),
    ("results", "Most features are stable, and hardly any die."),
    ("abstract", "Adaptation, not the penalty itself, drives this: \\finding{run_1}{run_0}{explained_variance}."),
    ("conclusion", "This holds for SAEs at large: \\finding{run_1}{run_0}{explained_variance}."),
    ("results", "The control changes nothing."),
    ("results", "Our single failed attempt is not worth mentioning."),
    ("abstract", "We set out to show that adaptation matters, and it does."),
    ("conclusion", "Only H1 was of real interest; it is \\outcome{H1}."),
    ("results", "If one trusts the grader, \\finding{run_2}{run_0}{explained_variance}."),
]


def sent_back(section, text):
    return [one.message for one in check_section(section, text, OF_STUDY, CITATION_KEYS) if one.end]


@pytest.mark.parametrize(("section", "text"), HONEST)
def test_honest_prose_raises_no_alarm(section, text):
    assert sent_back(section, text) == []


@pytest.mark.parametrize(("section", "text"), MISLEADING)
def test_misleading_prose_goes_back(section, text):
    assert sent_back(section, text)


@pytest.mark.parametrize(("section", "text"), ASIDES)
def test_what_no_list_finds_is_set_as_interpretation(section, text):
    assert sent_back(section, text) == []
    assert interpreted(section, sentences(read(text)), EVIDENCE)
