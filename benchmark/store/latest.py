"""Which run was written last; light, since a shell asks for it between two keys."""

from __future__ import annotations

from pathlib import Path

#: Folder in which every run gets a folder of its own, unless --out names one.
RUNS = Path("results", "runs")


def latest_run() -> Path | None:
    """Return the folder of the run below `RUNS` that was written last, None if there is none."""
    found = sorted(RUNS.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    return found[-1].parent if found else None
