"""Measures how far results move between two kernels of the linear algebra library.

A kernel is what OpenBLAS picks for a processor; another one rounds sums in another order. Each runs
in a process of its own on the same data, folds and seeds. Writes results/blas_kernels.csv, a row
for every dataset and model: the KL divergence, Chebyshev distance and accuracy with each kernel,
means over ten folds, and the greatest change of a predicted share.

usage: python tests/perf/blas_kernels.py FOLDER_OF_MAT_FILES [KERNEL KERNEL]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.io import loadmat
from scipy.special import rel_entr
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_info

import baselines as b

PATH = Path(__file__).resolve().parents[2] / "results" / "blas_kernels.csv"
KERNELS = ("Haswell", "SkylakeX")
DATASETS = ("emotion6", "SJAFFE")
MODELS = {
    "SA-BFGS": lambda: b.SABFGS(),
    "SA-BFGS, no intercept": lambda: b.SABFGS(fit_intercept=False),
    "SA-BFGS, standardised": lambda: b.SABFGS(scaling="standard"),
    "SA-BFGS, l2 = 0.1 of the data, whitened": lambda: b.SABFGS(
        l2=0.1, l2_unit="data", whiten=True
    ),
    "SA-IIS": lambda: b.SAIIS(),
    "SA-CPNN": lambda: b.SACPNN(random_state=0),
}


def predict_all(folder: Path, target: Path) -> None:
    """Store the predictions of every test row by every model, with the kernel at work."""
    kernels = {str(library.get("architecture")) for library in threadpool_info()}
    found = {"kernel": np.array("+".join(sorted(kernels - {"None"})))}
    for name in DATASETS:
        data = loadmat(folder / f"{name}.mat")
        X, D = (np.array(data[key], dtype=np.float64) for key in ("features", "labels"))
        found[f"{name}/truth"] = D
        for model, make in MODELS.items():
            P = np.empty_like(D)
            for train, test in KFold(10, shuffle=True, random_state=0).split(X):
                P[test] = make().fit(X[train], D[train]).predict(X[test])
            found[f"{name}/{model}"] = P
    np.savez(target, **found)


def scores(D: np.ndarray, P: np.ndarray) -> dict[str, float]:
    """Return means over the folds."""
    rows = {
        "kl_divergence": rel_entr(D, np.maximum(P, 1e-10)).sum(axis=1),
        "chebyshev": np.abs(D - P).max(axis=1),
        "accuracy": (D.argmax(axis=1) == P.argmax(axis=1)) * 1.0,
    }
    folds = [test for _, test in KFold(10, shuffle=True, random_state=0).split(D)]
    return {name: float(np.mean([v[test].mean() for test in folds])) for name, v in rows.items()}


def main() -> None:
    """Measure with each kernel, or do the part of one."""
    folder = Path(sys.argv[1])
    if os.environ.get("BLAS_KERNELS_TARGET"):
        predict_all(folder, Path(os.environ["BLAS_KERNELS_TARGET"]))
        return
    runs = []
    with tempfile.TemporaryDirectory() as place:
        for kernel in sys.argv[2:] or KERNELS:
            target = Path(place) / f"{kernel}.npz"
            settings = {
                "OPENBLAS_CORETYPE": kernel,
                "BLAS_KERNELS_TARGET": str(target),
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
            }
            command = [sys.executable, __file__, str(folder)]
            subprocess.run(command, env={**os.environ, **settings}, check=True)
            with np.load(target) as archive:
                runs.append(dict(archive))
            if str(runs[-1]["kernel"]) != kernel:
                raise SystemExit(f"asked for {kernel}, but {runs[-1]['kernel']} is at work")
    table = []
    for key in runs[0]:
        name, _, model = key.partition("/")
        if model in ("", "truth"):
            continue
        row: dict[str, object] = {"dataset": name, "model": model}
        each = {str(run["kernel"]): scores(run[f"{name}/truth"], run[key]) for run in runs}
        for measure in next(iter(each.values())):
            row |= {f"{measure} {kernel}": round(each[kernel][measure], 6) for kernel in each}
        row["greatest change of a share"] = f"{np.abs(runs[0][key] - runs[1][key]).max():.1e}"
        table.append(row)
        print(json.dumps(row))
    pd.DataFrame(table).to_csv(PATH, index=False)


if __name__ == "__main__":
    main()
