"""A disk that fills up at any write: one sentence, nothing damaged, and on when there is room.

Tests here run on disks in memory of a few pages or files, which only root may mount; the page or
file at which it is full is drawn here, and each in its turn by ``make faults``.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import savemat
from small_disk import PAGE, make_room, small_disk, used

from benchmark.cli import main
from features.pca import reduce
from features.storage.build_shards import ArrayPlan, build_shards
from features.storage.files import array_key

#: As many seeds as `make faults` has, or more, are many.
MANY = 200
FULL = "No space left on device"

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(8, 300))


@pytest.fixture
def disk(tmp_path):
    """An empty folder for small disks."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


def limits(need: dict[str, int]) -> list[dict[str, int]]:
    """Return every limit below what is needed: of pages, and of files."""
    steps = {"size": PAGE, "nr_inodes": 1}
    return [{kind: limit} for kind, step in steps.items()
            for limit in range(step, need[kind], step)]  # fmt: skip


def shards(folder: Path) -> np.ndarray:
    """Make an array of three shards."""

    def compute(rows: range) -> Iterator[np.ndarray]:
        yield ROWS[rows.start : rows.stop]

    plan = ArrayPlan({"what": "rows"}, len(ROWS), (300,), np.float64, rows_per_shard=3)
    return build_shards(folder / "array", plan, compute)[:]


def components(folder: Path) -> np.ndarray:
    """Make principal components, and keep them."""
    found = reduce(ROWS, np.arange(6), np.arange(6, 8), 3, cache=folder / "components")
    return np.concatenate(found)


@pytest.mark.parametrize("make", [shards, components])
def test_the_cache(disk: Path, make: Callable[[Path], np.ndarray]):
    with small_disk(disk, size=2**20):
        whole, need = make(disk), used(disk)
    for limit in limits(need):
        with small_disk(disk, **limit):
            with pytest.raises(OSError, match=FULL) as caught:
                make(disk)
            assert caught.value.errno == errno.ENOSPC
            assert not list(disk.rglob(".partial-*"))
            make_room(disk)
            assert array_key(make(disk)) == array_key(whole), limit
            assert array_key(make(disk)) == array_key(whole), limit


@pytest.mark.slow
def test_a_run(disk, problem, tmp_path, seeds, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, D = problem
    savemat("small.mat", {"features": X, "labels": D})
    arguments = ["run", "AA-kNN", "PT-Bayes", "--dataset", "small.mat", "--folds", "2", "--jobs",
                 "1", "--out", "disk/out", "--no-report"]  # fmt: skip

    def run() -> tuple[int, str]:
        done = CliRunner().invoke(main, arguments)
        return done.exit_code, done.stderr

    def final() -> dict[str, bytes]:
        paths = [*disk.rglob("scores.csv"), *disk.rglob("table3.*"), *disk.rglob("pairs.csv")]
        return {path.name: path.read_bytes() for path in paths}

    with small_disk(disk, size=2**30):
        assert run()[0] == 0
        whole, need = final(), used(disk)
    cases = limits(need)
    if len(seeds) < MANY:
        cases = [cases[k] for k in RNG.choice(len(cases), 3, replace=False)]
    for limit in cases:
        with small_disk(disk, **limit):
            code, said = run()
            errors = [line for line in said.splitlines() if line.startswith("Error: ")]
            assert code == 1, (limit, said)
            assert errors, limit
            assert all(FULL in line and "disk" in line for line in errors), (limit, said)
            assert "Traceback" not in said, limit
            assert not list(disk.rglob(".partial-*")), limit
            make_room(disk)
            code, said = run()
            assert code == 0, (limit, said)
            assert final() == whole, limit
