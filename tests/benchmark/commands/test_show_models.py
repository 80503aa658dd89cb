"""What ``models`` and ``models --all`` list."""

from __future__ import annotations

import re

import pytest

from baselines import AAKNN, LDLEstimator
from benchmark.commands.show_models import about, short
from benchmark.plugins.registry import Entry, models

BUILT_IN = [entry for entry in models().values() if not entry.source]


@pytest.mark.parametrize("entry", BUILT_IN, ids=lambda entry: entry.name)
def test_a_model_of_ours_says_who_published_it_and_when(entry):
    """Authors, "Title", venue, and the year that stands in its own column too."""
    cls = entry.load()
    assert re.fullmatch(rf'[^"]+, "[^"]+", [^"]+\b{cls.year}', cls.citation)
    _, year, citation, origin, consumes, _ = about(entry)
    assert year == str(cls.year)
    assert citation == short(cls.citation)
    assert '"' not in citation
    assert origin in {"paper", "paper (classifier)", "extended", "newer"}
    assert consumes


def test_a_plugin_derived_from_a_model_of_ours_is_not_cited_as_it():
    class Mine(AAKNN):
        pass

    class Published(AAKNN):
        year, citation = 2027, 'Nobody, "Nothing", Nowhere, 2027'

    class Inherits(Published):
        pass

    def row(cls):
        return about(Entry("Mine", cls, "mine.py", "sha256:0"))

    assert row(Mine) == ["Mine", "", "", "mine.py", "features", "yes"]
    assert row(Published)[1:3] == row(Inherits)[1:3] == ["2027", "Nobody, Nowhere, 2027"]
    assert row(LDLEstimator)[1:3] == ["", ""]


def test_a_model_that_cannot_be_loaded_is_listed_with_the_reason():
    name, year, _, origin, _, reason = about(Entry("Lost", "no_such:Thing", source="lost==1"))
    assert (name, year, origin) == ("Lost", "", "lost==1")
    assert "No module named 'no_such'" in reason


def test_the_command_lists_every_model(command):
    output = command("models", "--all").stdout
    for entry in BUILT_IN:
        assert re.search(rf"^{entry.name}\s", output, re.MULTILINE)
