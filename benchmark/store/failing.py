"""What failed: a file for each task while runs are at work, and one of all when they have ended."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmark.planning.tasks import Outcome, Task
from benchmark.store import shapes
from benchmark.store.at_work import RUNNING
from features.storage.files import DamagedFileError, read_json, write_json

_FILE, _FOLDER = "failures.json", "failures"


def path_of(folder: Path, task: Task) -> Path:
    """Return the file that tells of a failure while runs are at work."""
    return folder / RUNNING / _FOLDER / "_".join(task.path.with_suffix(".json").parts[1:])


def keep_failure(folder: Path, outcome: Outcome) -> None:
    """Store a failure at once, so that a kill does not lose it, and other runs see it.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    entries = [shapes.make_failure(outcome)]
    write_json(path_of(folder, outcome.task), {"failures": entries})


def read_failure(folder: Path, task: Task) -> Outcome | None:
    """Read what failed in a task since runs have been at work; None if nothing did."""
    for entry in _read(path_of(folder, task)):
        if entry.get("key") == task.key:
            return Outcome(
                task, error=entry["error"], trace=entry["trace"],
                time_limit=entry.get("time_limit"),
            )  # fmt: skip
    return None


def write_failures(folder: Path, entries: Iterable[dict[str, Any]]) -> None:
    """Store all that failed in one file, in place of what was in it.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    write_json(folder / _FILE, {"failures": list(entries)})


def read_failures(folder: Path) -> list[dict[str, Any]]:
    """Read what failed in the last run, and in those at work; nothing where that is damaged."""
    latest = [entry for path in sorted((folder / RUNNING / _FOLDER).glob("*.json"))
              for entry in _read(path)]  # fmt: skip
    newer = {entry.get("key") for entry in latest}
    return [*(entry for entry in _read(folder / _FILE) if entry.get("key") not in newer), *latest]


def fold(folder: Path) -> None:
    """Put what runs that have ended had told of failures into the file of all.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    if told := list((folder / RUNNING / _FOLDER).glob("*.json")):
        write_failures(folder, read_failures(folder))
        for path in told:
            path.unlink(missing_ok=True)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = read_json(path, shapes.FAILURES)["failures"]
    except (OSError, DamagedFileError):
        return []
    return found
