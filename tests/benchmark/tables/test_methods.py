"""The page of methods is the one that the models describe."""

from __future__ import annotations

from pathlib import Path

from benchmark.plugins.registry import models
from benchmark.tables.methods import methods_text, peers_text

PAGE = Path(__file__).resolve().parents[3] / "docs" / "methods.md"


def test_the_page_shows_what_the_models_say_of_themselves():
    text = methods_text(entry for entry in models().values() if not entry.source)
    assert text in PAGE.read_text(encoding="utf-8"), "docs/methods.md is stale: make docs-tables"
    assert peers_text() in PAGE.read_text(encoding="utf-8")
    assert "Settings by default: components = none, k = 4, scaling = none" in text
