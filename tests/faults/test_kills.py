"""Runs whose processes are killed at random lose nothing; `kills` counts it, and would see a loss.

A few kills here; 200 by ``make kills``.
"""

from __future__ import annotations

import csv
from dataclasses import replace

import kills
import pytest

COUNTED = ("lost", "wrong", "left")

# Writes two results as a run does, one after the other, and does something bad when it comes again.
BAD = """
import json, os, sys, time
from pathlib import Path
import numpy as np
out, name = Path("out"), "out/tasks/d/m/r0-f{}-0.npz"
came_again = out.is_dir()
Path(name).parent.mkdir(parents=True, exist_ok=True)
with (out / "log.txt").open("a") as log:
    log.write("now started: this program")
def store(number):
    if not Path(name.format(number)).exists():
        record = json.dumps({"random_state": number, "time": time.time()})
        np.savez("out/new.npz", predictions=np.ones((1, 2)) / 2, record=np.array(record))
        os.rename("out/new.npz", name.format(number))
if came_again:
    BAD
store(1)
(out / "run.json").touch()
time.sleep(0 if came_again else 1)
store(2)
(out / "scores.csv").touch()
"""


@pytest.mark.slow
def test_kills_lose_nothing_and_change_no_byte(tmp_path, monkeypatch):
    """In a run of ten tasks, where a campaign has thirty."""
    words = kills.CAMPAIGNS["baselines"].command
    cut = words.index("--repeats")
    few = (*(word for word in words[:cut] if word != "AA-BP"), *words[cut + 2 :])
    campaign = replace(kills.CAMPAIGNS["baselines"], command=few, tasks=10)
    monkeypatch.setitem(kills.CAMPAIGNS, "few", campaign)
    rows = list(kills.kills("few", range(2), tmp_path))
    assert [row["seed"] for row in rows] == [0, 1]
    assert not any(row[count] for row in rows for count in COUNTED), rows
    assert any(row["stored"] for row in rows)


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("pass", (0, 0, 0)),
        ("Path(name.format(1)).unlink()", (1, 0, 0)),
        ("Path('fits.txt').write_text('1 1.0 rows')", (1, 0, 0)),
        ("np.savez(name.format(2), predictions=np.ones((1, 2)), record=np.array('{}'))", (0, 1, 0)),
        ("(out / '.partial-x').touch()", (0, 0, 1)),
    ],
)
def test_what_a_bad_program_does_is_counted(tmp_path, monkeypatch, bad, expected):
    program = ("-c", BAD.replace("BAD", bad))
    campaign = kills.Campaign(program, 2, "tasks", ("tasks",), ("main",))
    monkeypatch.setitem(kills.CAMPAIGNS, "bad", campaign)
    (row,) = kills.kills("bad", [0], tmp_path)
    assert tuple(row[count] for count in COUNTED) == expected


def test_the_figures_in_the_documentation_are_those_of_the_kills():
    table = kills.RESULTS.with_suffix(".md").read_text()
    with kills.RESULTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert kills.summary(rows) == table
    assert table in (kills.ROOT / "docs" / "faults.md").read_text()
    total = table.splitlines()[-1].split(" | ")
    assert total[4:6] == ["0", "0"]
    assert total[-1].startswith("0 ")
