"""A whole run on 118,000 rows, and tables, report and figures of it: peak memory of each process.

The data are made, 118,000 x 280 with 8 labels, and go with all else in the end. Each command runs
as a user would run it, its processes are watched, and a row of `results/growth/large_run.csv` is
written as each ends: the highest peak among the processes of a kind. What is mapped from a file
that others share counts in each of them. The command itself says first which models need much.

usage: python tests/perf/large_run.py [--folder DIR] [--keep] [MODEL ...]
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from growth import EXTREMES, FOLDER, ROOT, made, markdown

COLUMNS = ("command", "process", "peak_mib", "own_mib", "exit_status", "seconds")
HEADINGS = ["Process", "Peak, MiB", "Own, MiB"]
MODELS = ("PT-Bayes", "PT-SVM", "AA-kNN", "SA-IIS", "SA-BFGS", "AA-BP-batches", "SA-CPNN-batches",
          "Ridge", "Kernel-ridge")  # fmt: skip

# What the paper's networks on features are at this size: few passes, many steps.
PLUGIN = """
from baselines import AABP, SACPNN
from benchmark import register


@register("AA-BP-batches")
class Backprop(AABP):
    def __init__(self, epochs=20, batch_size=512, random_state=None):
        super().__init__(epochs=epochs, batch_size=batch_size, random_state=random_state)


@register("SA-CPNN-batches")
class Network(SACPNN):
    def __init__(self, epochs=10, batch_size=512, random_state=None):
        super().__init__(epochs=epochs, batch_size=batch_size, random_state=random_state)
"""


def descendants(root: int) -> list[int]:
    """Return a process and all that it started, as far as they run."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def kind_of(pid: int, root: int) -> str:
    """Say what a process is by its command line."""
    line = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    for sign, kind in (("files.process", "reader of the file"), ("running.worker", "worker")):
        if sign in line:
            return kind
    return "main process" if pid == root else "other"


def watched(command: list[str], folder: Path) -> tuple[int, float, dict[str, list[float]]]:
    """Run a command; return its exit status, its seconds, and peak and own MiB by kind."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "benchmark", *command], cwd=folder,
                               env=None, start_new_session=True)  # fmt: skip
    peaks: dict[str, list[float]] = {}
    while process.poll() is None:
        for pid in descendants(process.pid):
            with suppress(OSError, KeyError, ValueError):
                lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
                found = {key: value for key, _, value in (line.partition(":") for line in lines)}
                now = [int(found[key].split()[0]) / 1024 for key in ("VmHWM", "RssAnon")]
                kind = kind_of(pid, process.pid)
                peaks[kind] = [*map(max, peaks.get(kind, [0.0, 0.0]), now)]
        time.sleep(0.2)
    return process.returncode, time.monotonic() - start, peaks


def main() -> None:
    """Make the data, run the commands, and write what they took."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, help="where data and run lie; a temporary one")
    parser.add_argument("--keep", action="store_true", help="leave them there")
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "batches.py").write_text(PLUGIN, encoding="utf-8")
    if not (folder / "tall.npz").exists():
        X, D = made(EXTREMES[0])
        np.savez(folder / "tall.npz", features=X, labels=D)
        del X, D
    run = [*given.models, "--plugin", "batches.py", "--dataset", "tall.npz", "--folds", "2",
           "--jobs", "2", "--no-report", "--give-up"]  # fmt: skip
    path, table = FOLDER / "large_run.csv", [HEADINGS]
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for command in (["run", *run], ["table", "3", "--plugin", "batches.py"],
                            ["report", "--plugin", "batches.py"], ["figure", "all"]):  # fmt: skip
                status, seconds, peaks = watched([*command, "--out", "run"], folder)
                name = " ".join(command[:2] if command[0] in ("table", "figure") else command[:1])
                for kind, (peak, own) in sorted(peaks.items()):
                    if kind != "other":
                        writer.writerow(
                            [name, kind, round(peak), round(own), status, round(seconds)]
                        )
                file.flush()
        path.with_suffix(".md").write_text(markdown(table), encoding="utf-8")
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"Written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
