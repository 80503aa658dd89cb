"""Keeps what became of tasks."""

from __future__ import annotations

import logging

from benchmark.planning.tasks import Task
from benchmark.running.engine import Done
from benchmark.store.claims import Claims
from benchmark.store.run_folder import RunFolder
from features.storage.disk import DiskWriter

logger = logging.getLogger("benchmark")

# A disk takes milliseconds to have a result for good. For those of tasks that took fewer seconds
# than this, nobody waits: they can be had again soon, and the disk gets them together.
_SHORT_SECONDS = 0.1


class Keeper:
    """Stores results and failures, and gives claims back.

    Parameters
    ----------
    folder : RunFolder
    claims : Claims

    Attributes
    ----------
    stored : list of Task
        Those whose results this run has stored.
    """

    def __init__(self, folder: RunFolder, claims: Claims):
        self.stored: list[Task] = []
        self._folder, self._claims = folder, claims
        self._disk = DiskWriter(folder.path)

    def keep(self, one: Done) -> None:
        """Keep what became of a task: no kill of a process loses it any more.

        A power cut may lose, or damage, what tasks of less than a tenth of a second have found in
        the seconds before it; what is damaged is computed again.

        Raises
        ------
        BenchmarkError
            Nothing can be stored.
        """
        outcome = one.outcome
        if one.elsewhere:
            return
        _log(one)
        if outcome.error:
            self._folder.keep_failure(outcome)
        else:
            if not one.stored:
                is_short = outcome.fit_seconds < _SHORT_SECONDS
                self._folder.write_outcome(outcome, **one.made, sync=not is_short)
                if is_short:
                    self._disk.tell()
            self._folder.remove_checkpoints(outcome.task)
            self.stored.append(outcome.task)
        self._claims.release(outcome.task)

    def close(self) -> None:
        """Wait until the disk has all."""
        self._disk.close()


def _log(one: Done) -> None:
    task, outcome = one.task, one.outcome
    for warning in outcome.warnings:
        logger.warning("%s: %s", task, warning)
    if outcome.error:
        more = "" if outcome.trace in outcome.error else f"\n{outcome.trace}"
        logger.error("%s failed: %s%s", task, outcome.error, more)
    else:
        logger.info("%s: fitted in %.3f s", task, outcome.fit_seconds)
