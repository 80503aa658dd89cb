"""Leaves out the other folds of a model on a dataset once one of them has failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmark.planning.tasks import Outcome, Task
from benchmark.running.engine import NotTriedError
from benchmark.store.run_folder import RunFolder


class GivenUp:
    """Which models are not tried any more on which dataset, kept in the run folder as they fail.

    A model that lacks a fold has neither a mean nor a rank, so that its other folds are time lost.

    Parameters
    ----------
    folder : RunFolder
        Its ``failures.json`` tells what was over the time limit in an earlier run. What was stopped
        after as long or longer is not tried again; what failed for another reason is, for that may
        have been put right.
    pending : sequence of Task
        What is to be done.
    limits : mapping
        Key of a task to its time limit in seconds.
    """

    def __init__(
        self, folder: RunFolder, pending: Sequence[Task], limits: Mapping[str, float]
    ) -> None:
        self._folder = folder
        self._why: dict[tuple[str, str], str] = {}
        self.failures: list[Outcome] = []
        tasks = {task.key: task for task in pending}
        for entry in folder.read_failures():
            task, former = tasks.get(entry.get("key", "")), entry.get("time_limit")
            if task and former is not None and former >= limits[task.key]:
                self.add(Outcome(task, error=entry["error"], trace=entry["trace"],
                                 time_limit=former))  # fmt: skip

    def add(self, outcome: Outcome) -> None:
        """Take note of a failure, the first of its model and dataset in the folder too."""
        task = outcome.task
        of = (task.dataset, task.model)
        if of in self._why:
            return
        self._why[of] = f"not tried, since fold {task.fold} had failed: {outcome.error}"
        self.failures.append(outcome)
        self._folder.keep_failure(outcome)

    def check(self, task: Task) -> None:
        """Refuse a task of a model that has failed on its dataset.

        Raises
        ------
        NotTriedError
            With the reason.
        """
        if why := self._why.get((task.dataset, task.model)):
            raise NotTriedError(why)
