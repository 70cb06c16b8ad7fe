"""The LaTeX that a section may be written in: an allow-list of commands and environments, for pylatexenc."""

from __future__ import annotations

import functools

from pylatexenc.macrospec import EnvironmentSpec, LatexContextDb, MacroSpec, MacroStandardArgsParser, SpecialsSpec


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# References that code expands from the evidence, with the number of their arguments.
REFERENCES = {
    "result": 2,
    "setting": 2,
    "measured": 2,
    "count": 1,
    "statement": 1,
    "outcome": 1,
    "detectable": 1,
    "change": 3,
    "finding": 3,
    "resultstable": 4,
    "evidencefigure": 3,
}
FLOATS = frozenset({"resultstable", "evidencefigure"})
FONTS = frozenset({"emph", "textbf", "textit", "textsc", "texttt"})
CITATIONS = frozenset({"cite", "citep", "citet", "citealp", "citealt", "citeauthor", "citeyear"})
POINTERS = frozenset({"ref", "eqref", "autoref"})

TEXT = _names(
    "emph textbf textit textsc texttt footnote paragraph subsection subsubsection item ref autoref "
    "' ` ^ \" = . c v u H r k ~ ss o O oe OE ae AE aa AA l L i j "
    "LaTeX TeX textendash textemdash textquotedblleft textquotedblright S"
)
BOTH = _names(r"\ % & _ # $ { } , ; : ! quad qquad ldots dots label eqref -") | {" ", "\n"}
MATH = _names(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho "
    "sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega "
    "ell hbar infty partial nabla forall exists emptyset varnothing Re Im top bot prime aleph "
    "pm mp times div cdot ast star circ bullet oplus ominus otimes odot dagger cup cap setminus wedge vee "
    "leq geq le ge neq ne ll gg approx sim simeq equiv cong propto mid nmid parallel perp in notin ni subset subseteq "
    "supset supseteq prec succ models vdash "
    "to gets mapsto leftarrow rightarrow Leftarrow Rightarrow leftrightarrow Leftrightarrow iff implies uparrow "
    "downarrow longrightarrow hookrightarrow "
    "sum prod int oint bigcup bigcap bigoplus lim limsup liminf max min sup inf argmax argmin arg log ln exp sin cos "
    "tan tanh sinh cosh det dim ker Pr gcd deg "
    "frac dfrac tfrac sqrt binom hat bar tilde vec dot ddot overline underline widehat widetilde underbrace overbrace "
    "overset underset stackrel substack limits nolimits "
    "mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak boldsymbol operatorname text textrm "
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr langle rangle lvert rvert lVert rVert lfloor rfloor "
    "lceil rceil vert Vert | cdots vdots ddots colon nonumber notag displaystyle textstyle"
) | {"\\"}
MATH_ENVIRONMENTS = _names(
    "equation equation* align align* gather gather* multline multline* aligned gathered split cases matrix pmatrix "
    "bmatrix vmatrix"
)
TEXT_ENVIRONMENTS = _names("itemize enumerate description quote")
TEXT_IN_MATH = frozenset({"text", "textrm"})
LISTS = _names("itemize enumerate description")

_ARGUMENTS = {
    "{": "emph textbf textit textsc texttt footnote paragraph subsection subsubsection ref autoref eqref label "
    "' ` ^ \" = . c v u H r k ~ sqrt hat bar tilde vec dot ddot overline underline widehat widetilde underbrace "
    "overbrace substack mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak boldsymbol operatorname",
    "{{": "frac dfrac tfrac binom overset underset stackrel",
    "[": "item",
    "[{": "sqrt",
    "*[": "\\",
}


@functools.cache
def latex_context() -> LatexContextDb:
    """Return the commands that a section may use; all others parse as commands without arguments."""
    macros = {name: MacroSpec(name, "") for name in TEXT | BOTH | MATH}
    macros |= {name: MacroSpec(name, spec) for spec, names in _ARGUMENTS.items() for name in names.split()}
    macros |= {name: MacroSpec(name, "{" * count) for name, count in REFERENCES.items()}
    macros |= {name: MacroSpec(name, "*[[{") for name in CITATIONS}
    macros |= {name: MacroSpec(name, MacroStandardArgsParser("{", args_math_mode=[False])) for name in TEXT_IN_MATH}
    environments = [EnvironmentSpec(name, "", is_math_mode=True) for name in MATH_ENVIRONMENTS]
    environments += [EnvironmentSpec(name, "") for name in TEXT_ENVIRONMENTS]
    context = LatexContextDb()
    context.add_context_category(
        "section",
        macros=list(macros.values()),
        environments=environments,
        specials=[SpecialsSpec("&"), SpecialsSpec("~")],
    )
    context.set_unknown_macro_spec(MacroSpec("", ""))
    context.set_unknown_environment_spec(EnvironmentSpec("", ""))
    return context
