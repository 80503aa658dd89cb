"""Measures the figures that docstrings and the README quote: ``make quoted``.

Writes results/quoted, without the data. Runs go into results/runs/quoted-*, so that what was
computed before is not computed again.

usage: python tests/quoted/measure.py [DATASETS]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from packaging.requirements import Requirement

from benchmark.columns import as_csv
from benchmark.commands.run import run
from benchmark.datasets import load_dataset
from benchmark.datasets.synthetic.dataset import draw_factors, draw_votes, latent_distributions
from benchmark.metrics import MEASURES, scores
from features.storage.files import write_atomic

ROOT = Path(__file__).resolve().parents[2]
DATASETS = ROOT.parent / "shared" / "datasets"
OUT = ROOT / "results" / "quoted"
RUNS = ROOT / "results" / "runs"

#: Rows of settings.csv: name -> model and settings, as in a protocol file.
ROWS: dict[str, dict[str, Any]] = {
    "AA-kNN": {"model": "AA-kNN"},
    "AA-kNN, k=20": {"model": "AA-kNN", "k": 20},
    "AA-kNN, k=0.1": {"model": "AA-kNN", "k": 0.1},
    "AA-kNN, k=1.0": {"model": "AA-kNN", "k": 1.0},
    "AA-BP": {"model": "AA-BP"},
    "AA-BP, scaling none": {"model": "AA-BP", "scaling": "none"},
    "AA-BP, early stopping": {"model": "AA-BP", "early_stopping": True},
    "SA-BFGS, no intercept": {"model": "SA-BFGS", "fit_intercept": False},
    "SA-BFGS, no intercept, converged": {
        "model": "SA-BFGS", "fit_intercept": False, "whiten": True, "max_iter": 20000,
    },
    "SA-CPNN": {"model": "SA-CPNN"},
    "SA-CPNN, standard": {"model": "SA-CPNN", "scaling": "standard"},
    "SA-CPNN, binary": {"model": "SA-CPNN", "code": "binary"},
    "SA-CPNN, augmented": {"model": "SA-CPNN", "code": "augmented"},
    "SA-CPNN, l2": {"model": "SA-CPNN", "l2": 0.01},
    "SA-CPNN, binary, l2": {"model": "SA-CPNN", "code": "binary", "l2": 0.01},
    "SA-CPNN, early": {"model": "SA-CPNN", "early_stopping": True},
    "SA-CPNN, early, binary": {"model": "SA-CPNN", "early_stopping": True, "code": "binary"},
    "SA-CPNN, early, binary, prior": {
        "model": "SA-CPNN", "early_stopping": True, "code": "binary", "start": "prior",
        "delta0": 0.01,
    },
    "SA-CPNN, standard, 10 epochs": {"model": "SA-CPNN", "scaling": "standard", "epochs": 10},
    "SA-CPNN, standard, 20 epochs": {"model": "SA-CPNN", "scaling": "standard", "epochs": 20},
    "SA-CPNN, double": {"model": "SA-CPNN", "precision": "double"},
}  # fmt: skip
SETS = ("emotion6", "SJAFFE", "Painting")

#: On these only the rows that cost little, those of `CHEAP`.
MORE_SETS = ("Yeast_cold", "SBU_3DFE")
CHEAP = "AA-kNN"


def main(datasets: Path) -> None:
    """Write every file whose data is there."""
    write("facts", facts(datasets))
    write("sizes", sizes())
    sets = [datasets / f"{name}.mat" for name in (*SETS, *MORE_SETS)]
    if lacking := [path.name for path in sets if not path.exists()]:
        print(f"{datasets} lacks {', '.join(lacking)}: settings.csv stays as it is")
        return
    write("settings", settings(sets))


def write(name: str, frame: pd.DataFrame) -> None:
    """Write a file of results/quoted."""
    write_atomic(OUT / f"{name}.csv", as_csv(frame))
    print(f"{OUT / name}.csv")


def settings(sets: list[Path]) -> pd.DataFrame:
    """Return the means over ten folds of the rows of `ROWS`, in the measures of the tables."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        protocol = Path(folder, "quoted.toml")
        protocol.write_text("folds = 10\n" + "".join(map(table, ROWS.items())))
        for path in sets:
            rows = [name for name in ROWS if path.stem in SETS or name.startswith(CHEAP)]
            study = run(
                rows, datasets=[path], protocol=protocol, out=RUNS / f"quoted-{path.stem}",
                report=False, show_progress=True, tell=print,
            )  # fmt: skip
            summary = study.summary.rename(columns={"model": "row"})
            parts.append(summary[["dataset", "row", *(measure.name for measure in MEASURES)]])
    return pd.concat(parts)


def table(row: tuple[str, dict[str, Any]]) -> str:
    """Write a row as TOML."""
    name, values = row
    written = {
        key: str(value).lower() if isinstance(value, bool | int | float) else f'"{value}"'
        for key, value in values.items()
    }
    return f'\n[models."{name}"]\n' + "".join(f"{key} = {v}\n" for key, v in written.items())


def facts(datasets: Path) -> pd.DataFrame:
    """Return what is quoted about datasets."""
    latent = latent_distributions(draw_factors(600, seed=0))
    sets = {"synthetic": draw_votes(latent, seed=0)}
    for name in SETS:
        if (datasets / f"{name}.mat").exists():
            sets[name] = load_dataset(datasets / f"{name}.mat").D
    rows = []
    for name, D in sets.items():
        shares = np.bincount(D.argmax(axis=1), minlength=D.shape[1]) / len(D)
        uniform = scores(D, np.full_like(D, 1 / D.shape[1]))["kl_divergence"]
        tied = ((D == D.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum()
        zeros = (D == 0).mean()
        rows.append((name, len(D), D.shape[1], zeros, tied, uniform, shares.min(), shares.max()))
    columns = ["dataset", "rows", "labels", "zeros", "tied_rows", "kl_of_uniform",
               "rarest_dominant", "commonest_dominant"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def sizes() -> pd.DataFrame:
    """Return what an installation takes on the disk, in GB."""
    rows = []
    for name, extras in (("plain", ()), ("networks", ("networks",))):
        sizes = {package: size_of(package) for package in required("ldl-benchmark", extras)}
        rows.append((name, len(sizes), sum(sizes.values()) / 1e9))
    return pd.DataFrame(rows, columns=["installation", "packages", "gigabytes"])


def required(package: str, extras: tuple[str, ...]) -> set[str]:
    """Return the installed packages that one needs, itself left out."""
    found: set[str] = set()
    waiting = [(package, extras)]
    while waiting:
        name, extras = waiting.pop()
        for needed, of in needs(name, extras):
            if needed not in found:
                found.add(needed)
                waiting.append((needed, of))
    return found


def needs(package: str, extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what a package needs, where that is installed."""
    for text in distribution(package).requires or ():
        wanted = Requirement(text)
        marker = wanted.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        try:
            distribution(wanted.name)
        except PackageNotFoundError:
            continue
        yield wanted.name.lower().replace("_", "-"), tuple(wanted.extras)


def size_of(package: str) -> int:
    """Return the bytes of an installed package."""
    files = (Path(str(file.locate())) for file in distribution(package).files or ())
    return sum(path.stat().st_size for path in files if path.is_file())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else DATASETS)
