"""Several runs on one cache: each thing is computed once, also when who computes it is killed.

Here the processes do what runs do: decode images, extract features of them, and reduce these for
every fold.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from functools import partial

import numpy as np
import pytest

from features import pca
from features.storage.build_shards import ArrayPlan, build_shards

ROWS, PER_SHARD = 40, 10
FOLDS = [(range(30), range(30, 40)), (range(10, 40), range(10))]


def run(cache, tell, may_go_on):
    """Prepare what the tasks of a run need; tell every step, which none does twice."""

    def decode(rows):
        for row in rows:
            tell(f"image {row}")
            may_go_on(row)
            yield np.full((1, 6), row)

    images = build_shards(
        cache / "images", ArrayPlan({"of": "images"}, ROWS, (6,), np.int64, PER_SHARD), decode
    )

    def extract(rows):
        for row in rows:
            tell(f"features {row}")
            yield np.sin(images[row : row + 1] * np.arange(1.0, 7.0))

    features = build_shards(
        cache / "features", ArrayPlan({"of": "features"}, ROWS, (6,), np.float64, 7), extract
    )
    find = pca.principal_directions

    def find_and_tell(array, rows, count):
        tell(f"components of {rows[0]}..")
        return find(array, rows, count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pca, "principal_directions", find_and_tell)
        return [pca.reduce(features, *fold, 3, cache=cache)[0] for fold in FOLDS]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_four_runs_on_one_cache_of_which_the_one_that_computes_is_killed(tmp_path):
    said, go = tmp_path / "said", tmp_path / "go"

    def tell(what):
        with said.open("a") as file:
            file.write(f"{os.getpid()} {what}\n")

    def may_go_on(row):
        while row == 25 and not go.exists():  # after two shards
            time.sleep(0.01)

    def lines():
        return [line.split(maxsplit=1) for line in said.read_text().splitlines()]

    runs = []
    for _ in range(4):
        runs.append(os.fork())
        if runs[-1] == 0:
            try:
                run(tmp_path / "cache", tell, may_go_on)
                os._exit(0)
            finally:
                os._exit(1)
    deadline = time.monotonic() + 600
    while len(list(tmp_path.glob("cache/images/*.npy"))) < 2 or lines()[-1][1] != "image 25":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (killed,) = {int(number) for number, _ in lines()}
    os.kill(killed, signal.SIGKILL)
    go.touch()
    ended = {number: os.waitpid(number, 0)[1] for number in runs}
    assert ended == {number: signal.SIGKILL if number == killed else 0 for number in runs}
    found = Counter(what for _, what in lines())
    twice = {f"image {row}" for row in range(20, 26)}  # of the shard that was not complete
    assert found == Counter(
        {
            **{f"image {row}": 1 + (f"image {row}" in twice) for row in range(ROWS)},
            **{f"features {row}": 1 for row in range(ROWS)},
            **{f"components of {train[0]}..": 1 for train, _ in FOLDS},
        }
    )
    alone = run(tmp_path / "other", str, partial(max, 0))
    for one, other in zip(run(tmp_path / "cache", pytest.fail, pytest.fail), alone, strict=True):
        assert np.array_equal(one, other)
