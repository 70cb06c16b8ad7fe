import re
import subprocess

import pytest

from orchestrator.backends.executor import LocalExecutor
from orchestrator.backends.latex import INSTALL, LIMITS, Latexmk
from orchestrator.backends.sandbox import probe
from orchestrator.errors import TypesettingFailed
from orchestrator.evidence import vocabulary
from orchestrator.evidence.references import check, check_labels, citation_keys, expand, used
from orchestrator.evidence.syntax import FONTS
from orchestrator.paper.bib import Library
from orchestrator.paper.tex import Outcome, Paper, Part, complaints, render
from orchestrator.records import Evidence, EvidenceEntry, Figure, MetricSpec
from tests.conftest import ROOT, missing

TEMPLATE = ROOT / "latex_template"
PLAIN = r"\documentclass{article}\begin{document}Some words.\end{document}"
METRICS = ("explained_variance", "mse", "l0", "temporal_consistency")

BIB = r"""
@inproceedings{bricken2023, author = {Bricken, Trenton and Templeton, Adly and Batson, Joshua},
  title = {Towards {M}onosemanticity}, booktitle = {Transformer Circuits}, year = {2023},
  url = {https://example.org/2023/monosemantic-features/a_long_path/index.html}, annote = {Trains SAEs.}}
@article{wiskott2002, author = {Wiskott, Laurenz and Šejnowski, Émile}, title = {Slow feature analysis},
  journal = {Neural Computation}, year = {2002}}
"""

STROKES = b"1 w 30 20 m 30 140 l 230 20 m 30 20 l S 30 40 m 90 95 l 210 120 l S"
FIGURE = b"""%%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 240 150]/Contents 4 0 R/Resources<<>>>>endobj
4 0 obj<</Length %d>>stream
%s
endstream endobj
trailer<</Root 1 0 R>>
""" % (len(STROKES), STROKES)

SECTIONS = {
    "Introduction": r"""
A sparse autoencoder encodes each token separately~\citep{bricken2023}, so nothing in its objective ties the features
of neighbouring tokens together. \citet{wiskott2002} prefer features that vary slowly. Here such a preference is tried
with a weight that follows the reconstruction loss, and nothing more is asked than whether it changes what it is meant
to change, at one scale, on one small model. The hypothesis is that \statement{H1}.
""",
    "Related work": r"""
Slowness is an old idea~\citep{wiskott2002}. It has been used with sparse codes before, and nothing about the
combination is new here \citep[see][for the autoencoders]{bricken2023}.
""",
    "Method": r"""
The loss of a sequence is
\begin{equation}\label{eq:loss}
  L = L_{\mathrm{recon}} + \lambda_1 \lVert f_t \rVert_1 + \lambda_2\, \alpha\, \lVert f_t - f_{t-1} \rVert_1, \qquad
  \alpha = \sigma\bigl(\beta (L_{\max} - L_{\mathrm{recon}})\bigr),
\end{equation}
where $L_{\max} \leftarrow \max(L, 0.99\,L_{\max} + 0.01\,L)$ carries no gradient. With $\alpha$ fixed, \eqref{eq:loss}
is a plain slowness penalty.
\paragraph{Controls.} Two controls are run:
\begin{itemize}
\item the weight fixed at one, and
\item the weight fixed at the mean that the adaptive run reported, \measured{run_1}{mean_alpha}.
\end{itemize}
""",
    "Experimental setup": r"""
We train \count{seeds} seeds for \setting{run_1}{steps} steps at $\lambda_1 = \setting{run_1}{l1}$ with a learning rate
of \setting{run_1}{lr} and the activation \setting{run_1}{activation}. The grader decodes on its own.
""",
    "Results": r"""
Table~\ref{tab:main} has every run, Figures~\ref{fig:tradeoff} and~\ref{fig:consistency} show the same values. The
adaptive run has an explained variance of \result{run_1}{explained_variance} at $L_0 = \result{run_1}{l0}$, with
$\beta = \setting{run_1}{activation}$ and $\bar\alpha = \measured{run_1}{mean_alpha}$.

\resultstable{run_0,run_1,run_2}{explained_variance,mse,l0,temporal_consistency}{tab:main}{Every run at its own $L_0$,
with \count{seeds} seeds. Rows at different $L_0$ can't be read against one another.}

The baseline is a curve, of which the point \texttt{l1=0.004} has \result{run_0@l1=0.004}{l0} active features.

\evidencefigure{tradeoff}{fig:tradeoff}{Explained variance against $L_0$; the curve is the baseline.}

Of \count{attempts} attempts, \count{rejected} were rejected: a crash, and an edit that changed nothing.

\evidencefigure{consistency}{fig:consistency}{Temporal consistency against $L_0$, lower is steadier;
\texttt{run\_1} has \result{run_1}{l0}.}
""",
    "Conclusion": r"""
Other models, layers and longer training are untested, and interpretability was not measured.
""",
}


