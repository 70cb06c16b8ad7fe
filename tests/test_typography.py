import pytest

from orchestrator.typography import breakable, escape, plain_interval, tex_interval, tex_scalar


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [
        (0.70213, 0.0032, "0.7021 +- 0.0032"),
        (0.70213, 0.00996, "0.702 +- 0.010"),
        (0.9996, 0.0996, "1.00 +- 0.10"),
        (54.31, 1.26, "54.3 +- 1.3"),
        (543.1, 12.6, "543 +- 13"),
        (543.1, 126.0, "540 +- 130"),
        (-0.007, 0.0011, "-0.0070 +- 0.0011"),
        (0.0, 0.5, "0.00 +- 0.50"),
        (0.5, 0.0, "0.5000 +- 0"),
        (0.70213, None, "0.7021"),
        (0.0, None, "0.000"),
        (1234.567, None, "1235"),
        (3.12e-4, 3.1e-6, "(3.120 +- 0.031)e-4"),
        (2.5e-7, None, "2.500e-7"),
        (1.5e9, 2e7, "(1.500 +- 0.020)e9"),
    ],
)
def test_a_half_width_keeps_two_digits_and_the_value_ends_where_it_does(value, half, shown):
    assert plain_interval(value, half) == shown


def test_for_tex_a_value_works_in_text_and_in_formulas():
    assert tex_interval(0.70213, 0.0032) == r"\ensuremath{0.7021 \pm 0.0032}"
    assert tex_interval(3.12e-4, 3.1e-6) == r"\ensuremath{(3.120 \pm 0.031) \times 10^{-4}}"
    assert tex_interval(2.5e-7, None) == r"\ensuremath{2.500 \times 10^{-7}}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (200, r"\ensuremath{200}"),
        (0.004, r"\ensuremath{0.004}"),
        (1e-05, r"\ensuremath{1 \times 10^{-5}}"),
        (True, r"\mbox{true}"),
        ("a_b", r"\mbox{a\_b}"),
    ],
)
def test_a_setting_prints_as_it_was_recorded(value, shown):
    assert tex_scalar(value) == shown


def test_plain_text_prints_as_it_stands():
    assert escape("50% of $x_1 & {#2}^~\\") == (
        r"50\% of \$x\_1 \& \{\#2\}\textasciicircum{}\textasciitilde{}\textbackslash{}"
    )
    assert breakable("run_0/a.json") == r"run\_\allowbreak{}0/\allowbreak{}a.json"
