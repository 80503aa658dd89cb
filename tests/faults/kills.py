"""Kills processes of runs at random moments, and counts what is lost: ``make kills``.

A campaign is a command. Undisturbed it gives the reference. Then, in an empty folder, it is started
again and again; each time one of its processes, drawn by a seed, is killed by SIGKILL at a moment
drawn over the run's length, until the command comes to its end. Each kill is a row of
``results/faults/kills.csv``; a campaign goes on behind the rows that are there.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from campaigns import CAMPAIGNS, Campaign, make_data
from victims import VARIABLE, processes, wait_for_end

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "faults" / "kills.csv"
COLUMNS = (
    "seed", "campaign", "victim", "phase", "moment", "stored", "lost", "wrong", "repeated", "left",
    "notes", "commit",
)  # fmt: skip

#: Files that do not depend on when and how long a run was at work.
FINAL = (
    "scores.csv", "table3.csv", "table3.tex", "table3.md", "pairs.csv", "intervals.csv",
    "failures.json", "folds/*.csv", "data/*.npz",
)  # fmt: skip

_MEMORY = Path("/dev/shm")  # noqa: S108 - it is only looked at

_PATIENCE_SECONDS = 600.0  # of a run on a busy machine
_DEATH_SECONDS = 20.0
_TICK_SECONDS = 0.02


class Place:
    """A folder in which a campaign's command is run again and again."""

    def __init__(self, campaign: Campaign, inputs: Path, folder: Path) -> None:
        self.campaign, self.folder = campaign, folder
        folder.mkdir(parents=True)
        for path in inputs.iterdir():
            (folder / path.name).symlink_to(path)
        (folder / "temporary").mkdir()
        self.fits = folder / "fits.txt"
        self.fits.touch()
        self.name = f"{folder.parent.name}-{folder.name}-{os.getpid()}"

    def start(self) -> subprocess.Popen[str]:
        """Start the command."""
        self._began = self._starts()
        path = [str(ROOT)]
        if self.campaign.has_pictures:
            path.insert(0, str(self.folder / "cores"))
        with (self.folder / "errors.txt").open("w") as errors:
            return subprocess.Popen(
                [sys.executable, *self.campaign.command],
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(path),
                    "TMPDIR": str(self.folder / "temporary"),
                    "LDL_FITS": str(self.fits),
                    VARIABLE: self.name,
                },
                stdout=subprocess.DEVNULL,
                stderr=errors,
                text=True,
            )

    def phase(self) -> str:
        """Say what the command is at, by what is in its folder."""
        out = self.folder / "out"
        if self._starts() == self._began or not (out / "run.json").exists():
            return "start"
        stored = self.stored()
        activations = self.folder / "cache" / "activations"
        if self.campaign.has_pictures and not stored and not _is_complete(activations):
            return "extraction"
        if len(stored) < self.campaign.tasks:
            return self.campaign.work
        if not (out / "scores.csv").exists():
            return "tables"
        if self.campaign.has_report and not (out / "report.html").exists():
            return "report"
        return "end"

    def _starts(self) -> int:
        """Count how often the command has come as far as its log."""
        log = self.folder / "out" / "log.txt"
        return log.read_bytes().count(b" started: ") if log.exists() else 0

    def stored(self) -> list[Path]:
        """Return the files of results."""
        return sorted((self.folder / "out" / "tasks").rglob("r*.npz"))

    def snapshot(self) -> dict[str, tuple[str, bytes, str]]:
        """Read results: name -> hash of the file, bytes of the predictions, seed of the task."""
        found = {}
        for path in self.stored():
            content = path.read_bytes()
            with np.load(io.BytesIO(content)) as arrays:
                record = json.loads(str(arrays["record"]))
                predictions = arrays["predictions"].tobytes()
            name = str(path.relative_to(self.folder))
            seed = str(record.get("random_state"))
            found[name] = (hashlib.sha256(content).hexdigest(), predictions, seed)
        return found

    def fitted(self) -> list[str]:
        """Return a line for every fit of the plugin that has begun."""
        return self.fits.read_text().splitlines()

    def final(self) -> dict[str, bytes]:
        """Read the files that must not depend on kills."""
        out = self.folder / "out"
        return {
            str(path.relative_to(out)): path.read_bytes()
            for pattern in FINAL
            for path in sorted(out.glob(pattern))
        }

    def left(self) -> list[str]:
        """Name what a complete run has no use for."""
        folders = [self.folder / "out", self.folder / "cache"]
        found = [path for folder in folders for path in folder.rglob(".partial-*")]
        found += list(folders[0].glob("running*"))
        found += [path for path in (folders[0] / "checkpoints").rglob("*") if path.is_file()]
        # Dask keeps a folder for all its workers, and what those that died left in it.
        temporary, scratch = self.folder / "temporary", "dask-scratch-space"
        found += [path for path in temporary.iterdir() if path.name != scratch]
        found += [path for path in (temporary / scratch).glob("worker-*") if path.is_dir()]
        return [str(path.relative_to(self.folder)) for path in found]

    def said(self) -> str:
        """Return what the command has said last, and whether there was a traceback."""
        text = (self.folder / "errors.txt").read_text(errors="replace")
        trace = "a traceback: " if "Traceback" in text else ""
        errors = [line for line in text.splitlines() if "Error" in line]
        return trace + (errors[-1] if errors else "")[:200]


