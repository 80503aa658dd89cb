"""What all figures share: styles, names that are cut, and values that are far out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from benchmark.figures.base import far_out, model_style, plain, shortened, styled, written


def test_styles_tell_models_apart():
    names = [f"m{i}" for i in range(77)]
    styles = [tuple(model_style(names, name).values()) for name in names]
    assert len(set(styles)) == 77
    assert len({style[1:] for style in styles[:44]}) == 44


def test_far_out_is_beyond_the_outer_fences():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 100.0, -60.0])
    low, high = np.percentile(values, 25), np.percentile(values, 75)
    expected = [v < low - 3 * (high - low) or v > high + 3 * (high - low) for v in values]
    assert list(far_out(values, values)) == expected
    assert expected == [False] * 5 + [True] * 2


def test_few_or_equal_values_are_not_far_out():
    assert not far_out(np.array([0.0, 0.0, 9.0]), np.array([0.0, 0.0, 9.0])).any()
    values = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.1])
    assert not far_out(values, values).any()


def test_texts_are_shown_as_they_are():
    assert plain("$x_1$\n\t汉") == r"\$x_1\$\n\t汉"


def test_shortened_names_are_short_and_stay_different():
    names = ["a" * 50, "a" * 51, "a" * 20 + "b" * 30, "short", "a\nb", "a\\nb", "\x00" * 30]
    short = shortened([*names, *names], 11)
    assert short[:7] == short[7:]
    assert len(set(short)) == 7
    assert max(map(len, short)) <= 11
    assert short[3] == "short"
    assert short[0] == "aaaaa…aaaaa"


@given(
    st.lists(st.text("aé中\n\0\u200b$\\\\n…#2", min_size=1, max_size=14), unique=True, max_size=8)
)
def test_different_names_stay_different_when_cut(names):
    short = shortened(names, 8)
    assert len(set(short)) == len(names)
    for name in ("a" * 50, "a" * 51, *short):
        assert len(set(shortened([*names, name], 8))) == len({*names, name})


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(Text)]


@pytest.mark.slow
def test_what_no_font_has_is_written_by_its_code_where_texts_are_drawn():
    """Letters of a script that no usual font has; a file with texts keeps them."""
    names = [
        "\U00012000\U00012001",
        "\U00012001\U00012000",
        "\U00012000" * 9,
        "\U00012000" * 10,
        "a",
    ]

    @styled
    def draw():
        figure = Figure()
        panel = figure.subplots()
        panel.set_yticks(range(5), names)
        panel.set_title(names[0])
        return figure

    figure, seen = draw(), {}
    for kind in ("svg", "pdf", "svg"):
        original = figure.savefig

        def spy(*args, original=original, kind=kind, **more):
            seen[kind] = [label.get_text() for label in figure.axes[0].get_yticklabels()]
            return original(*args, **more)

        figure.savefig = spy
        content = written(figure, kind)
        figure.savefig = original
        assert (names[1].encode() in content) == (kind == "svg")
    assert seen["svg"] == names
    assert seen["pdf"][:2] == ["⟨12000⟩⟨12001⟩", "⟨12001⟩⟨12000⟩"]
    assert len(set(seen["pdf"])) == 5
    assert max(map(len, seen["pdf"])) <= 32
    assert names[0] in texts_of(figure)
