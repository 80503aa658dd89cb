"""What the harness costs above the methods: a made run of 10,000 tasks, timed and profiled.

Writes results/overhead/times.csv, a row per step as it is measured, and with ``--profile``
profile.csv beside it; times.md and profile.md show the same as tables for the docs. A method that
only averages makes all that is measured overhead. Two checkouts are measured in turn, so that both
see the same machine:

    python tests/perf/overhead.py --code before=../0.1.0 --code now=.

usage: python tests/perf/overhead.py [--code NAME=CHECKOUT ...] [--shape 10x20x10x5] [--profile]
"""

from __future__ import annotations

import argparse
import csv
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "results" / "overhead"

#: Datasets, models, folds and repeats of the made runs.
SHAPES = ("10x20x10x5", "10x10x10x10")

#: A step's command, and what of the run it is given.
STEPS = {
    "help": ["--help"],
    "run": ["run"],
    "resume": ["run", "--no-report"],
    "table 3": ["table", "3"],
    "report": ["report"],
    "figure all": ["figure", "all"],
}

#: Said on standard error when a run knows what is left to do.
STARTED = b"done before"

#: Columns of what was measured, in seconds, and milliseconds for each task.
MEASURED = ("wall", "processor", "started", "ms_a_task")

#: How many functions of a profile are kept.
TOP = 25

# Processor time, since others use the machine too; written before the program ends its process.
PROFILED = """
import cProfile, sys, time
file = sys.argv.pop(1)
profile = cProfile.Profile(time.process_time)
profile.enable()
from benchmark.cli import main
try:
    main.main()
except SystemExit as end:
    profile.disable()
    profile.dump_stats(file)
    raise
"""

#: What is measured by itself with ``--parts``: its code, and how often it is done. Processor time.
PARTS = {
    "import what table 3 needs": ("", "import benchmark.commands.table3", 1),
    "import what a worker needs": ("", "import benchmark.running.execute", 1),
    "limit the threads of a task": (
        "import pathlib, features, scipy.linalg\n"
        "from threadpoolctl import threadpool_limits\n"
        "one_thread = lambda: threadpool_limits(1)\n"
        "if pathlib.Path(features.__file__).with_name('one_thread.py').exists():\n"
        "    from features.one_thread import one_thread\n",
        "with one_thread(): pass",
        200,
    ),
    "list known models": (
        "from benchmark.plugins.registry import models; models()",
        "models()",
        20,
    ),
    "store a result of a short task": (
        "import inspect, itertools, pathlib, numpy as np\n"
        "from features.storage.files import write_arrays\n"
        "arrays = {'predictions': np.full((6, 4), 0.25), 'record': np.array('x' * 1500)}\n"
        "new = 'sync' in inspect.signature(write_arrays).parameters\n"
        "more, numbers = {'sync': False} if new else {}, itertools.count()\n"
        "folder = pathlib.Path('stored'); folder.mkdir(exist_ok=True)",
        "write_arrays(folder / f'{next(numbers)}.npz', arrays, **more)",
        500,
    ),
    "read a result": (
        "import sys, pathlib, itertools; from features.storage.files import read_arrays\n"
        "files = itertools.cycle(sorted(pathlib.Path('run/tasks').rglob('*.npz')))",
        "read_arrays(next(files))",
        500,
    ),
}

TIMED = """
import time
{before}
start = time.process_time()
for _ in range({number}):
    {code}
print(1000 * (time.process_time() - start) / {number})
"""

ROWS, FEATURES, LABELS = 60, 3, 4

PLUGIN = '''
from baselines.base import LDLEstimator
from benchmark import register

import numpy as np


class Average(LDLEstimator):
    """Mean of the training distributions, moved a little by its number."""

    number = 0

    def _fit(self, X, D):
        share = self.number / 100
        self.mean_ = (1 - share) * D.mean(axis=0) + share / D.shape[1]

    def _predict(self, X):
        return np.tile(self.mean_, (len(X), 1))


for number in range({models}):
    name = f"average{{number}}"
    register(name)(type(name, (Average,), {{"number": number, "__module__": __name__}}))
'''


@dataclass(frozen=True)
class Shape:
    """How many datasets, models, folds and repeats a run has."""

    text: str

    @property
    def numbers(self) -> list[int]:
        """The four numbers."""
        return list(map(int, self.text.split("x")))

    @property
    def tasks(self) -> int:
        """Their product."""
        return int(np.prod(self.numbers))


