"""Every baseline on every real dataset, published, tuned and extended: ``make fairness``.

Writes results/fairness: ``kl.csv`` (every mean), ``tuned.csv`` (what tuning gained and chose),
``fairness.md`` (the tables). Runs go to results/runs/fairness, one folder per dataset, and are
taken up where they stopped. The data are not part of this project.

usage: python tests/perf/fairness.py [--data FOLDER] [--runs FOLDER] [--parts PART ...] [SET ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import run
from benchmark.analysis.evidence import Evidence, gather
from benchmark.analysis.reference import MEAN, UNIFORM
from benchmark.analysis.tuning import tuned_frame, untuned
from benchmark.columns import as_csv
from benchmark.metrics import BY_NAME
from benchmark.plugins.built_in import EXTENDED, PAPER
from benchmark.tables.grid import Cell, Grid, markdown
from benchmark.wording import duration, listed

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "results" / "fairness"
KL = BY_NAME["kl_divergence"]

#: The dataset that takes longest, most of an hour with ten folds on two cores: five.
FEWER_FOLDS = {"Movie": 5}

#: Runs on a dataset: the paper's methods published and tuned, the extended ones by default, and,
#: where it is asked for, the extended ones tuned.
PARTS = ("paper", "extended", "extended-tuned")

#: What they run; the networks of the paper need images.
MODELS = {
    "paper": [name for name in PAPER if name not in ("DLDL", "EW-MTCNN")],
    "extended": list(EXTENDED),
}

#: A tuned row may be this many times as far from the truth as the mean distribution.
LIMIT = 1.02

#: A default that loses more than this share to its tuned row on the median set needs a note.
NOTABLE = 0.20


def run_all(file: Path, runs: Path, parts: Sequence[str]) -> None:
    """Run everything on a dataset, or what is missing of it."""
    folds = FEWER_FOLDS.get(file.stem, 10)
    for part in parts:
        run(
            MODELS[part.partition("-")[0]],
            tune=part != "extended",
            datasets=file,
            protocol="paper",
            folds=folds,
            out=runs / file.stem / part,
            report=False,
            task_timeout=np.inf,
            tell=_tell,
            show_progress=sys.stderr.isatty(),
        )


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def means_of(evidence: Evidence) -> pd.DataFrame:
    """Return the mean KL divergence of every row, with its group and the seconds of its fits."""
    tuned = untuned(evidence.plan)
    seconds: dict[str, float] = {}
    for task, result in evidence.results.items():
        record = result.record
        spent = record["fit_seconds"] + record["predict_seconds"]
        seconds[task.model] = seconds.get(task.model, 0.0) + spent
    rows = []
    mean = evidence.summary.set_index("model")[KL.name][MEAN]
    for row in evidence.summary.to_dict("records"):
        name = row["model"]
        kind = "tuned" if name in tuned else "published" if row["kind"] == "model" else "trivial"
        rows.append(
            {
                "dataset": row["dataset"],
                "model": name,
                "group": "extended" if tuned.get(name, name) in EXTENDED else "paper",
                "kind": kind,
                "folds": row["folds"],
                "kl_divergence": row[KL.name],
                "of_mean_distribution": row[KL.name] / mean,
                "seconds": seconds.get(name, 0.0),
            }
        )
    return pd.DataFrame(rows)


def collect(runs: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read every complete run below a folder."""
    means, gains = [], []
    for folder in sorted(path for path in runs.iterdir() if path.is_dir()):
        parts = [folder / part for part in PARTS if (folder / part / "run.json").exists()]
        if not parts:
            continue
        with gather(parts, to=runs.parent / "fairness-tables") as evidence:
            if evidence.missing:
                _tell(f"{folder.name}: {evidence.missing} results are missing")
            means.append(means_of(evidence))
            given = evidence.plan, evidence.summary, evidence.pairs, evidence.tuning
            gains.append(tuned_frame(*given, KL))
    return pd.concat(means, ignore_index=True), pd.concat(gains, ignore_index=True)


