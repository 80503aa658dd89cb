"""Text tables that fit the terminal (layout): no line is too long, no text and no row is lost."""

from __future__ import annotations

import pytest
import wcwidth
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.tables.layout import columns_in_blocks, filled, listing

WORDS = st.text(st.sampled_from("ab7中é"), min_size=1, max_size=12)
TEXTS = st.lists(WORDS, min_size=0, max_size=6).map(" ".join)


def tables(columns):
    rows = st.lists(st.tuples(*[TEXTS] * columns).map(list), min_size=1, max_size=4)
    return st.tuples(st.lists(TEXTS, min_size=columns, max_size=columns), rows)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 9).flatmap(tables), st.integers(40, 120))
def test_no_line_is_longer_than_the_terminal_and_every_word_is_there(table, width):
    headers, rows = table
    for text in ("\n".join(columns_in_blocks(headers, rows, width)), listing(headers, rows, 120)):
        letters = {letter: text.count(letter) for letter in "ab7中é"}
        for letter, found in letters.items():
            assert found >= sum(cell.count(letter) for row in [headers, *rows] for cell in row)
    for block in columns_in_blocks(headers, rows, width):
        assert max(map(wcwidth.width, block.splitlines())) <= width


def test_blocks_begin_with_the_names_and_hold_every_column_once():
    headers = ["Set", "Model", *[f"measure{number}" for number in range(8)]]
    row = ["s", "m", *[f"0.{number}234(1)" for number in range(8)]]
    blocks = columns_in_blocks(headers, [row], 60, names=2)
    assert len(blocks) == 3
    for block in blocks:
        header, _, cells = block.splitlines()
        assert header.split()[:2] == ["Set", "Model"]
        assert cells.split()[:2] == ["s", "m"]
    shown = [cell for block in blocks for cell in block.splitlines()[2].split()[2:]]
    assert shown == row[2:]


def test_a_table_that_fits_is_one_block_as_without_a_limit():
    headers, rows = ["Model", "KL"], [["AA-kNN", "0.1"]]
    assert columns_in_blocks(headers, rows, 60) == columns_in_blocks(headers, rows)


def test_long_texts_take_several_lines_before_columns_go_into_another_block():
    text = "a sentence of many words that can be broken anywhere between them"
    (block,) = columns_in_blocks(["No", "Claim", "Verdict"], [["1", text, "holds"]], 60)
    assert len(block.splitlines()) > 3
    assert "holds" in block


@pytest.mark.parametrize("names", [["表情分布学习", "plain"], ["e\u0301\u0301", "👩‍🔬"]])
def test_columns_stand_below_each_other_whatever_the_width_of_characters(names):
    table = listing(["Model", "KL"], [[name, "0.5"] for name in names])
    ends = {wcwidth.width(line.removesuffix("0.5")) for line in table.splitlines()[2:]}
    assert len(ends) == 1


def test_sentences_are_broken_between_words():
    text = filled(["one two " * 10, "short"], 40)
    assert [len(line) <= 40 for line in text.splitlines()] == [True] * 3
    assert filled(["as it is " * 30]) == "as it is " * 30
