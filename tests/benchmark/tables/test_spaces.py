"""The table of search spaces in the documentation is the one that the models declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.planning.protocol import Tuning
from benchmark.plugins.parameters import default_params
from benchmark.plugins.registry import models
from benchmark.plugins.spaces import configurations
from benchmark.tables.grid import markdown
from benchmark.tables.spaces import spaces_grid

PAGE = Path(__file__).resolve().parents[3] / "docs" / "search_spaces.md"


def built_in():
    return [entry for entry in models().values() if not entry.source]


def test_the_page_shows_what_the_models_declare():
    assert markdown(spaces_grid(built_in())) in PAGE.read_text(encoding="utf-8"), (
        "docs/search_spaces.md is stale: make docs-tables"
    )


@pytest.mark.parametrize("entry", built_in(), ids=lambda entry: entry.name)
def test_every_model_has_the_same_budget(entry):
    cls = entry.load()
    is_network = getattr(cls, "consumes", "features") != "features"
    budget = Tuning().network_budget if is_network else Tuning().budget
    own = default_params(cls)
    found = configurations(cls, own, 10 * budget, 0)
    assert len(found) == budget
    assert len(configurations(cls, own, budget, 0)) == budget
