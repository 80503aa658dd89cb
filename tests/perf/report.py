"""Measures this project against the peer library, side by side in one run: ``make perf``.

Writes results/perf.md. Times are of this machine at this hour; the ratios are what counts.

usage: python tests/perf/report.py [DATASET ...]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from document import machine, put
from measure import CPNN_EPOCHS, IIS_ITERATIONS
from sklearn.model_selection import KFold

from benchmark.datasets import Dataset, load_dataset

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
REAL = [ROOT.parent / "shared" / "datasets" / f"{n}.mat" for n in ("emotion6", "Yeast_cold")]
MODELS = ("PT-Bayes", "PT-SVM", "AA-kNN", "AA-BP", "SA-IIS", "SA-BFGS", "SA-CPNN")

#: How often a thing is measured: so many times, fewer where the runs together take so many
#: seconds, once where a run takes so many.
REPETITIONS, ENOUGH, LONG = 16, 3.0, 30.0

#: Name in measure.py -> whether the libraries do the same work.
WORK = {
    "PT-Bayes": "different: full covariances, and a choice of their shrinkage, here; variances "
    "alone (naive) there",
    "PT-Bayes, fixed": "same: full covariances with a fixed shrinkage, there by putting "
    "scikit-learn's QuadraticDiscriminantAnalysis into the peer's transformation",
    "PT-SVM": "different: RBF machines of all pairs here, linear ones of a label against the rest "
    "there",
    "AA-kNN": "same",
    "AA-BP": "same sizes and epochs; momentum here, plain descent at a rate of 0.001 there",
    "SA-IIS": "same: no intercepts, same start, same steps",
    "SA-BFGS": "same: no intercepts, same start, same budget; either stops by its own rule",
    "SA-CPNN": "same sizes, epochs of RProp",
}

IIS_LIMIT = (
    "products of the {powers:.1f} powers needed and of the scores with X, exponentials, two Newton "
    "steps"
)

#: Name in limits.py -> what is shown, what divides its seconds, how it is printed, of what it is.
LIMITED = {
    "SA-CPNN": ("SA-CPNN, epoch", CPNN_EPOCHS, ".3f",
        "two products with X, a tanh for each label, row and unit, the gradient's passes in NumPy"),
    "SA-IIS": ("SA-IIS, iteration from random weights", IIS_ITERATIONS, ".3f", IIS_LIMIT),
    "SA-IIS, default": ("SA-IIS, iteration of the default", IIS_ITERATIONS, ".3f", IIS_LIMIT),
    "PT-SVM": ("PT-SVM, fold", 1, ".0f",
        "the kernel matrix, an inverse, {machine_iterations} products of a vector with it"),
}  # fmt: skip

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
     "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    "1",
)  # fmt: skip
ENVIRONMENT = {
    **os.environ,
    **ONE_THREAD,
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class Worker:
    """A process that measures one thing whenever it is told to, see measure.py."""

    def __init__(self, who: str, name: str, data: Path):
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(HERE / "measure.py"), who, name, str(data)],
            cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.runs: list[dict[str, Any]] = []

    def run(self) -> None:
        """Measure once more."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print("run", file=self._process.stdin, flush=True)
        while not (line := self._process.stdout.readline()).startswith("{"):
            if not line:
                raise SystemExit(f"{self._process.args} failed")
        self.runs.append(json.loads(line))

    def wants_more(self) -> bool:
        """Say whether another run would make the median better, at a bearable cost."""
        spent = sum(run["seconds"] for run in self.runs)
        if len(self.runs) == 1:  # imports and compiles
            return spent < LONG
        return len(self.runs) < REPETITIONS and spent < ENOUGH

    def result(self) -> dict[str, Any]:
        """End the process; return its last figures, with the median of its seconds.

        The first run counts only where it is the only one.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        seconds = [run["seconds"] for run in self.runs[1:] or self.runs]
        return {**self.runs[-1], "seconds": float(np.median(seconds)), "runs": len(seconds)}


def in_turn(name: str, data: Path, *who: str) -> list[dict[str, Any]]:
    """Measure one thing of several parties in turn; return the figures of each."""
    print(f"measuring {name} ({', '.join(who)})", file=sys.stderr, flush=True)
    workers = [Worker(party, name, data) for party in who]
    while any(worker.wants_more() for worker in workers):
        for worker in workers:
            if worker.wants_more():
                worker.run()
    return [worker.result() for worker in workers]


def times(peer: float, ours: float) -> str:
    """How many times faster ours is."""
    return f"{peer / ours:.2f}" if peer < 2 * ours else f"{peer / ours:.1f}"


def timed(*arguments: str) -> tuple[float, float]:
    """Wall seconds and peak MiB (largest process) of a command line of this project."""
    code = (
        "import resource, subprocess, sys, time\n"
        "begin = time.perf_counter()\n"
        "done = subprocess.run([sys.executable, '-m', 'benchmark', *sys.argv[1:]],"
        " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(done.returncode, time.perf_counter() - begin,"
        " resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    returncode, seconds, peak = map(float, done.stdout.split())
    if returncode:
        raise SystemExit(f"benchmark {' '.join(arguments)} failed with {returncode:.0f}")
    return seconds, peak


def peer_section(dataset: Dataset) -> list[str]:
    """Measure every learner against the peer library on the first of ten folds."""
    train, test = next(KFold(10, shuffle=True, random_state=0).split(dataset.X))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "fold.npz"
        arrays = {
            "X": dataset.X[train], "D": dataset.D[train],
            "X_test": dataset.X[test], "D_test": dataset.D[test],
        }  # fmt: skip
        np.savez(data, **arrays)
        found = {name: in_turn(name, data, "peer", "ours") for name in WORK}
        limits = {name: in_turn(name, data, "ours", "limit") for name in LIMITED}

    n, q = dataset.X[train].shape
    lines = [
        f"**{dataset.name}**, training rows of the first of ten folds: {n} x {q}, "
        f"{dataset.D.shape[1]} labels; KL and accuracy on its {len(test)} test rows.",
        "",
        "| model | peer s | ours s | times faster | peer KL | ours KL | peer accuracy "
        "| ours accuracy | peer MiB | ours MiB | work |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, (peer, ours) in found.items():
        cells = [name, f"{peer['seconds']:.4f}", f"{ours['seconds']:.4f}"]
        cells.append(times(peer["seconds"], ours["seconds"]))
        cells += [f"{who['kl']:.4f}" for who in (peer, ours)]
        cells += [f"{100 * who['accuracy']:.1f} %" for who in (peer, ours)]
        cells += [f"{who['peak_mib']:.0f}" for who in (peer, ours)]
        lines.append("| " + " | ".join([*cells, WORK[name]]) + " |")
    for what, left_out in (("all seven", ()), ("all but PT-SVM", ("PT-SVM",))):
        kept = [pair for name, pair in found.items() if name in MODELS and name not in left_out]
        sums = [sum(figures["seconds"] for figures in column) for column in zip(*kept, strict=True)]
        lines.append(
            f"| **{what}** | {sums[0]:.2f} | {sums[1]:.2f} | {times(*sums)} | | | | | | | |"
        )
    reached = [
        f"{name} {found[name][0]['objective']:.2f} there, {found[name][1]['objective']:.2f} here"
        for name in ("SA-IIS", "SA-BFGS")
    ]
    lines += [
        "",
        f"Training objective reached from the same start: {'; '.join(reached)}. PT-SVM: "
        f"{found['PT-SVM'][1]['iterations']} iterations of the slowest machine.",
        "",
        "| what | ours | limit | ours / limit | limit of |",
        "|---|---|---|---|---|",
    ]
    for name, (ours, limit) in limits.items():
        what, parts, unit, of = LIMITED[name]
        mine, least = (1e3 * figures["seconds"] / parts for figures in (ours, limit))
        lines.append(
            f"| {what}, ms | {mine:{unit}} | {least:{unit}} | {mine / least:.2f} "
            f"| {of.format(**limit)} |"
        )
    return lines


def harness_section(source: str) -> list[str]:
    """Measure whole commands as a user waits for them."""
    lines = [
        "| command | seconds | peak MiB of the largest process |",
        "|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/run"
        commands = [
            ("--help",),
            ("run", "--all", "--out", out),
            ("run", "--all", "--out", out),
            ("table", "3", "--out", out),
        ]
        if Path(source).is_file():
            commands.append(("run", "--all", "--dataset", source, "--out", f"{out}2"))
        seen: set[tuple[str, ...]] = set()
        for command in commands:
            seconds, peak = timed(*command)
            shown = " ".join(command).replace(source, Path(source).name).replace(f"{folder}/", "")
            again = " (again: everything is there)" if command in seen else ""
            seen.add(command)
            lines.append(f"| `{shown}`{again} | {seconds:.2f} | {peak:.0f} |")
    return lines


def sources() -> list[str]:
    """Return what to measure on: the command line's datasets, the real ones, or made ones."""
    real = [str(path) for path in REAL if path.is_file()]
    return sys.argv[1:] or real or ["synthetic"]


def main() -> None:
    """Measure everything and write results/perf.md."""
    about = (
        f"{machine()}, numpy {version('numpy')}, scipy {version('scipy')}. CPU seconds to fit and "
        f"predict one fold, one thread. The two libraries run in turn, each in a process of its "
        f"own (MiB: its peak); the median of up to {REPETITIONS - 1} runs after a first one, of "
        f"fewer where they take {ENOUGH:g} s together; a run of {LONG:g} s is the only one. Equal "
        "budgets: SA-IIS 50 iterations, SA-BFGS 500 at most, SA-CPNN 400 epochs, AA-BP 200, k = 4."
    )
    lines = [about]
    for source in sources():
        lines += ["", *peer_section(load_dataset(source))]
    put(f"Against python-ldl {version('python-ldl')}", lines)
    put("Whole commands", [f"{machine()}.", "", *harness_section(sources()[0])])


if __name__ == "__main__":
    main()
