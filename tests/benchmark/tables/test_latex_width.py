"""Widths in print: an upper bound of what the fonts say, and columns that fit the page."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font

from benchmark.tables.latex_width import (
    COLUMN,
    PAGE,
    SIZE,
    header_lines,
    lay_out,
    lines_of,
    pieces,
    width,
)


@pytest.mark.parametrize("font", ["cmr10", "STIXGeneral"])
def test_no_text_is_wider_in_the_fonts_of_papers(font):
    """Against the metrics of Computer Modern and of a Times, as matplotlib brings them."""
    measured = FT2Font(f"{get_data_path()}/fonts/ttf/{font}.ttf")
    measured.set_size(100 * SIZE, 72)  # so large that whole pixels do not matter
    for text in ("0.2541(13)", "PT-Bayes (tuned)", "WWW", "mmm", "Canber", "aa,bb:cc;iii"):
        measured.set_text(text)
        found = measured.get_width_height()[0] / 6400
        assert found <= width(text) <= 1.35 * found + 1


def test_signs_have_widths_of_their_own():
    assert width("0.2541(13)†≈") - width("0.2541(13)") < 2 * SIZE
    assert width("Bézier") == width("Bezier")
    assert width("中文") == 2 * SIZE
    assert width("αβ") == 2 * SIZE
    assert width("é", bold=True) > width("é")
    # By its code in angle brackets.
    assert width("Я") > 4 * width("R")


@given(st.text("ab_-. 中W", min_size=1, max_size=60), st.floats(30, 200))
def test_lines_are_no_wider_than_the_limit_and_lose_nothing(text, limit):
    lines = lines_of(text, limit)
    assert all(width(line, bold=True) <= limit for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all("".join(pieces(word, limit)) == word for word in text.split(" "))


def test_headers_take_few_lines_and_keep_their_arrows():
    assert header_lines("KLdiv ↓", 40) == ["KLdiv ↓"]
    assert header_lines("Tie-aware acc. % ↑", 40) == ["Tie-aware", "acc. % ↑"]
    assert header_lines("Mean rank", 20) == ["Mean", "rank"]
    assert len(header_lines("one two three four five six", 5)) <= 3


@settings(max_examples=200)
@given(
    st.lists(st.floats(10, 120), min_size=2, max_size=60),
    st.integers(1, 2),
    st.sampled_from([1, 2]),
)
def test_every_column_is_in_one_block_and_all_fit_the_page(widths, names, columns):
    layout = lay_out(widths, [False] * len(widths), names, columns)
    found = [column for block in layout.blocks for column in block]
    assert found == list(range(names, len(widths)))
    assert layout.needed <= PAGE[columns]
    assert layout.wide or layout.needed <= COLUMN[columns]
    assert len({len(block) for block in layout.blocks[:-1]}) <= 1


def test_a_table_goes_over_the_page_only_where_a_column_is_too_narrow():
    assert not lay_out([60.0, 40.0, 40.0], [True] * 3, 1, 2).wide
    assert lay_out([60.0, *[40.0] * 6], [True] * 7, 1, 2).wide
    # In a paper of one column there is nothing wider.
    assert not lay_out([60.0, *[40.0] * 6], [True] * 7, 1, 1).wide
    two = lay_out([60.0, *[50.0] * 10], [True] + [False] * 10, 1, 1)
    assert [len(block) for block in two.blocks] == [5, 5]


def test_long_names_and_texts_take_several_lines():
    names = lay_out([900.0, *[40.0] * 6], [True] + [False] * 6, 1, 2)
    assert names.blocks == [[1, 2, 3, 4, 5, 6]]
    assert names.paragraphs[0] <= 0.4 * PAGE[2]
    listing = lay_out([80.0, 2000.0], [True, True], 2, 2)
    assert listing.needed <= PAGE[2]
    assert list(listing.paragraphs) == [1]