@pytest.fixture(scope="module")
def latexmk():
    typesetter = Latexmk(LocalExecutor(probe().level))
    if typesetter.missing():
        missing(f"no TeX here: {typesetter.missing()}")
    return typesetter


def entries():
    conditions = [("run_0", f"l1={weight}") for weight in ("0.004", "0.006", "0.009")]
    for index, (run, condition) in enumerate([*conditions, ("run_1", "main"), ("run_2", "main")]):
        for metric, value in zip((*METRICS, "mean_alpha"), (0.7021, 0.000312, 54.31, 0.8123, 0.53), strict=True):
            reported = metric == "mean_alpha"
            value = value * (1 - index / 20)
            yield EvidenceEntry(
                id=f"{run}@{condition}/{metric}",
                value=value,
                interval=(value * 0.99, value * 1.01),
                run=run,
                condition=condition,
                metric=metric,
                split="self-reported" if reported else "test",
                seeds=(1804289383, 846930886, 1681692777, 1714636915, 1957747793),
                per_seed=(value,) * 5,
                file=f"{run}/test_info.json",
                key=f"{condition}/{'self_reported' if reported else 'final_info_dict'}/{metric}",
                sha256="0123456789abcdef" * 4,
                computed_by="experiment.py" if reported else "grader",
            )


def study() -> Evidence:
    settings = {"l1": 0.004, "lr": 1e-05, "steps": 200, "activation": "relu"}
    return Evidence(
        entries=tuple(entries()),
        runs={"run_0": "baseline", "run_1": "adaptive", "run_2": "fixed_at_mean_alpha"},
        settings={"run_1": {"main": settings}, "run_2": {"main": settings}},
        counts={"runs": 3, "attempts": 5, "rejected": 2, "seeds": 5},
        hypotheses=(
            {
                "id": "H1",
                "metric": "temporal_consistency",
                "direction": "lower",
                "arm": "adaptive",
                "reference": "baseline",
                "match": "l0",
            },
        ),
        metrics=tuple(
            MetricSpec(name=name, words=f"{name.replace('_', ' ')} as the grader computes it", direction=way, unit=unit)
            for name, way, unit in zip(
                METRICS, ("higher", "lower", "none", "lower"), ("", "", "features", ""), strict=True
            )
        ),
        figures=tuple(
            Figure(name=name, pdf=f"figures/{name}.pdf", png=f"figures/{name}.png")
            for name in ("tradeoff", "consistency")
        ),
    )


def sample(folder, figure=FIGURE):
    """Write a whole paper into a folder, as the pipeline does."""
    evidence = study()
    (folder / "library.bib").write_text(BIB, encoding="utf-8")
    library = Library.read(folder / "library.bib")
    assert [p for text in SECTIONS.values() for p in check(text, evidence, library.keys)] == []
    assert check_labels(SECTIONS) == ()
    expanded = {heading: expand(text, evidence) for heading, text in SECTIONS.items()}
    keys = {key for text in SECTIONS.values() for key in citation_keys(text)}
    paper = Paper(
        title="A temporal penalty whose weight follows the loss",
        provenance="Scripted answers: plan, edits and prose were written in advance; the experiments are real.",
        abstract="We ask what a penalty on the change of features does. " * 9,
        parts=tuple(Part(heading, text) for heading, text in expanded.items()),
        hypotheses=(
            Outcome("H1", "the adaptive run has a lower temporal consistency than the baseline", "not assessed"),
        ),
        used=used(expanded.values(), evidence),
        bibliography="references",
    )
    (folder / "figures").mkdir()
    for drawn in evidence.figures:
        (folder / drawn.pdf).write_bytes(figure)
    (folder / "references.bib").write_text(library.select(keys))
    (folder / "paper.tex").write_text(render(paper, evidence, TEMPLATE))
    return folder


@pytest.fixture(scope="module")
def typeset(latexmk, tmp_path_factory):
    folder = sample(tmp_path_factory.mktemp("paper"))
    return latexmk.typeset(folder, "paper.tex")


def printed(*command) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_whole_paper_has_nothing_that_a_reader_would_stumble_over(typeset):
    assert complaints(typeset.with_suffix(".log").read_text(errors="replace")) == ()
    text = printed("pdftotext", "-layout", typeset, "-")
    assert "??" not in text
    assert all(len(page.split()) > 30 for page in text.split("\f")[:-1])
    for words in (
        "How this paper was made.",
        "Bricken et al., 2023",
        "0.7021 ± 0.0070",
        "(3.120 ± 0.031) × 10",
        "A Evidence",
    ):
        assert words in " ".join(text.split())


def test_its_fonts_are_outlines_and_embedded(typeset):
    fonts = printed("pdffonts", typeset).splitlines()[2:]
    assert len(fonts) > 5
    assert not [line for line in fonts if "Type 3" in line or not re.search(r"\byes +(yes|no) +(yes|no)\b", line)]


def test_every_value_links_to_its_row(typeset):
    source = typeset.with_suffix(".tex").read_text()
    links, targets = (set(re.findall(rf"\\{name}{{evidence\.(\d+)}}", source)) for name in ("hyperlink", "hypertarget"))
    assert links == targets
    assert len(links) == 21


