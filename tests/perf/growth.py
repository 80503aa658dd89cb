"""Time and memory of every learner against rows, features and labels, and at the largest sizes.

Each point is measured in a process of its own with one thread: processor seconds of a fit and of
the prediction of a tenth of the rows, and the peak of memory beside the interpreter, its libraries
and the data. Sizes grow by 4 along each of three axes until a point takes longer than `--seconds`;
the sizes of `EXTREMES` come last. A row is written as soon as it is measured, and a later call goes
on where this one ended; one with a longer limit tries again what was stopped.

usage: python tests/perf/growth.py [--seconds 60] [--extreme-seconds 600] [--tables] [METHOD ...]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from benchmark.plugins.built_in import EXTENDED, NEWER, PAPER
from benchmark.plugins.registry import models

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "results" / "growth"
COLUMNS = ("method", "n", "q", "c", "seconds", "fit_seconds", "predict_seconds", "peak_mib",
           "data_mib", "status", "limit", "said")  # fmt: skip

MIB = 2**20


class Size(NamedTuple):
    """Rows, features and labels."""

    n: int
    q: int
    c: int

    def __str__(self) -> str:
        return f"{self.n:,} x {self.q:,} x {self.c:,}"

    @property
    def bytes(self) -> int:
        """Of the data."""
        return 8 * self.n * (self.q + self.c)


BASE, STEP, STEPS = Size(1000, 40, 8), 4, 4
EXTREMES = (Size(118_000, 280, 8), Size(500, 20_000, 8), Size(3_000, 100, 1_000))

#: Settings for many rows, see docs/scale.md: measured at the first of `EXTREMES` only.
LARGE = {
    "PT-SVM, Nystroem": ("PT-SVM", {"kernel_approximation": "nystroem"}),
    "AA-BP, in batches": ("AA-BP", {"batch_size": 256, "epochs": 50}),
    "SA-CPNN, in batches": ("SA-CPNN", {"batch_size": 256, "epochs": 50}),
}

#: What a point may take beside the libraries' code: the limit of `baselines.size`, with its data.
MOST_BYTES = 9 * 10**9

#: A shorter time is that of the interpreter and of rounding the clock, and tells no exponent.
SHORTEST = 0.05
#: Less memory than this is that of buffers that do not grow.
LEAST_MIB = 4.0

Row = dict[str, Any]


def axis(number: int) -> list[Size]:
    """Return the sizes along rows (0), features (1) or labels (2), the smallest first."""
    sizes = []
    for step in range(STEPS + 1):
        values = list(BASE)
        values[number] *= STEP**step
        sizes.append(Size(*values))
    return sizes


def made(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Return features of falling deviation, and distributions that ten of them tell about."""
    rng = np.random.default_rng(0)
    X, D = np.empty((size.n, size.q)), np.empty((size.n, size.c))
    W = rng.normal(size=(min(10, size.q), size.c))
    falling = 1.0 / np.sqrt(1.0 + np.arange(size.q) / 10)
    for start in range(0, size.n, 1000):
        x, d = X[start : start + 1000], D[start : start + 1000]
        rng.standard_normal(out=x)
        x *= falling
        d[:] = x[:, : len(W)] @ W + rng.normal(size=d.shape)
        np.exp(d, out=d)
        d /= d.sum(axis=1, keepdims=True)
    return X, D


def resident() -> float:
    """MiB that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / MIB


def measure(make: Callable[[], Any], size: Size, tell: int) -> None:
    """Fit and predict in this process, and write what it took to the pipe `tell`."""

    def say(**what: Any) -> None:
        os.write(tell, json.dumps(what).encode() + b"\n")

    say(start=resident())
    X, D = made(size)
    begin = time.process_time()
    try:
        learner = make()
        if "random_state" in learner.get_params():
            learner.set_params(random_state=0)
        learner.fit(X, D)
        fitted = time.process_time()
        learner.predict(X[: size.n // 10])
        done = time.process_time()
    except ValueError as error:
        say(status="refused", said=str(error))
        return
    except MemoryError:
        say(status="too large")
        return
    say(status="done", fit_seconds=fitted - begin, predict_seconds=done - fitted)


def point(make: Callable[[], Any], size: Size, limit: float) -> Row:
    """Measure one point in a process of its own, which ends after `limit` processor seconds.

    It may take `MOST_BYTES` of memory: what needs more shall not take the machine down.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            seconds = int(limit) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
            warnings.simplefilter("ignore")
            with threadpool_limits(1):
                measure(make, size, writing)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = [json.loads(line) for line in pipe]
    _, status, usage = os.wait4(child, 0)
    row: Row = {**size._asdict(), "limit": limit, "data_mib": size.bytes / MIB}
    row["peak_mib"] = usage.ru_maxrss / 1024 - said[0]["start"] - row["data_mib"]
    if len(said) > 1:
        row |= said[1]
    elif os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        stopped = os.WTERMSIG(status) == signal.SIGXCPU
        row["status"] = "stopped" if stopped else "killed"
    else:
        row["status"] = "failed"
    if row["status"] == "done":
        row["seconds"] = row["fit_seconds"] + row["predict_seconds"]
    return row


