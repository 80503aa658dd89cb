"""The catalogue of tabular sets: what the package has is what is known of the files."""

from __future__ import annotations

import csv

import pytest

from benchmark.datasets.image_sets.catalogue import IMAGE_SETS
from benchmark.datasets.tabular_sets.catalogue import find_tabular_set, tabular_sets


def test_the_catalogue_is_the_shared_one(shared):
    with (shared / "datasets" / "catalogue.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [known.name for known in tabular_sets()]
    for row, known in zip(rows, tabular_sets(), strict=True):
        assert row == {name: str(getattr(known, name)) for name in row}


@pytest.mark.parametrize("name", ["SJAFFE", "sjaffe", "Sjaffe.MAT"])
def test_a_set_is_found_in_any_case(name):
    assert find_tabular_set(name).sha256.startswith("bdd53fb0")


def test_names_are_of_one_set():
    assert find_tabular_set("yeast-SPO5").name == "Yeast_spo5"
    assert find_tabular_set("SJAFF") is None
    both = [
        known.name for known in tabular_sets() if any(s.is_called(known.name) for s in IMAGE_SETS)
    ]
    assert both == ["emotion6"]  # loading and fetching know what to do with it
