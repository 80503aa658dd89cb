"""Pages that code and results write (`docs/pages.py`), and the check of links (`docs/links.py`)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmark.plugins.parameters import default_params
from benchmark.plugins.registry import models
from benchmark.reference.contents import INCLUDED

DOCS = Path(__file__).resolve().parents[2] / "docs"

pytest.importorskip("numpydoc", reason="the site is built with the extra docs")


@pytest.fixture(scope="module")
def site():
    """The modules of docs/."""
    sys.path.insert(0, str(DOCS))
    import links
    import pages

    yield pages, links
    sys.path.remove(str(DOCS))


BUILT_IN = [entry for entry in models().values() if not entry.source]


def test_every_method_has_a_page_with_each_setting_told_and_equations(site):
    pages, _ = site
    for entry in BUILT_IN:
        page = pages.method_page(entry)
        rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \| (.*) \|$", page, re.MULTILINE)
        told = {name: meaning for name, _, meaning in rows}
        assert list(told) == list(default_params(entry.load())), entry.name
        assert all(told.values()), (entry.name, told)
        assert "$$" in page


def test_scores_and_ranks_of_a_page_are_those_of_the_reference_results(site):
    pages, _ = site
    scores = pd.read_parquet(INCLUDED / "scores.parquet")
    own = scores[(scores["dataset"] == "SJAFFE") & (scores["model"] == "AA-kNN")]
    page = pages.method_page(next(entry for entry in BUILT_IN if entry.name == "AA-kNN"))
    row = next(line for line in page.splitlines() if line.startswith("| SJAFFE"))
    assert f"| {own['kl_divergence'].mean():.3g} |" in row
    cells = pd.read_csv(INCLUDED / "cells.csv")
    complete = cells[(cells["dataset"] == "SJAFFE") & (cells["state"] == "complete")]["model"]
    means = scores[scores["dataset"] == "SJAFFE"].groupby("model")["kl_divergence"].mean()
    rivals = means[means.index.isin(set(complete) - {"mean distribution", "uniform"})]
    better = int((rivals < means["AA-kNN"]).sum())
    assert row.split("|")[3].strip() == str(better + 1)


def test_every_command_is_on_the_page_of_the_command_line(site):
    from benchmark.cli import main

    text = site[0].cli_page()
    for name, command in main.commands.items():
        assert (f"\n## {name}\n" in text) is not command.hidden


def test_links_that_lead_nowhere_are_found(site, tmp_path):
    _, links = site
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="b.html#there">x</a><a href="#gone">y</a><a href="no.html">z</a>'
        '<a href="https://example.org">w</a><script src="https://example.org/x.js"></script>'
    )
    (tmp_path / "b.html").write_text('<p id="there">')
    assert links.broken_links(tmp_path) == [
        "a.html: #gone: the page has no such place",
        "a.html: no.html: there is no such file",
    ]
    assert len(links.outside(tmp_path)) == 1


def test_links_to_files_that_the_site_shows_lead_to_its_pages(site):
    pages, _ = site
    text = "[a](../results/leaderboard/leaderboard.md#x), [b](own_data.md), [c](https://a.b)"
    assert pages.links_of_site(text, DOCS) == (
        "[a](/reference/leaderboard.md#x), [b](own_data.md), [c](https://a.b)"
    )