def _is_complete(activations: Path) -> bool:
    for manifest in activations.glob("*/manifest.json"):
        with suppress(OSError, ValueError):
            return bool(json.loads(manifest.read_text())["complete"])
    return False


@dataclass
class Reference:
    """What the undisturbed run gives, and how long each phase of it takes."""

    results: dict[str, tuple[str, bytes, str]]
    fits: Counter[str]
    final: dict[str, bytes]
    seconds: dict[str, float]


def undisturbed(place: Place) -> Reference:
    """Run the command once, alone.

    Raises
    ------
    RuntimeError
        It fails.
    """
    seconds: Counter[str] = Counter()
    process, before = place.start(), time.monotonic()
    while process.poll() is None:
        time.sleep(_TICK_SECONDS)
        now = time.monotonic()
        seconds[place.phase()] += now - before
        before = now
    if process.returncode != 0:
        raise RuntimeError(f"{place.campaign.command} failed: {place.said()}")
    if left := [*place.left(), *wait_for_end(place.name, process.pid, _DEATH_SECONDS).values()]:
        raise RuntimeError(f"an undisturbed run leaves {left}")
    fits = Counter(place.fitted())
    return Reference(place.snapshot(), fits, place.final(), dict(seconds))


class Chain:
    """Kills one after the other of the same run, in an empty folder, until it is complete.

    Attributes
    ----------
    rows : list of dict
        What each kill did. The last one's counts grow until the next kill.
    """

    def __init__(self, place: Place, reference: Reference) -> None:
        self.place, self.rows = place, list[dict[str, Any]]()
        self._reference, self._known = reference, dict[str, tuple[str, str]]()
        self._looked = self._again = 0
        self._memory = _in_memory()

    def run(self, rng: np.random.Generator | None) -> bool:
        """Start the command, kill one of its processes, and tell whether it came to its end."""
        place = self.place
        process, victim = place.start(), ""
        if rng is not None:
            victim = self._kill(process, rng)
        process.wait(_PATIENCE_SECONDS)
        left = sorted(wait_for_end(place.name, process.pid, _DEATH_SECONDS).values())
        self.check()
        said, code = place.said(), process.returncode
        if not victim:
            if code != 0:
                raise RuntimeError(f"a run that nobody killed ended with {code}: {said}")
            return True
        ended = "" if victim == "main" or not code else f"exit {code}: "
        notes = [f"{ended}{said}"] if ended or "traceback" in said else []
        self._add(left=len(left), notes="; ".join([*notes, *(f"left: {kind}" for kind in left)]))
        return code == 0

    def _kill(self, process: subprocess.Popen[str], rng: np.random.Generator) -> str:
        """Kill a process of a run; return its kind, empty where the run ended before that."""
        place, campaign = self.place, self.place.campaign
        phase, wanted = str(rng.choice(campaign.phases)), str(rng.choice(campaign.victims))
        share, delay = rng.random(2)
        started, done = time.monotonic(), len(place.stored())
        # Within tasks their number is the clock: a busy machine may take any time for them.
        enough = done + math.floor(share * (campaign.tasks - done)) if phase == campaign.work else 0
        seconds = 0.5 if phase == campaign.work else self._reference.seconds.get(phase, 0.0)

        def is_time() -> bool:
            if place.phase() != phase or len(place.stored()) < enough:
                return False
            here = wanted in ("any", "main", "worker")
            return here or wanted in processes(place.name, process.pid).values()

        while not is_time() and process.poll() is None:
            time.sleep(_TICK_SECONDS)
        time.sleep(delay * (min(seconds, 1.0) if wanted == "decoder" else seconds))
        found = processes(place.name, process.pid)
        numbers = [number for number, kind in found.items() if wanted in ("any", kind)]
        numbers = numbers or [number for number, kind in found.items() if kind == "main"]
        if process.poll() is not None or not numbers:
            return ""
        self.check()
        number, at = int(rng.choice(sorted(numbers))), place.phase()
        row = {"victim": found[number], "phase": at, "stored": len(self._known),
               "moment": f"{time.monotonic() - started:.2f}"}  # fmt: skip
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            return ""
        self.rows.append({**row, "lost": 0, "wrong": 0, "repeated": 0, "left": 0, "notes": ""})
        return found[number]

    def check(self) -> None:
        """Count what is lost, wrong and done again since the last call."""
        found, fitted = self.place.snapshot(), self.place.fitted()
        lost = [name for name, (known, _) in self._known.items()
                if name not in found or found[name][0] != known]  # fmt: skip
        lost += [line for line in fitted[self._looked :] if line.split()[0] in self._done()]
        wrong = [name for name, (_, predictions, _) in found.items()
                 if predictions != self._reference.results[name][1]]  # fmt: skip
        again = (Counter(fitted) - self._reference.fits).total()
        self._add(lost=len(lost), wrong=len(wrong), repeated=again - self._again)
        self._again, self._looked = again, len(fitted)
        self._known = {name: (known, seed) for name, (known, _, seed) in found.items()}

    def _done(self) -> set[str]:
        """Return the seeds of which every task is stored; a tuned row has those of its model."""
        wanted = {seed for name, (_, _, seed) in self._reference.results.items()
                  if name not in self._known}  # fmt: skip
        return {seed for _, seed in self._known.values()} - wanted

    def check_end(self) -> None:
        """Count files of the complete run that differ, and what is left over."""
        final = self.place.final()
        differing = sorted(name for name in {*final, *self._reference.final}
                           if final.get(name) != self._reference.final.get(name))  # fmt: skip
        left = [*self.place.left(), *sorted(_in_memory() - self._memory)]
        self._add(wrong=len(differing), left=len(left), notes="; ".join([*differing, *left]))

    def _add(self, notes: str = "", **counts: int) -> None:
        """Add to the counts of the last kill; before the first there must be nothing to add."""
        if not self.rows:
            if notes or any(counts.values()):
                raise RuntimeError(f"without a kill: {counts} {notes}")
            return
        row = self.rows[-1]
        for name, count in counts.items():
            row[name] += count
        row["notes"] = "; ".join(filter(None, [row["notes"], notes]))


