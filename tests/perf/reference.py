"""Reference results, every method on every real dataset: ``make reference``.

Runs go to results/runs/reference, one folder per dataset and part, and are taken up where they
stopped. The data are not part of this project.

usage: python tests/perf/reference.py [--data FOLDER] [--runs FOLDER] [--parts PART ...]
    [--budget SECONDS] [--jobs N] [SET ...]
       python tests/perf/reference.py --collect [--runs FOLDER] [--to FOLDER]

The second form makes results/reference and results/leaderboard of what has been computed, and
computes nothing; compute sets and parts in pieces, and collect when you like.

Parts: paper (published and tuned), extended, newer and peer (by default), extended-tuned and
newer-tuned. Without --parts all of them, one after the other on all sets. A fit of the peer
library's methods may take --budget seconds; a method whose first fold takes longer is given up on
that set, and not tried again unless the budget is larger.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark import leaderboard, metrics, models, run
from benchmark.errors import BenchmarkError
from benchmark.plugins import built_in
from benchmark.reference.collecting import collect
from benchmark.reference.contents import write_reference
from benchmark.wording import duration

ROOT = Path(__file__).resolve().parents[2]

#: The dataset that takes longest, most of an hour with ten folds on two cores: five.
FEWER_FOLDS = {"Movie": 5}

#: What is run on every dataset, in this order.
PARTS = ("paper", "extended", "newer", "newer-tuned", "extended-tuned", "peer")

#: What a fit of a peer method may take, in seconds.
BUDGET = 60.0


def models_of(part: str) -> list[str]:
    """Name the models of a part; the networks of the paper need images."""
    group = part.partition("-")[0]
    if group == "peer":
        return [name for name in models() if name.startswith("PyLDL:")]
    groups = {"paper": "PAPER", "extended": "EXTENDED", "newer": "NEWER"}
    names = getattr(built_in, groups[group], {})
    return [name for name in names if name not in ("DLDL", "EW-MTCNN")]


def run_part(file: Path, part: str, folder: Path, budget: float, jobs: int | None) -> None:
    """Run a part on a dataset, or what is missing of it."""
    names = models_of(part)
    if not names:
        tell(f"{part}: no such models are installed")
        return
    peer = part == "peer"
    start = time.monotonic()
    try:
        run(
            names,
            tune=part == "paper" or part.endswith("-tuned"),
            datasets=file,
            protocol="paper",
            folds=FEWER_FOLDS.get(file.stem, 10),
            out=folder,
            jobs=jobs,
            report=False,
            task_timeout=budget if peer else np.inf,
            give_up=peer,
            tell=tell,
            show_progress=sys.stderr.isatty(),
        )
    except BenchmarkError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            sys.exit(str(error))
        tell(f"{file.stem}, {part}: {error}")
        return
    tell(f"{file.stem}, {part}: {duration(time.monotonic() - start)}")


def tell(sentence: str) -> None:
    """Tell it at once."""
    print(sentence, file=sys.stderr, flush=True)


def main() -> None:
    """Run part after part on the sets, the smallest first."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--runs", type=Path, default=ROOT / "results" / "runs" / "reference")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--budget", type=float, default=BUDGET)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--collect", action="store_true")
    parser.add_argument("--to", type=Path, default=ROOT / "results" / "reference")
    parser.add_argument("datasets", nargs="*", metavar="SET")
    given = parser.parse_args()
    if given.collect:
        collect_all(given.runs, given.to)
        return
    files = find(given.data, given.datasets)
    for part in given.parts:
        for file in files:
            run_part(file, part, given.runs / file.stem / part, given.budget, given.jobs)


def collect_all(runs: Path, target: Path) -> None:
    """Make reference results of all runs, every prediction scored in every built-in measure."""
    if not runs.is_dir():
        sys.exit(f"there is no {runs}; give the folder of the runs with --runs")
    of_sets = [
        [folder / part for part in PARTS if (folder / part / "run.json").exists()]
        for folder in sorted(path for path in runs.iterdir() if path.is_dir())
    ]
    measures = getattr(metrics, "ALL_MEASURES", metrics.MEASURES)
    git = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    try:
        reference = collect([parts for parts in of_sets if parts], measures, tell, commit)
    except BenchmarkError as error:
        sys.exit(f"Error: {error}")
    write_reference(reference, target)
    leaderboard(against=target, out=target.parent / "leaderboard")
    counts = reference.cells["state"].value_counts().to_dict()
    states = ", ".join(f"{number} {state}" for state, number in counts.items())
    tell(f"{len(reference.sets)} sets, {len(reference.models)} rows; results: {states}. {target}")


def find(folder: Path, names: Sequence[str]) -> list[Path]:
    """Return the files of the named datasets or of all, the smallest first."""
    files = sorted(folder.glob("*.mat"), key=lambda file: file.stat().st_size)
    known = {file.stem: file for file in files}
    if not files:
        sys.exit(f"no .mat files in {folder}; give the folder of the datasets with --data")
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no {unknown[0]}.mat in {folder}; there are {', '.join(known)}")
    return [file for file in files if not names or file.stem in names]


if __name__ == "__main__":
    main()
