"""Measures what two workers of a cluster gain over one, and what engines cost beside the models.

python tests/perf/cluster.py [--seconds S] [--out FILE]

Two kinds of tasks: some that wait, of which a machine can do as many at a time as it likes, and
fits of AA-BP. For each engine (a cluster of one worker, of two, and processes of this machine) it
counts the seconds of a task from when every process has done one, and the share of their time that
is not spent in fit and predict. Fits of two workers share the processors with whatever else runs
here; the waiting tasks do not.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
from scipy.io import savemat

import benchmark
from benchmark.store.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]

PLUGIN = """
import os, time
import numpy as np
from baselines import LDLEstimator, AABP
from benchmark import register

def note():
    with open({notes!r}, "a") as file:
        file.write(f"{{os.getpid()}} {{time.time()}}\\n")

@register("Waits")
class Waits(LDLEstimator):
    def _fit(self, X, D):
        time.sleep({seconds})
        self.mean_ = D.mean(axis=0)

    def _predict(self, X):
        note()
        return np.tile(self.mean_, (len(X), 1))

@register("Fits")
class Fits(AABP):
    def _predict(self, X):
        note()
        return super()._predict(X)
"""


def write_data(folder: Path) -> Path:
    """Write a dataset of which a fit of AA-BP takes about a second."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 100))
    D = np.exp(X @ rng.normal(size=(100, 10)) / 10)
    savemat(folder / "data.mat", {"features": X, "labels": D / D.sum(axis=1, keepdims=True)})
    return folder / "data.mat"


def measure(
    folder: Path, model: str, tasks: int, workers: int, cluster: bool
) -> tuple[float, float]:
    """Run the tasks; return seconds per task and the share outside fit and predict."""
    out, notes = folder / f"{model}-{workers}-{cluster}", folder / "notes"
    benchmark.run(
        [model], datasets=folder / "data.mat", folds=10, repeats=tasks // 10, out=out, report=False,
        plugins=folder / "timed.py", jobs=workers, scheduler="local" if cluster else None,
    )  # fmt: skip
    store = RunFolder(out)
    records = [store.read_result(task).record for task in store.read_plan().tasks]
    busy = float(np.mean([each["fit_seconds"] + each["predict_seconds"] for each in records]))
    ends = [line.split() for line in notes.read_text().splitlines()]
    notes.unlink()
    firsts: dict[str, float] = {}
    for process, end in ends:
        firsts.setdefault(process, float(end))
    assert len(firsts) == workers, f"{len(firsts)} processes have done tasks"
    begin = max(firsts.values())  # from here on all processes are at work
    after = [float(end) for _, end in ends if float(end) > begin]
    seconds = (max(after) - begin) / len(after)
    return seconds, 1 - busy / (seconds * workers)


def main() -> None:
    """Measure all, and write a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=0.5, help="of a task that waits")
    parser.add_argument("--only", choices=["waiting", "fits"], help="one kind of tasks")
    parser.add_argument("--tasks", type=int, default=60, help="of each kind, a multiple of 10")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "cluster.csv")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder)
        plugin = PLUGIN.format(seconds=given.seconds, notes=str(folder / "notes"))
        (folder / "timed.py").write_text(plugin)
        rows: list[dict[str, str | int]] = []
        for model, kind in (("Waits", "waiting"), ("Fits", "fits")):
            if given.only not in (None, kind):
                continue
            one = None
            for engine, workers in (("cluster", 1), ("cluster", 2), ("local", 2)):
                seconds, outside = measure(folder, model, given.tasks, workers, engine == "cluster")
                one = one or seconds
                rows.append({
                    "tasks": kind, "engine": engine, "workers": workers,
                    "seconds": f"{seconds:.4f}", "times": f"{one / seconds:.2f}",
                    "outside": f"{outside:.4f}",
                })  # fmt: skip
                print(rows[-1], flush=True)
    with given.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    given.out.with_suffix(".md").write_text(as_table(rows), encoding="utf-8")


def as_table(rows: list[dict[str, str | int]]) -> str:
    """Return the rows as Markdown."""
    heads = ["tasks, engine, workers", "seconds a task", "times", "outside fit and predict"]
    cells = [
        [f"{row['tasks']}, {row['engine']}, {row['workers']}", str(row["seconds"]),
         str(row["times"]), f"{float(row['outside']):.1%}"]
        for row in rows
    ]  # fmt: skip
    lines = [heads, ["---"] * len(heads), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
