import pytest

from orchestrator.errors import GroundworkError
from orchestrator.evidence.entries import UnknownReference, find
from orchestrator.evidence.references import (
    check,
    check_labels,
    citation_keys,
    describe,
    expand,
    statement,
    typed_result,
    used,
)
from orchestrator.records import Evidence, EvidenceEntry, Figure, Hypothesis, MetricSpec, Verdict

KEYS = ("bricken2023monosemanticity", "li2020")


def entry(run: str, condition: str, metric: str, value: float, half: float | None = 0.0032, split: str = "test"):
    return EvidenceEntry(
        id=f"{run}@{condition}/{metric}",
        value=value,
        interval=None if half is None else (value - half, value + half),
        run=run,
        condition=condition,
        metric=metric,
        split=split,
        seeds=(11, 12),
        per_seed=(value, value),
        file=f"{run}/test_info.json",
        key=f"{condition}/final_info_dict/{metric}",
        sha256="ab" * 32,
        computed_by="experiment.py" if split == "self-reported" else "grader",
    )


EVIDENCE = Evidence(
    entries=(
        entry("run_0", "l1=0.004", "explained_variance", 0.70213),
        entry("run_0", "l1=0.008", "explained_variance", 0.64),
        entry("run_0", "l1=0.004", "l0", 54.31, 1.26),
        entry("run_1", "main", "explained_variance", 0.68449, 0.00996),
        entry("run_1", "main", "mean_alpha", 0.5301, 0.012, "self-reported"),
    ),
    runs={"run_0": "baseline", "run_1": "adaptive_weight"},
    settings={
        "run_0": {"l1=0.004": {"l1": 0.004, "steps": 200}, "l1=0.008": {"l1": 0.008, "steps": 200}},
        "run_1": {"main": {"l1": 0.004, "lr": 1e-05, "steps": 200, "activation": "re_lu", "tied": False}},
    },
    counts={"runs": 2, "attempts": 4, "rejected": 2, "seeds": 5},
    verdicts=(
        Verdict(
            hypothesis="H1",
            arm="run_1",
            reference="run_0",
            metric="l0",
            verdict="not comparable",
            outcome="undecided",
            reason="the curve ends at 40",
        ),
    ),
    hypotheses=(
        Hypothesis(
            id="H1",
            metric="l0",
            direction="lower",
            arm="adaptive_weight",
            reference="baseline",
            match="explained_variance",
        ),
        Hypothesis(id="H2", metric="l0", direction="equivalent", arm="adaptive_weight", reference="fixed"),
    ),
    metrics=(
        MetricSpec(name="explained_variance", words="explained variance", direction="higher"),
        MetricSpec(name="l0", words="active features per token (L0)", direction="none", unit="features"),
    ),
    figures=(Figure(name="tradeoff", pdf="figures/tradeoff.pdf", png="figures/tradeoff.png"),),
)


def messages(text: str) -> str:
    return "\n".join(problem.message for problem in check(text, EVIDENCE, KEYS))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (r"\result{run_1}{explained_variance}", r"\hyperlink{evidence.4}{\ensuremath{0.684 \pm 0.010}}"),
        (r"\result{run_0@l1=0.004}{explained_variance}", r"\hyperlink{evidence.1}{\ensuremath{0.7021 \pm 0.0032}}"),
        (r"\result{run_0@l1=0.004}{l0}", r"\hyperlink{evidence.3}{\ensuremath{54.3 \pm 1.3}}"),
        (r"\measured{run_1}{mean_alpha}", r"\hyperlink{evidence.5}{\ensuremath{0.530 \pm 0.012}}\textsuperscript{s}"),
        (r"\setting{run_1}{l1}", r"\hyperlink{evidence.4}{\ensuremath{0.004}}"),
        (r"\setting{run_1}{lr}", r"\hyperlink{evidence.4}{\ensuremath{1 \times 10^{-5}}}"),
        (r"\setting{run_1}{activation}", r"\hyperlink{evidence.4}{\mbox{re\_lu}}"),
        (r"\setting{run_1}{tied}", r"\hyperlink{evidence.4}{\mbox{false}}"),
        (r"\setting{run_0}{steps}", r"\hyperlink{evidence.1}{\ensuremath{200}}"),
        (r"\count{rejected}", "2"),
        (r"\outcome{H1}", "undecided (the curve ends at 40)"),
        (
            r"\statement{H1}",
            "the adaptive weight run has a lower L0 than the baseline at matched explained variance",
        ),
        (r"\statement{H2}", "the adaptive weight run and the fixed run have an equivalent L0"),
    ],
)
def test_a_reference_prints_what_the_evidence_holds(text, printed):
    assert expand(f"Here {text} stands.", EVIDENCE) == f"Here {printed} stands."
    assert check(f"Here {text} stands.", EVIDENCE, KEYS) == ()