def _in_memory() -> set[str]:
    return {path.name for path in _MEMORY.iterdir()} if _MEMORY.is_dir() else set()


def kills(name: str, seeds: Sequence[int], folder: Path) -> Iterator[dict[str, Any]]:
    """Run a campaign: yield a row for each seed, as soon as all of it is known.

    Parameters
    ----------
    name : str
        One of `CAMPAIGNS`.
    seeds : sequence of int
        A kill for each.
    folder : Path
        For all that is written. Where something was lost or wrong, it stays.
    """
    campaign, number = CAMPAIGNS[name], list(CAMPAIGNS).index(name)
    inputs = folder / "inputs"
    make_data(inputs, campaign.has_pictures)
    reference = undisturbed(Place(campaign, inputs, folder / "reference"))
    waiting, chains = list(seeds), 0
    while waiting:
        chains += 1
        place = Place(campaign, inputs, folder / f"chain{chains}")
        chain, done = Chain(place, reference), False
        while not done:
            before = len(chain.rows)
            rng = np.random.default_rng([number, waiting[0], chains]) if waiting else None
            done = chain.run(rng)
            if len(chain.rows) > before:
                chain.rows[-1] |= {"seed": waiting.pop(0), "campaign": name}
                yield from chain.rows[:before][-1:]
        chain.check_end()
        yield from chain.rows[-1:]
        if not any(row[count] for row in chain.rows for count in ("lost", "wrong", "left")):
            shutil.rmtree(place.folder)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _append(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row in one write, so that several campaigns may share a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if not path.exists():
        writer.writeheader()
    writer.writerow(row)
    with path.open("a") as file:
        file.write(text.getvalue())


def summary(rows: Sequence[Mapping[str, str]]) -> str:
    """Write a table of campaigns, in Markdown."""
    lines = ["| killed during | kills | of which | results stored | lost | wrong | computed twice "
             "| left behind |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    names = [name for name in CAMPAIGNS if any(row["campaign"] == name for row in rows)]
    for name in [*names, "all"]:
        mine = [row for row in rows if name in (row["campaign"], "all")]
        kinds = Counter(row["victim"] for row in mine).most_common()
        of_which = ", ".join(f"{kind} {count}" for kind, count in kinds)
        sums = [sum(int(row[column]) for row in mine)
                for column in ("stored", "lost", "wrong", "repeated", "left")]  # fmt: skip
        lines.append(f"| {name} | {len(mine)} | {of_which} | {' | '.join(map(str, sums))} |")
    return "\n".join(lines) + "\n"


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _have_own_memory() -> None:
    """Go on as a process with a ``/dev/shm`` of its own, where that may be, as root may."""
    command = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs tmpfs {_MEMORY} && exec "$@"', ""]
    alone = f"{VARIABLE}_ALONE"
    if alone in os.environ or subprocess.run([*command, "true"], check=False).returncode:
        return
    os.environ[alone] = "1"
    os.execvp(command[0], [*command, sys.executable, *sys.argv])  # noqa: S606


def main() -> int:
    """Go on with campaigns, and say how many kills lost something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("campaigns", nargs="*", help=", ".join(CAMPAIGNS))
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of kills")
    parser.add_argument("--part", default="0/1", help="K/N: the seeds of which N leaves K")
    parser.add_argument("--to", type=Path, default=RESULTS)
    parser.add_argument("--folder", type=Path, help="for the runs; by default a temporary one")
    options = parser.parse_args()
    if shutil.which("unshare"):
        _have_own_memory()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    bad = 0
    for name in options.campaigns or CAMPAIGNS:
        done = {int(row["seed"]) for row in _read(options.to) if row["campaign"] == name}
        wanted = range(math.ceil(options.share * CAMPAIGNS[name].kills))
        part, parts = map(int, options.part.split("/"))
        seeds = [seed for seed in wanted if seed not in done and seed % parts == part]
        if not seeds:
            continue
        for row in kills(name, seeds, folder / name):
            _append(options.to, {**row, "commit": _commit()})
            bad += any(row[count] for count in ("lost", "wrong", "left"))
            print(" ".join(f"{key}={row[key]}" for key in row if row[key] != ""), flush=True)
    options.to.with_suffix(".md").write_text(summary(_read(options.to)))
    print(f"{bad} of these kills lost or left something" + (f": see {folder}" if bad else ""))
    if not bad and options.folder is None:
        shutil.rmtree(folder)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