def make_inputs(folder: Path, shape: Shape) -> list[str]:
    """Write datasets and models, and return the arguments of a run of them."""
    datasets, models, folds, repeats = shape.numbers
    rng = np.random.default_rng(0)
    plugin = folder / "averages.py"
    plugin.write_text(PLUGIN.format(models=models))
    arguments = [str(plugin), "--folds", str(folds), "--repeats", str(repeats)]
    heads = [*(f"x{i}" for i in range(FEATURES)), *(f"label:y{i}" for i in range(LABELS))]
    for number in range(datasets):
        X, D = rng.normal(size=(ROWS, FEATURES)), rng.dirichlet(np.ones(LABELS), size=ROWS)
        path = folder / f"set{number}.csv"
        np.savetxt(path, np.hstack([X, D]), delimiter=",", header=",".join(heads), comments="")
        arguments += ["--dataset", str(path)]
    return arguments


def measure(code: Path, folder: Path, arguments: Sequence[str]) -> dict[str, float]:
    """Run a command with a checkout's code: seconds of wall and processor, all processes together.

    ``started`` is the wall time until a run says what is left to do.
    """
    environment = {**os.environ, "PYTHONPATH": str(code)}
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    found: dict[str, float] = {}
    said = b""
    for line in process.stderr:
        said = (said + line)[-2000:]
        if STARTED in line:
            found["started"] = time.perf_counter() - begin
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {said.decode(errors='replace')}")
    return {**found, "wall": wall, "processor": used.ru_utime + used.ru_stime}


def command(step: str, inputs: Sequence[str]) -> list[str]:
    """Return the arguments of a step's command."""
    words = STEPS[step]
    given = [] if step == "help" else ["--out", "run"]
    return [*words, *(inputs if words[0] == "run" else []), *given]


def measure_parts(
    codes: Mapping[str, str], folder: Path, parts: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Measure `PARTS` with each checkout in turn, in a folder with a run."""
    for part in parts:
        before, code, number = PARTS[part]
        text = TIMED.format(before=before, code=code, number=number)
        row: dict[str, object] = {"part": part}
        for name, checkout in codes.items():
            environment = {**os.environ, "PYTHONPATH": str(Path(checkout).resolve())}
            said = subprocess.run(
                [sys.executable, "-c", text], cwd=folder, env=environment, check=True,
                stdout=subprocess.PIPE, text=True,
            ).stdout  # fmt: skip
            row[f"{name} ms"] = f"{float(said):.2f}"
        yield row


def parts_text(rows: Sequence[dict[str, object]]) -> str:
    """Lay the parts out as Markdown."""
    heads = list(rows[0])
    return _markdown(
        [heads[0].capitalize(), *heads[1:]], [[str(r[h]) for h in heads] for r in rows]
    )


def profile(code: Path, folder: Path, arguments: Sequence[str]) -> list[dict[str, object]]:
    """Return the functions of a command's main process that take most time themselves."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "profile")
        measure(code, folder, ["-c", PROFILED, str(file), *arguments])
        stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]
    total = sum(entry[2] for entry in stats.values())
    found = sorted(stats.items(), key=lambda item: -item[1][2])[:TOP]
    return [
        {
            "function": f"{_short(path, code)}:{name}",
            "calls": calls,
            "own_seconds": round(own, 3),
            "share": round(own / total, 4),
            "with_callees": round(whole, 3),
        }
        for (path, _line, name), (_, calls, own, whole, _) in found
    ]


def _short(path: str, code: Path) -> str:
    """Return a path without what is of this machine."""
    for root in (str(code), sys.prefix, sys.base_prefix):
        path = path.removeprefix(root)
    return path.partition("site-packages/")[2] or path.lstrip("/~")


def times_text(rows: Sequence[dict[str, object]]) -> str:
    """Lay the steps out, checkouts beside each other, as Markdown."""
    codes = list(dict.fromkeys(row["code"] for row in rows))
    found = {(row["shape"], row["step"], row["code"]): row for row in rows}
    heads = [f"{what}, {code}" for what in ("processor s", "wall s") for code in codes]
    heads += [f"ms a task, {code}" for code in codes]
    lines = []
    for shape, step in dict.fromkeys((row["shape"], row["step"]) for row in rows):
        mine = [found.get((shape, step, code), {}) for code in codes]
        cells = [f"{shape}: {step}"]
        for column in ("processor", "wall", "ms_a_task"):
            cells += [str(row.get(column, "")) for row in mine]
        if any(row.get("started", "nan") not in ("", "nan") for row in mine):
            lines.append([f"{shape}: {step}, until it starts", *[""] * len(codes),
                          *(str(row.get("started", "")) for row in mine),
                          *[""] * len(codes)])  # fmt: skip
        lines.append(cells)
    return _markdown(["Step", *heads], lines)


