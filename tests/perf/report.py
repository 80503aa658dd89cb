"""Measures this project against the peer library, side by side in one run: ``make perf``.

Writes results/perf.md. Times are of this machine at this hour; the ratios are what counts.

usage: python tests/perf/report.py [DATASET]
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
from sklearn.model_selection import KFold

from benchmark.datasets import load_dataset

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
REAL = ROOT.parent / "shared" / "datasets" / "emotion6.mat"
MODELS = ("PT-Bayes", "PT-SVM", "AA-kNN", "AA-BP", "SA-IIS", "SA-BFGS", "SA-CPNN")
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


def measure(who: str, name: str, data: Path) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    print(f"measuring {name} ({who})", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / "measure.py"), who, name, str(data)],
        cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def both(name: str, data: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure the peer library and ours, one right after the other."""
    return measure("peer", name, data), measure("ours", name, data)


def times(peer: float, ours: float) -> str:
    """How many times faster ours is."""
    return f"{peer / ours:.1f}"


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


def peer_section(source: str) -> list[str]:
    """Measure every learner against the peer library on the first of ten folds."""
    dataset = load_dataset(source)
    train, test = next(KFold(10, shuffle=True, random_state=0).split(dataset.X))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "fold.npz"
        arrays = {"X": dataset.X[train], "D": dataset.D[train], "X_test": dataset.X[test]}
        np.savez(data, **arrays)
        iis_peer, iis = both("iis", data)
        cpnn_peer, cpnn = both("cpnn", data)
        bfgs_peer = measure("peer", "bfgs", data)
        np.savez(data, **arrays, target=np.array(bfgs_peer["objective"]))
        bfgs = measure("ours", "bfgs", data)
        budgets = {name: both(name, data) for name in MODELS}

    n, q = dataset.X[train].shape
    lines = [
        f"Training rows of the first of ten folds of {dataset.name}: {n} x {q}, "
        f"{dataset.D.shape[1]} labels.",
        "",
        "| what | peer | ours | times faster |",
        "|---|---|---|---|",
        f"| SA-IIS, ms per iteration ({iis['iterations']} iterations from the same random "
        f"weights) | {iis_peer['per_iteration'] * 1e3:.1f} | {iis['per_iteration'] * 1e3:.2f} "
        f"| {times(iis_peer['per_iteration'], iis['per_iteration'])} |",
        f"| SA-IIS, objective then reached | {iis_peer['objective']:.4f} "
        f"| {iis['objective']:.4f} | |",
        f"| SA-CPNN, ms per epoch | {cpnn_peer['per_epoch'] * 1e3:.1f} "
        f"| {cpnn['per_epoch'] * 1e3:.2f} "
        f"| {times(cpnn_peer['per_epoch'], cpnn['per_epoch'])} |",
    ]
    for kind, what in (("whitened", "`whiten=True`"), ("plain", "defaults")):
        lines.append(
            f"| SA-BFGS ({what}, {bfgs[f'{kind}_iterations']} iterations), ms to the peer's "
            f"objective {bfgs_peer['objective']:.4f} | {bfgs_peer['seconds'] * 1e3:.0f} "
            f"| {bfgs[f'{kind}_seconds'] * 1e3:.0f} "
            f"| {times(bfgs_peer['seconds'], bfgs[f'{kind}_seconds'])} |"
        )
    lines += [
        "",
        "Equal budgets: SA-IIS 50 iterations, SA-BFGS 500, SA-CPNN 400 epochs, AA-BP 200, k = 4; "
        "PT-SVM is a linear machine there, an RBF one here. Seconds to fit and predict one fold, "
        "and the peak of the process in MiB.",
        "",
        "| model | peer s | ours s | times faster | peer MiB | ours MiB |",
        "|---|---|---|---|---|---|",
    ]
    totals = np.zeros(2)
    peaks = np.zeros(2)
    for name, (peer, ours) in budgets.items():
        seconds = np.array([r["fit"] + r["predict"] for r in (peer, ours)])
        totals += seconds
        peaks = np.maximum(peaks, [peer["peak_mib"], ours["peak_mib"]])
        lines.append(
            f"| {name} | {seconds[0]:.2f} | {seconds[1]:.3f} | {times(*seconds)} "
            f"| {peer['peak_mib']:.0f} | {ours['peak_mib']:.0f} |"
        )
    lines.append(
        f"| all seven | {totals[0]:.1f} | {totals[1]:.2f} | {times(*totals)} "
        f"| {peaks[0]:.0f} | {peaks[1]:.0f} |"
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


def main() -> None:
    """Measure everything and write results/perf.md."""
    source = sys.argv[1] if len(sys.argv) > 1 else str(REAL) if REAL.is_file() else "synthetic"
    about = (
        f"{machine()}, numpy {version('numpy')}, scipy {version('scipy')}. Each figure is of a "
        "process of its own, one thread in both libraries."
    )
    put(f"Against python-ldl {version('python-ldl')}", [about, "", *peer_section(source)])
    put("Whole commands", [f"{machine()}.", "", *harness_section(source)])


if __name__ == "__main__":
    main()
