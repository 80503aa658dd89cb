"""The run folder: the plan of a run, the truth of its datasets, and one result file per task."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import BenchmarkError, UsageError
from benchmark.planning.folds import ROWS
from benchmark.planning.plan import Plan, Result, Truth
from benchmark.planning.tasks import Outcome, Task
from benchmark.store import failing, shapes, truths
from benchmark.store.at_work import DOOR, RUNNING
from features.storage.files import (
    DamagedFileError,
    make_folder,
    read_arrays,
    read_json,
    slug,
    write_arrays,
    write_atomic,
    write_json,
)

#: Files made from the results; deleted when a run starts that has something to compute.
DERIVED = (
    *(
        f"{name}.csv"
        for name in (
            "scores",
            "timings",
            "pairs",
            "intervals",
            "rankings",
            "tuning",
            "claims",
            "against-pairs",
        )
    ),
    *(
        f"{table}.{kind}"
        for table in ("table3", "table4", "wheel", "tests", "tuned", "compare", "against")
        for kind in ("csv", "tex", "md")
    ),
    "report.html",
    "submission.json",
    "submission.npz",
)

#: Folder of the figures in the run folder; deleted with those files.
FIGURES = "figures"

#: The folder in which tasks keep what lets them go on after a kill.
CHECKPOINTS = "checkpoints"

#: Folder of what is made of a run while it is at work; deleted when it ends.
SO_FAR = "so-far"


class RunFolder:
    """Reads and writes the files of one run.

    Parameters
    ----------
    path : Path
        The folder; made by `benchmark.store.entering.enter`.

    Attributes
    ----------
    own : Path, optional
        Folder of this run alone while it is at work.
    """

    def __init__(self, path: Path):
        self.path = path
        self.own: Path | None = None

    def obstacle(self) -> str:
        """Say that the folder cannot be written, or made; empty where it can."""
        place = next(path for path in (self.path, *self.path.resolve().parents) if path.exists())
        if os.access(place, os.W_OK | os.X_OK):
            return ""
        return (
            f"nothing can be written to {self.path}: it is read-only, or its rights forbid it; "
            f"give another folder with --to"
        )

    def can_lock(self) -> bool:
        """Tell whether the folder can be locked; a lock file may be another user's."""
        file = self.path / DOOR
        return not self.obstacle() and (not file.exists() or os.access(file, os.R_OK | os.W_OK))

    @property
    def running_path(self) -> Path:
        """The folder of what is there only while tasks of this run do."""
        # A model may change the folder in which we work.
        return self.own or self.path.resolve() / RUNNING

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Have the folder of what is there only while tasks run, and remove it afterwards."""
        path = self.running_path  # which cannot be told any more if the working folder goes
        with self.telling_why(path):
            path.mkdir(parents=True, exist_ok=True)
        try:
            yield
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def write_plan(self, plan: Plan, about: Mapping[str, Any]) -> None:
        """Write ``run.json``, the truth of every dataset, and a CSV file of its folds."""
        for truth in plan.truths.values():
            self._write_truth(truth)
        datasets = [
            {
                "name": truth.name,
                "source": truth.source,
                "fingerprint": truth.fingerprint,
                "rows": len(truth.D),
                "labels": list(truth.label_names),
                "folds": truth.folds.n_folds,
                "repeats": truth.folds.n_repeats,
                "folds_version": truth.folds.version,
                **({} if truth.folds.kind == ROWS else {"split": truth.folds.kind}),
                "sigma": truth.sigma,
                "inputs": plan.inputs[truth.name],
            }
            for truth in plan.truths.values()
        ]
        head = {"protocol": plan.protocol, "seed": plan.seed, "datasets": datasets}
        models = [{"name": name, **model} for name, model in plan.models.items()]
        self._write(write_json, "run.json", {**head, "models": models, **about})

    def check(self) -> None:
        """Refuse a folder that holds no run.

        Raises
        ------
        UsageError
            It has no ``run.json``.
        """
        if not (self.path / "run.json").exists():
            raise UsageError(f"{self.path} holds no run (it has no run.json)")

    def read_plan(self) -> Plan:
        """Read what `write_plan` wrote.

        Raises
        ------
        UsageError
            The folder holds no run.
        BenchmarkError
            A file of it is damaged or missing.
        """
        try:
            content = self._read_run()
            found = {entry["name"]: self._read_truth(entry) for entry in content["datasets"]}
        except (FileNotFoundError, NotADirectoryError) as error:
            self.check()
            raise BenchmarkError(f"{error.filename} is missing; {_REPEAT}") from error
        except DamagedFileError as error:
            raise BenchmarkError(f"{error}; {_REPEAT}") from error
        except OSError as error:
            raise BenchmarkError(f"cannot read {error.filename}: {_reason(error)}") from error
        models = {
            model["name"]: {key: value for key, value in model.items() if key != "name"}
            for model in content["models"]
        }
        plain = dict.fromkeys(models, "")  # runs of early versions, which had no images, lack it
        inputs = {entry["name"]: entry.get("inputs", plain) for entry in content["datasets"]}
        return Plan(content["protocol"], content["seed"], found, models, inputs)

    def read_about(self) -> dict[str, Any]:
        """Read the command, versions and machine of the run, and its datasets in brief.

        Raises
        ------
        BenchmarkError
            It is not there (any more).
        DamagedFileError
            It is damaged.
        """
        path = self.path / "run.json"
        try:
            return read_json(path, shapes.RUN)
        except FileNotFoundError as error:
            raise BenchmarkError(
                f"{path} is missing: has the folder been moved or removed while a run was at work "
                f"there? What was stored since lies there; {_REPEAT}"
            ) from error

    def _read_run(self) -> dict[str, Any]:
        path = self.path / "run.json"
        content = read_json(path, shapes.RUN)
        if said := shapes.check_run(content):
            raise DamagedFileError(f"{path} is damaged: {said}")
        return content

    def make_for_outputs(self) -> None:
        """Make a folder for the tables of several merged runs.

        Raises
        ------
        UsageError
            It holds a run, whose tables would be overwritten, or cannot be made.
        """
        if (self.path / "run.json").exists():
            raise UsageError(f"{self.path} holds a run; its tables would be overwritten")
        try:
            make_folder(self.path)
        except OSError as error:
            raise UsageError(f"cannot write to {self.path}: {_reason(error)}") from error

    def write_outcome(
        self,
        outcome: Outcome,
        versions: Mapping[str, str],
        machine: Mapping[str, str] | None = None,
        sync: bool = True,
    ) -> None:
        """Store a successful outcome under its task's path, with what it was computed with.

        With `sync`, as in `features.storage.files.write_atomic`, the disk has it then.
        """
        record = {**shapes.make_record(outcome), "versions": dict(versions)}
        record |= {"machine": dict(machine)} if machine else {}
        assert outcome.predictions is not None  # noqa: S101 - a failed outcome is not stored
        arrays = {"predictions": outcome.predictions, "record": np.array(json.dumps(record))}
        self._write(partial(write_arrays, sync=sync), outcome.task.path, arrays)

    def read_result(self, task: Task, truth: Truth | None = None) -> Result | None:
        """Read the stored result of a task, None if there is none.

        Parameters
        ----------
        task : Task
        truth : Truth, optional
            Of its dataset, which the predictions must fit.

        Raises
        ------
        DamagedFileError
            There is one, but it is damaged or belongs to another task.
        """
        path = self.path / task.path
        try:
            arrays = read_arrays(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BenchmarkError(f"cannot read {path}: {_reason(error)}") from error
        if not {"record", "predictions"} <= arrays.keys():
            raise DamagedFileError(f"{path} is damaged: it holds no result")
        try:
            record = shapes.parse_record(str(arrays["record"][()]))
        except DamagedFileError as error:
            raise DamagedFileError(f"{path} is damaged: {error}") from error
        if record["key"] != task.key:
            raise DamagedFileError(f"{path} is damaged: it holds the result of another task")
        if said := shapes.check_predictions(arrays["predictions"], task, truth):
            raise DamagedFileError(f"{path} is damaged: {said}")
        return Result(arrays["predictions"], record)

    def remove_results(self, tasks: Iterable[Task]) -> None:
        """Delete the stored results and checkpoints of tasks."""
        for task in tasks:
            (self.path / task.path).unlink(missing_ok=True)
            self.remove_checkpoints(task)

    def remove_checkpoints(self, task: Task) -> None:
        """Delete a task's checkpoints, and the folders that are empty then."""
        if not (self.path / CHECKPOINTS).is_dir():
            return
        folder = self.checkpoints(task)
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty, or not there
            for parent in list(folder.parents)[:3]:
                parent.rmdir()

    def remove_left_checkpoints(self, done: Iterable[Task]) -> None:
        """Delete what finished tasks kept, where a run was killed before it could do so."""
        for task in done if (self.path / CHECKPOINTS).is_dir() else ():
            self.remove_checkpoints(task)

    def checkpoints(self, task: Task) -> Path:
        """Return the folder of a task's checkpoints, from which it goes on after a kill."""
        return self.path.resolve() / CHECKPOINTS / task.path.relative_to("tasks").with_suffix("")

    def write_failures(self, outcomes: Iterable[Outcome]) -> None:
        """Store what failed in this run, with tracebacks, for the report."""
        with self.telling_why(self.path / "failures.json"):
            failing.write_failures(self.path, map(shapes.make_failure, outcomes))

    def read_failures(self) -> list[dict[str, Any]]:
        """Read what `write_failures` and `keep_failure` wrote; nothing where that is damaged."""
        return failing.read_failures(self.path)

    def keep_failure(self, outcome: Outcome) -> None:
        """Store a failure at once, for other runs at work here, and for the next one after a kill.

        What cannot be stored is lost with a kill, and ends no run.
        """
        with contextlib.suppress(OSError):
            failing.keep_failure(self.path.resolve(), outcome)

    def read_failure(self, task: Task) -> Outcome | None:
        """Read what failed in a task since runs have been at work; None if nothing did."""
        return failing.read_failure(self.path, task)

    def remove_derived(self) -> None:
        """Delete the tables and figures of an earlier run, so that none is taken for this run's."""
        for name in DERIVED:
            (self.path / name).unlink(missing_ok=True)
        for folder in (FIGURES, SO_FAR):
            shutil.rmtree(self.path / folder, ignore_errors=True)

    def remove_so_far(self) -> None:
        """Delete what was shown of the run while it was at work."""
        shutil.rmtree(self.path / SO_FAR, ignore_errors=True)

    def write_file(self, name: str, content: str | bytes) -> Path:
        """Write a file into the folder, and return where it is."""
        self._write(write_atomic, name, content)
        return self.path / name

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON object into the folder, with its checksum."""
        self._write(write_json, name, value)

    def write_arrays(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write named arrays into the folder."""
        self._write(write_arrays, name, arrays)

    def read_arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Read what `write_arrays` wrote.

        Raises
        ------
        OSError, DamagedFileError
            As `features.storage.files.read_arrays`.
        """
        return read_arrays(self.path / name)

    def _write(self, writer: Any, name: str | Path, content: Any) -> None:
        with self.telling_why(self.path / name):
            writer(self.path / name, content)

    @contextlib.contextmanager
    def telling_why(self, path: Path) -> Iterator[None]:
        """Turn an error of the disk into one that names the file, and says what is kept."""
        try:
            yield
        except OSError as error:
            raise BenchmarkError(
                f"cannot write {path}: {_reason(error)}; what was computed before is kept: "
                f"make room or rights, then {_REPEAT}"
            ) from error

    def _truth_path(self, name: str) -> Path:
        return Path("data", f"{slug(name)}.npz")

    def _write_truth(self, truth: Truth) -> None:
        self._write(write_arrays, self._truth_path(truth.name), truths.to_arrays(truth))
        self.write_file(f"folds/{slug(truth.name)}.csv", truths.folds_as_csv(truth))

    def _read_truth(self, entry: Mapping[str, Any]) -> Truth:
        path = self.path / self._truth_path(entry["name"])
        try:
            return truths.from_arrays(entry, read_arrays(path))
        except truths.MisfitError as error:
            raise DamagedFileError(f"{path} is damaged: {error}") from error


_REPEAT = "give the same run command again"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