def profile_text(rows: Sequence[dict[str, object]], most: int = 8) -> str:
    """Lay out the functions that take most time themselves, as Markdown."""
    lines, number = [], dict[tuple[object, ...], int]()
    for row in rows:
        of = (row["shape"], row["step"], row["code"])
        number[of] = number.get(of, 0) + 1
        if number[of] <= most:
            lines.append([f"{row['step']}, {row['code']}, {number[of]}", f"`{row['function']}`",
                          str(row["calls"]), str(row["own_seconds"]),
                          f"{float(str(row['share'])):.1%}"])  # fmt: skip
    return _markdown(["Step", "Function", "Calls", "Seconds", "Share"], lines)


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


class Table:
    """A CSV file whose rows are kept as they are measured; those of the same names are replaced."""

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        text: Callable[[Sequence[dict[str, object]]], str],
    ):
        self.path, self.names, self.text = path, names, text
        self.rows: list[dict[str, object]] = []
        if path.exists():
            with path.open(newline="") as file:
                self.rows = [dict(row) for row in csv.DictReader(file)]

    def put(self, rows: Sequence[dict[str, object]]) -> None:
        """Add rows, and write the file."""
        new = {self._of(row) for row in rows}
        self.rows = [row for row in self.rows if self._of(row) not in new] + list(rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
        self.path.with_suffix(".md").write_text(self.text(self.rows))

    def _of(self, row: dict[str, object]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in self.names)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--code", action="append", metavar="NAME=CHECKOUT")
    parser.add_argument("--shape", action="append", help=f"by default {' and '.join(SHAPES)}")
    parser.add_argument("--step", action="append", choices=STEPS, help="by default all")
    parser.add_argument("--jobs", default=str(os.cpu_count()))
    parser.add_argument("--profile", action="store_true", help="the main process of each step too")
    parser.add_argument("--out", type=Path, default=TARGET)
    parser.add_argument("--work", type=Path, help="keep the runs here, and use those that are")
    parser.add_argument("--parts", type=Path, metavar="FOLDER", help="measure parts, on its run")
    parser.add_argument("--part", action="append", choices=PARTS, help="by default all")
    options = parser.parse_args()
    codes = dict(text.split("=", 1) for text in options.code or [f"now={ROOT}"])
    times = Table(options.out / "times.csv", ("code", "shape", "step"), times_text)
    profiles = Table(
        options.out / "profile.csv", ("code", "shape", "step", "function"), profile_text
    )
    if options.parts:
        table = Table(options.out / "parts.csv", ("part",), parts_text)
        for row in measure_parts(codes, options.parts, options.part or list(PARTS)):
            print(row, flush=True)
            table.put([row])
        return
    with tempfile.TemporaryDirectory() as place:
        for shape, step, (name, code) in product(
            map(Shape, options.shape or SHAPES), options.step or STEPS, codes.items()
        ):
            folder = (options.work or Path(place)) / shape.text / name
            folder.mkdir(parents=True, exist_ok=True)
            inputs = [*make_inputs(folder, shape), "--jobs", options.jobs]
            arguments = command(step, inputs)
            where = {"code": name, "shape": shape.text, "step": step}
            if step == "run":
                shutil.rmtree(folder / "run", ignore_errors=True)
            found = measure(Path(code).resolve(), folder, ["-m", "benchmark", *arguments])
            if step == "run":
                found["ms_a_task"] = 1000 * found["wall"] / shape.tasks
            row = {**where, "tasks": shape.tasks}
            row |= {key: f"{found[key]:.2f}" if key in found else "" for key in MEASURED}
            print(row, flush=True)
            times.put([row])
            if options.profile:
                if step == "run":
                    shutil.rmtree(folder / "run", ignore_errors=True)
                entries = profile(Path(code).resolve(), folder, arguments)
                profiles.rows = [row for row in profiles.rows if where.items() - row.items()]
                profiles.put([{**where, **entry} for entry in entries])


if __name__ == "__main__":
    main()