def test_the_same_sources_make_the_same_bytes(latexmk, typeset, tmp_path):
    again = latexmk.typeset(sample(tmp_path), "paper.tex")
    assert again.read_bytes() == typeset.read_bytes()


def test_a_paper_without_citations_compiles(latexmk, tmp_path):
    (tmp_path / "plain.tex").write_text(PLAIN)
    assert latexmk.typeset(tmp_path, "plain.tex").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("One.\n\\undefinedthing{x} two.", r"paper\.tex:3: Undefined control sequence\. \(at: \\undefinedthing\)"),
        ("A $x here.\n\nNext.", r"paper\.tex:3: Missing \$ inserted"),
        ("\\includegraphics{figures/absent}", r"paper\.tex:2: .*figures/absent"),
        ("\\usepackage{x}", r"paper\.tex:2: LaTeX Error: Can be used only in preamble"),
        ("\\input{/etc/passwd}", r"paper\.tex:2: .*/etc/passwd"),
    ],
)
def test_a_failure_is_one_line_with_file_and_line(latexmk, tmp_path, body, says):
    text = "\\documentclass{article}\\usepackage{graphicx}\\begin{document}\n" + body + "\n\\end{document}"
    (tmp_path / "paper.tex").write_text(text)
    (tmp_path / "paper.pdf").write_bytes(b"an older one")
    with pytest.raises(TypesettingFailed, match=says) as failure:
        latexmk.typeset(tmp_path, "paper.tex")
    assert "\n" not in str(failure.value)
    assert not (tmp_path / "paper.pdf").exists()


def test_a_broken_bibliography_is_named(latexmk, tmp_path):
    body = r"\cite{a}\bibliographystyle{plain}\bibliography{references}"
    (tmp_path / "paper.tex").write_text(PLAIN.replace("Some words.", body))
    (tmp_path / "references.bib").write_text("@article{a,\n title = {T}\n author = {B}}\n")
    with pytest.raises(TypesettingFailed, match=r"references\.bib:3: "):
        latexmk.typeset(tmp_path, "paper.tex")


def test_shell_escape_is_off(latexmk, tmp_path):
    body = r"\immediate\write18{touch escaped}Words."
    (tmp_path / "paper.tex").write_text(PLAIN.replace("Some words.", body))
    latexmk.typeset(tmp_path, "paper.tex")
    assert not (tmp_path / "escaped").exists()


def test_an_endless_document_is_ended(latexmk, tmp_path):
    hasty = Latexmk(LocalExecutor(probe().level), LIMITS.model_copy(update={"timeout_s": 1.5}))
    (tmp_path / "paper.tex").write_text(PLAIN.replace("Some words.", r"\loop\iftrue\repeat"))
    with pytest.raises(TypesettingFailed, match=r"paper\.tex: latexmk was ended: timeout"):
        hasty.typeset(tmp_path, "paper.tex")


def test_what_is_missing_is_told_by_the_command_that_installs_it(latexmk, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert latexmk.missing() == INSTALL
    assert INSTALL.startswith("apt-get install ")


def test_every_allowed_command_and_character_compiles(latexmk, tmp_path):
    """What `check` lets through, TeX must know: an allow-list that names more would break papers."""
    context = vocabulary.latex_context()
    skipped = {
        "\\",
        "left",
        "right",
        "limits",
        "nolimits",
        "label",
        "eqref",
        "ref",
        "autoref",
        "item",
        "notag",
        "nonumber",
    }
    lines = []
    for name in sorted((vocabulary.TEXT | vocabulary.BOTH | vocabulary.MATH) - skipped):
        specification = context.get_macro_spec(name).args_parser.argspec
        arguments = "".join("[x]" if one == "[" else "{x}" for one in specification) or (
            "(" if name[:1] in "bB" and name.rstrip("lr").lower() in ("big", "bigg") else " "
        )
        shown = f"\\{name}{arguments}"
        lines.append(f"${shown}$" if name in vocabulary.MATH else shown)
    for name in sorted(vocabulary.MATH_ENVIRONMENTS):
        block = f"\\begin{{{name}}} x \\end{{{name}}}"
        inline = name in {"aligned", "gathered", "split", "cases"} or name.endswith("matrix")
        lines.append(f"\\[ {block} \\]" if inline else block)
    lines += [f"\\begin{{{name}}}\\item x\\end{{{name}}}" for name in sorted(vocabulary.LISTS)]
    lines += [chr(code) for code in range(0xA0, 0x2100) if FONTS.match(chr(code))]
    empty = Evidence(entries=(), runs={}, settings={}, counts={}, hypotheses=(), metrics=())
    paper = Paper(
        title="T", provenance="P", abstract="A", parts=(Part("All", "\n\n".join(lines)),), hypotheses=(), used=()
    )
    (tmp_path / "paper.tex").write_text(render(paper, empty, TEMPLATE))
    assert latexmk.typeset(tmp_path, "paper.tex").stat().st_size > 10_000