class Results:
    """The rows of the file, the last of each point; new ones are appended."""

    def __init__(self, path: Path):
        self.path = path
        self.rows: dict[tuple[str, Size], Row] = {}
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    size = Size(*(int(row[key]) for key in "nqc"))
                    numbers = {k: float(row[k]) if row[k] else None for k in COLUMNS[4:9]}
                    self.rows[row["method"], size] = {
                        **row, **numbers, "limit": float(row["limit"]), **size._asdict(),
                    }  # fmt: skip

    def add(self, method: str, row: Row) -> None:
        """Keep a row."""
        self.rows[method, Size(row["n"], row["q"], row["c"])] = {"said": "", "seconds": None, **row}
        new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if new:
                writer.writeheader()
            written = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow({"method": method, **written})

    def is_known(self, method: str, size: Size, limit: float) -> bool:
        """Tell whether there is nothing more to learn of a point within the limit."""
        row = self.rows.get((method, size))
        if row is None:
            return False
        return row["status"] not in ("stopped", "killed") or row["limit"] >= limit


def pending(
    results: Results, methods: list[str], seconds: float, extreme: float
) -> Iterator[tuple[str, Size, float]]:
    """Yield what is to be measured, with its limit: short points of all methods first."""
    for number in range(3):
        for step in range(STEPS + 1):
            for method in methods:
                if method in LARGE:
                    continue
                sizes = axis(number)
                if step:
                    before = results.rows.get((method, sizes[step - 1]), {})
                    took = before.get("seconds")
                    if took is None or took * STEP > seconds:
                        continue  # this one would take longer than the limit
                if not results.is_known(method, sizes[step], seconds):
                    yield method, sizes[step], seconds
    for size in EXTREMES:
        for method in methods:
            if method in LARGE and size != EXTREMES[0]:
                continue
            if not results.is_known(method, size, extreme):
                yield method, size, extreme


# --- The tables -----------------------------------------------------------------------------------


def exponent(rows: list[Row], number: int, what: str) -> str:
    """Return the slope over the largest three points, on logarithms; empty where nothing grows."""
    least = SHORTEST if what == "seconds" else LEAST_MIB
    usable = [row for row in rows if row["status"] == "done" and row[what] >= least][-3:]
    if len(usable) < 2:
        return "-"
    sizes = np.log([row["nqc"[number]] for row in usable])
    slope = float(np.polyfit(sizes, np.log([row[what] for row in usable]), 1)[0])
    return f"{slope:.1f}"


def growth_table(results: Results, methods: list[str]) -> list[list[str]]:
    """Return the exponents of time and memory in n, q and c of each method."""
    table = [["Method", *(f"{what} {key}" for what in ("time in", "memory in") for key in "nqc")]]
    for method in methods:
        if method in LARGE:
            continue
        cells = [method]
        for what in ("seconds", "peak_mib"):
            for number in range(3):
                found = [results.rows.get((method, size)) for size in axis(number)]
                cells.append(exponent([row for row in found if row], number, what))
        table.append(cells)
    return table


def extremes_table(results: Results, methods: list[str]) -> list[list[str]]:
    """Return time and memory of each method at the largest sizes."""
    heads = [head for size in EXTREMES for head in (str(size), f"{size}, memory")]
    table = [["Method", *heads]]
    for method in methods:
        cells = [method]
        for size in EXTREMES:
            absent = ["-", "-"] if method in LARGE else ["not measured", "-"]
            row = results.rows.get((method, size))
            cells += described(row) if row else absent
        table.append(cells)
    return table


def described(row: Row) -> list[str]:
    """Return the time and the memory of a point as people read them."""
    gib = f"{max(row['peak_mib'], 0.0) / 1024:.2f} GiB"
    if row["status"] == "done":
        return [f"{row['seconds']:.3g} s", gib]
    if row["status"] == "stopped":
        return [f"over {row['limit']:g} s", f"at least {gib}"]
    if row["status"] == "too large":
        return ["too large", f"over {MOST_BYTES / 2**30:.2g} GiB"]
    return [row["status"], "-"]


def markdown(table: list[list[str]]) -> str:
    """Write a table."""
    lines = [f"| {' | '.join(cells)} |" for cells in table]
    return "\n".join([lines[0], "|" + "---|" * len(table[0]), *lines[1:]]) + "\n"


def write_tables(results: Results, methods: list[str]) -> None:
    """Write both tables beside the measurements."""
    for name, table in (("exponents", growth_table), ("extremes", extremes_table)):
        text = markdown(table(results, methods))
        (results.path.parent / f"{name}.md").write_text(text, encoding="utf-8")


def main() -> None:
    """Measure what is not measured yet, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="limit of a point of an axis")
    parser.add_argument("--extreme-seconds", type=float, default=600.0)
    parser.add_argument("--again", action="store_true", help="measure known points once more")
    parser.add_argument("--tables", action="store_true", help="only write the tables")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("methods", nargs="*", metavar="METHOD")
    given = parser.parse_args()
    entries = {name: entry for name, entry in models().items() if name in PAPER | EXTENDED | NEWER}
    makers = {name: entry.load() for name, entry in entries.items()}
    makers = {name: cls for name, cls in makers.items() if cls.consumes == "features"}
    makers |= {name: partial(makers[model], **given) for name, (model, given) in LARGE.items()}
    known = [*makers]
    if unknown := set(given.methods) - set(known):
        parser.error(f"no such method: {', '.join(unknown)} (known: {', '.join(known)})")
    results, wanted = Results(given.folder / "growth.csv"), given.methods or known
    if given.again:
        for key in [key for key in results.rows if key[0] in wanted]:
            del results.rows[key]
    if not given.tables:
        for method, size, limit in pending(results, wanted, given.seconds, given.extreme_seconds):
            row = point(makers[method], size, limit)
            results.add(method, row)
            took = f"{row['seconds']:.3g} s" if row["status"] == "done" else row["status"]
            print(f"{method}, {size}: {took}, {row['peak_mib']:,.0f} MiB", flush=True)
    write_tables(results, known)


if __name__ == "__main__":
    main()