def test_a_table_has_a_row_for_each_point_of_a_curve_and_its_caption_is_expanded():
    text = r"\resultstable{run_0,run_1}{explained_variance,l0}{tab:main}{Runs with \count{seeds} seeds.}"
    assert check(text, EVIDENCE, KEYS) == ()
    table = expand(text, EVIDENCE)
    assert r"\caption[]{Runs with 5 seeds. " in table
    assert r"\label{tab:main}" in table
    rows = [line for line in table.split("\n") if line.startswith(("baseline", "adaptive"))]
    assert [row.split(" & ")[0] for row in rows] == [
        r"baseline (\texttt{run\_0}, l1=0.004)",
        r"baseline (\texttt{run\_0}, l1=0.008)",
        r"adaptive weight (\texttt{run\_1})",
    ]
    assert rows[1].split(" & ")[1:] == [r"\hyperlink{evidence.2}{\ensuremath{0.6400 \pm 0.0032}}", r"-- \\"]
    assert used([table], EVIDENCE) == (1, 2, 3, 4)


def test_a_figure_says_what_drew_it():
    figure = expand(r"\evidencefigure{tradeoff.pdf}{fig:t}{A caption.}", EVIDENCE)
    assert "{figures/tradeoff.pdf}" in figure
    assert r"Drawn by \texttt{plot.py} from \texttt{evidence.json}." in figure


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (r"\result{run_1}{explained_varance}", "did you mean `explained_variance`?"),
        (r"\result{run_7}{l0}", "no run `run_7`"),
        (r"\result{adaptive_weight}{l0}", "is called `run_1` here"),
        (r"\result{run_0}{l0}", "`run_0@l1=0.004`, `run_0@l1=0.008`"),
        (r"\result{run_0@l1=0.005}{l0}", "or `run_0@l1=0.004`?"),
        (r"\result{run_1}{mean_alpha}", "has no metric `mean_alpha`"),
        (r"\measured{run_1}{explained_variance}", "has no measurement"),
        (r"\setting{run_1}{l2}", "no setting `l2`"),
        (r"\setting{run_0}{l1}", "differs between the points"),
        (r"\count{failures}", "no count `failures`"),
        (r"\statement{H9}", "no hypothesis `H9`"),
        (r"\outcome{H9}", "no verdict on `H9`"),
        (r"\result{run_1} and more", "takes 2 arguments"),
        (r"\result{run_1}{l0}{extra}", "takes 2 arguments"),
        (r"ends with \result{run_1}", "does not parse"),
        (r"\resultstable{run_0}{mean_alpha}{tab:x}{C}", "no metric `mean_alpha`"),
        (r"\resultstable{}{l0}{tab:x}{C}", "at least one run"),
        (r"\resultstable{run_0}{l0}{tab x}{C}", "is no label"),
        (r"\resultstable{run_0}{l0}{tab:x}{C \result{run_1}{x}}", "has no metric `x`"),
        (r"\evidencefigure{trade}{fig:x}{C}", "no figure `trade`"),
        (r"\footnote{\evidencefigure{tradeoff}{fig:x}{C}}", "lines of its own"),
        (r"\resulttable{run_0}{l0}{tab:x}{C}", r"did you mean `\resultstable`"),
    ],
)
def test_what_a_reference_cannot_name_is_a_problem_with_a_hint(text, says):
    assert says in messages(text)
    with pytest.raises(GroundworkError):
        expand(text, EVIDENCE)


