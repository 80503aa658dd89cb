"""What PT-SVM loses by an approximated kernel: ``make perf-kernel`` (three of ten folds).

Exact and approximated machines are trained and tested on the same folds of real data, in all
measures of Table 3; means over the folds go into results/kernel_approximation.csv, which docstrings
quote.

usage: python tests/perf/kernel_approximation.py [--folds 10] [--first 3] [DATASETS]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.model_selection import KFold

from baselines import PTSVM
from benchmark.columns import as_csv
from benchmark.datasets import load_dataset
from benchmark.metrics import MEASURES, scores
from features.storage.files import write_atomic

ROOT = Path(__file__).resolve().parents[2]
DATASETS = ROOT.parent / "shared" / "datasets"
OUT = ROOT / "results" / "kernel_approximation.csv"
SETS = ("emotion6", "SBU_3DFE")
COMPONENTS = (100, 300, 500)


def settings() -> dict[str, dict[str, Any]]:
    """Name of the row -> settings of PT-SVM."""
    rows: dict[str, dict[str, Any]] = {"none": {}}
    for kind in ("nystroem", "fourier"):
        for components in COMPONENTS:
            rows[f"{kind} {components}"] = {
                "kernel_approximation": kind,
                "kernel_components": components,
            }
    return rows


def measured(path: Path, folds: int, first: int) -> list[dict[str, Any]]:
    """Return a row for every setting: means over the first folds of so many."""
    data = load_dataset(path)
    made: dict[str, list[dict[str, float]]] = {name: [] for name in settings()}
    split = KFold(folds, shuffle=True, random_state=0).split(data.X)
    for number, (train, test) in enumerate(split):
        if number == first:
            break
        for name, chosen in settings().items():
            begin = time.process_time()
            model = PTSVM(random_state=0, **chosen).fit(data.X[train], data.D[train])
            found = scores(data.D[test], model.predict(data.X[test]), MEASURES)
            made[name].append({**found, "seconds": time.process_time() - begin})
    return [
        {"dataset": path.stem, "kernel": name, "folds": len(rows), **pd.DataFrame(rows).mean()}
        for name, rows in made.items()
    ]


def main() -> None:
    """Write the file, a dataset after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--first", type=int, default=3, help="only so many of the folds")
    parser.add_argument("datasets", nargs="?", type=Path, default=DATASETS)
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in SETS:
        rows += measured(given.datasets / f"{name}.mat", given.folds, given.first)
        write_atomic(OUT, as_csv(pd.DataFrame(rows)))
        print(f"{OUT}: {name}", flush=True)


if __name__ == "__main__":
    main()