def grid_of(means: pd.DataFrame, group: str, title: str) -> Grid:
    """Lay out one group of models: rows are models, columns datasets."""
    datasets = list(dict.fromkeys(means["dataset"]))
    part = means[(means["group"] == group) | (means["kind"] == "trivial")]
    ratios = part.pivot_table(index="model", columns="dataset", values="of_mean_distribution")
    values = part.pivot_table(index="model", columns="dataset", values="kl_divergence")
    best = values.drop(index=[MEAN, UNIFORM]).min()
    cells = []
    for name in dict.fromkeys(part["model"]):
        row = [Cell(name, aside=name in (MEAN, UNIFORM))]
        for dataset in datasets:
            value, ratio = values.loc[name].get(dataset), ratios.loc[name].get(dataset)
            if value is None or np.isnan(value):
                row.append(Cell("-"))
                continue
            mark = " †" if ratio > 1.0 + 1e-9 and name != UNIFORM else ""
            row.append(Cell(f"{value:.4f}", mark, best=bool(value <= best[dataset])))
        known = ratios.loc[name].dropna()
        row += [Cell(f"{known.median():.3f}"), Cell(f"{known.max():.3f}")]
        cells.append(row)
    headers = ["Model", *datasets, "Median ratio", "Largest ratio"]
    return Grid(title, headers, cells)


def findings(means: pd.DataFrame, gains: pd.DataFrame) -> list[str]:
    """Say in sentences which rows break the rules."""
    tuned = means[means["kind"] == "tuned"]
    above = tuned[tuned["of_mean_distribution"] > LIMIT]
    found = [
        f"{len(tuned)} tuned rows on {means['dataset'].nunique()} sets: {len(above)} are above "
        f"{LIMIT:g} times the mean distribution's KL"
        + "".join(f"; {r.model} on {r.dataset}: {r.of_mean_distribution:.3f}"
                  for r in above.itertuples())
        + "."
    ]  # fmt: skip
    medians = gains.groupby("model", sort=False)["relative_gain"].median()
    weak = medians[medians > NOTABLE]
    names = [f"{name} ({gain:.0%})" for name, gain in weak.items()]
    found.append(
        f"Defaults that lose more than {NOTABLE:.0%} to their tuned row on the median set: "
        f"{listed(names) if names else 'none'}."
    )
    fewer = [f"{name} ({k})" for name, k in FEWER_FOLDS.items() if name in set(means["dataset"])]
    if fewer:
        found.append(f"Ten folds, but {listed(fewer)}.")
    seconds = means.groupby("kind", sort=False)["seconds"].sum()
    kinds = {"published": "published and default rows", "tuned": "tuned rows"}
    parts = [f"{name} {duration(seconds[kind])}" for kind, name in kinds.items()]
    found.append(f"Seconds of fits and predictions, one thread each: {listed(parts)}.")
    return found


def write(runs: Path) -> None:
    """Write the tables of what has been computed so far."""
    means, gains = collect(runs)
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "kl.csv").write_text(as_csv(means), encoding="utf-8")
    (TARGET / "tuned.csv").write_text(as_csv(gains), encoding="utf-8")
    grids = [
        grid_of(means, "paper", "The paper's methods: KL divergence, as published and tuned"),
        grid_of(means, "extended", "Extended baselines: KL divergence, by default and tuned"),
    ]
    notes = [
        "Bold: the best of the table on the set. † above the mean training distribution. Ratio: "
        "divided by the KL divergence of the mean training distribution on the same folds.",
        *findings(means, gains),
    ]
    head = (
        "# Are the baselines as good as they should be?\n\n"
        "Made by `make fairness`, which goes on where it stopped. `kl.csv` has every number, "
        "`tuned.csv` what tuning gained and chose.\n\n"
    )
    (TARGET / "fairness.md").write_text(head + markdown(grids, notes), encoding="utf-8")


def main() -> None:
    """Run the datasets one after the other, and write the tables after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--runs", type=Path, default=ROOT / "results" / "runs" / "fairness")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS[:2])
    parser.add_argument("datasets", nargs="*")
    given = parser.parse_args()
    files = sorted(given.data.glob("*.mat"), key=lambda file: file.stat().st_size)
    if not files:
        sys.exit(f"no .mat files in {given.data}; give the folder of the datasets with --data")
    for file in files:
        if not given.datasets or file.stem in given.datasets:
            run_all(file, given.runs, given.parts)
            write(given.runs)
    print(f"Written: {TARGET}")


if __name__ == "__main__":
    main()