@pytest.mark.parametrize(
    "text",
    [
        "The adaptive run explains 0.702 of the variance.",
        "It reaches $0.702 \\pm 0.003$ here.",
        "It reaches .702 here.",
        "A change of -0.007 was seen.",
        "It explains 70\\% of the variance.",
        "It explains $70\\%$ of the variance.",
        "It explains 70 percent of the variance.",
        "It is a 36.5x improvement.",
        "It is a 36$\\times$ improvement.",
        "It is a 12-fold gain.",
        "The loss is 3e-4.",
        "It explains 0.\\emph{7}02 of the variance.",
        "It explains 0{.}702 of the variance.",
        "A caption lies: \n\n\\evidencefigure{tradeoff}{fig:t}{It reaches 0.702.}",
        "A footnote.\\footnote{It reaches 0.702.}",
        "The accuracy is $\\mathrm{0.702}$.",
    ],
)
def test_a_typed_result_is_sent_back(text):
    assert "a result is never typed" in messages(text)


@pytest.mark.parametrize(
    "text",
    [
        "In 2023, SmolLM2-135M has 30 layers of width 576, and GPT-3.5 or a 1.4B model were not used.",
        "The moving maximum follows $L_{\\max} \\leftarrow \\max(L, 0.99 L_{\\max} + 0.01 L)$.",
        "\\begin{equation}\\label{eq:loss} L = 0.5\\,x^2 + \\frac{1}{2}y_1 \\quad \\text{if } x_t > 0 \\end{equation}",
        "\\begin{align} a &= b \\\\ c &= 0.5 d \\end{align}",
        "Intervals are 95\\% confidence intervals, or 95\\,\\% $t$ intervals.",
        "We use Python 3.11 and version 0.1.2, see Section~\\ref{sec:x} and \\eqref{eq:loss}.",
        "Earlier work~\\citep[see][p.~3.1]{li2020, bricken2023monosemanticity} did, as \\citet{li2020} say.",
        "The point \\texttt{l1=0.004} of the curve, at $l_1 = \\setting{run_1}{l1}$, in \\texttt{run\\_0}.",
        "\\paragraph{Data.} Text of 1,024 tokens---a ``quote'' -- with caf\\'e, naïve and R\\&D.",
        "\\begin{itemize}\\item One of $\\sum_{i=1}^{n} |f_i|_1$.\\item[b] Two.\\end{itemize}",
        "Batches hold 16 $\\times$ 128 tokens, and 64x64 patches aren't used.",
    ],
)
def test_what_is_no_result_raises_no_alarm(text):
    assert check(text, EVIDENCE, KEYS) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (r"\newcommand{\x}{1}", r"`\newcommand` is not allowed"),
        (r"\def\x{1}", r"`\def` is not allowed"),
        (r"\catcode`\%=12", r"`\catcode` is not allowed"),
        (r"\iffalse hidden \fi", r"`\iffalse` is not allowed"),
        (r"\textcolor{white}{hidden}", r"`\textcolor` is not allowed"),
        (r"\input{/etc/passwd}", r"`\input` is not allowed"),
        (r"\write18{ls}", r"`\write` is not allowed"),
        (r"\special{x}", r"`\special` is not allowed"),
        (r"\usepackage{x}", r"`\usepackage` is not allowed"),
        (r"\csname input\endcsname", r"`\csname` is not allowed"),
        (r"\hyperlink{evidence.1}{0}", r"`\hyperlink` is not allowed"),
        (r"\begin{document}x\end{document}", "the environment `document` is not allowed"),
        (r"\begin{verbatim}x\end{verbatim}", "the environment `verbatim` is not allowed"),
        (r"\verb|x|", r"`\verb` is not allowed"),
        ("^^5cinput", "`^^` is not allowed"),
        ("$x^^5c$", "`^^` is not allowed"),
        ("hidden % comment", "an unescaped `%`"),
        ("run_1 is", "a bare `_`"),
        ("x^2 is", "a bare `^`"),
        ("R&D is", "a bare `&`"),
        ("item #1 is", "a bare `#`"),
        ("an α here", "U+03B1"),
        (r"\alpha here", "belongs in a formula"),
        (r"$\emph{x}$", "does not belong in a formula"),
        (r"\item one", "outside of a list"),
        ("$a\n\nb$", "a blank line within a formula"),
        ("\\emph{a\n\nb}", "a blank line within `\\emph`"),
        ("\\evidencefigure{tradeoff}{fig:x}{a\n\nb}", "a blank line within a caption"),
        ("a { b", "does not parse"),
        ("a } b", "does not parse"),
        ("a $ b", "does not parse"),
        (r"\begin{itemize}\item a\end{enumerate}", "does not parse"),
        (r"\begin{itemize}\item a", "does not parse"),
        (r"\citep{i2020}", "no citation key `i2020`; did you mean `li2020`?"),
        (r"\citep{Li2020}", "no citation key `Li2020`"),
        (r"\citep{li2020,}", "no citation key ``"),
        (r"\label{a} \label{a}", "`a` is there twice"),
        ("  \n", "the section is empty"),
    ],
)
def test_latex_off_the_list_or_broken_is_sent_back(text, says):
    assert says in messages(text)


