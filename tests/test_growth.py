"""The script behind `docs/scale.md`: exponents, what it measures next, and rows that go on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture
def growth(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "perf"))
    yield __import__("growth")
    sys.modules.pop("growth", None)


def row(size, seconds, status="done", limit=60.0):
    return {**size._asdict(), "seconds": seconds, "peak_mib": 2 * seconds, "status": status,
            "limit": limit, "data_mib": 1.0}  # fmt: skip


def test_exponents_are_those_of_the_largest_points(growth):
    sizes = growth.axis(0)
    rows = [row(size, 1e-6 * size.n**1.5) for size in sizes]
    rows[0]["seconds"] = 5.0  # a first one, with what starting costs
    rows.append(row(growth.Size(1_024_000, 40, 8), 60.0, "stopped"))
    assert growth.exponent(rows, 0, "seconds") == "1.5"
    assert growth.exponent(rows[:1], 0, "seconds") == "-"
    assert growth.exponent([row(size, 0.001) for size in sizes], 0, "seconds") == "-"


def test_it_stops_where_the_next_point_takes_too_long_and_goes_on_later(growth, tmp_path):
    path = tmp_path / "growth.csv"
    results, sizes = growth.Results(path), growth.axis(1)
    results.add("A", row(sizes[0], 1.0))
    results.add("A", row(sizes[1], 20.0))
    stopped = row(growth.EXTREMES[0], 1.0, "stopped") | {"seconds": None}
    results.add("A", stopped)
    results = growth.Results(path)  # as a later call reads it
    asked = [size for _, size, _ in growth.pending(results, ["A"], 60.0, 60.0)]
    assert sizes[2] not in asked  # four times 20 s is over a minute
    assert growth.EXTREMES[0] not in asked
    longer = [size for _, size, _ in growth.pending(results, ["A"], 100.0, 600.0)]
    assert sizes[2] in longer
    assert growth.EXTREMES[0] in longer
    assert growth.described(results.rows["A", sizes[1]]) == ["20 s", "0.04 GiB"]
    assert growth.described(results.rows["A", growth.EXTREMES[0]])[0] == "over 60 s"


def test_settings_for_many_rows_are_measured_there_and_nowhere_else(growth, tmp_path):
    results, name = growth.Results(tmp_path / "growth.csv"), "AA-BP, in batches"
    assert [size for _, size, _ in growth.pending(results, [name], 60.0, 60.0)] == [
        growth.EXTREMES[0]
    ]
    results.add(name, row(growth.EXTREMES[0], 20.0))
    table = growth.extremes_table(results, ["A", name])
    assert table[1] == ["A", *["not measured", "-"] * 3]
    assert table[2] == [name, "20 s", "0.04 GiB", *["-"] * 4]
    assert [cells[0] for cells in growth.growth_table(results, ["A", name])[1:]] == ["A"]