def test_a_problem_has_its_line_and_its_sentence_as_it_stands():
    text = "First sentence.\n\nA second, e.g. one that\nreaches 0.702 here. A third one.\n"
    (problem,) = check(text, EVIDENCE, KEYS)
    assert problem.line == 4
    assert problem.quote == "A second, e.g. one that\nreaches 0.702 here."
    assert problem.quote in text


def test_citation_keys_are_exact_and_in_order():
    assert citation_keys(r"\citep{oli2020a, li2020} \citet[p.~3]{li2020} \citep{a}") == ("oli2020a", "li2020", "a")
    assert "li2020" not in citation_keys(r"\citep{oli2020a}")


def test_labels_are_checked_across_sections():
    sections = {
        "method": r"\begin{equation}\label{eq:a} x \end{equation} See Table~\ref{tab:main}.",
        "results": r"\resultstable{run_0}{l0}{tab:main}{C}" "\n\n" r"By \eqref{eq:b}. \label{eq:a}",
    }
    said = [problem.message for problem in check_labels(sections)]
    assert any("results: no label `eq:b`; did you mean" in one for one in said)
    assert any(one == "method: another section has the label `eq:a`" for one in said)
    assert not any("tab:main" in one and "no label" in one.split(";")[0] for one in said)


def test_find_returns_the_entry_and_keeps_measurements_apart():
    assert find(EVIDENCE, "run_1", "mean_alpha", self_reported=True).value == 0.5301
    assert find(EVIDENCE, "run_0@l1=0.008", "explained_variance").value == 0.64
    with pytest.raises(UnknownReference):
        find(EVIDENCE, "run_1", "mean_alpha")


def test_plain_notes_are_searched_for_typed_results():
    assert typed_result("It reached 0.71 on dev.") == "0.71"
    assert typed_result("It explains 70 % of it.") == "70 %"
    assert typed_result("run_2.1 was rejected in 2026 after 200 steps with 5 seeds.") == ""


def test_the_description_names_everything_that_can_be_referred_to():
    text = describe(EVIDENCE)
    for name in ("run_0@l1=0.004", "run_1 (adaptive_weight)", "mean_alpha 0.530 +- 0.012", "lr=1e-05", "tradeoff"):
        assert name in text
    assert "graded: explained_variance 0.684 +- 0.010" in text


def test_a_statement_needs_no_declared_metric():
    hypothesis = Hypothesis(id="H1", metric="dead_features", direction="higher", arm="a", reference="b")
    assert statement(hypothesis, ()) == "the a run has a higher dead features than the b run"
