"""Keeps what became of tasks, so that others need not wait until the disk has it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from benchmark.planning.tasks import Task
from benchmark.running.engine import Done
from benchmark.store.claims import Claims
from benchmark.store.run_folder import RunFolder

logger = logging.getLogger("benchmark")

# A disk takes milliseconds to have a result for good. After a task that took fewer seconds than
# this, others are started meanwhile; so many results are under way at most.
_SHORT_SECONDS, _THREADS, _MOST = 0.1, 4, 16


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
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="keep")
        self._under_way: dict[Future[None], Done] = {}

    def keep(self, one: Done) -> Iterator[Done]:
        """Keep what became of a task, and yield what is kept by now.

        Raises
        ------
        BenchmarkError
            Nothing can be stored; the same of `rest`.
        """
        if one.elsewhere:
            yield one
        elif one.outcome.error or not one.outcome.fit_seconds < _SHORT_SECONDS:
            self._keep(one)
            yield one
        else:
            self._under_way[self._pool.submit(self._keep, one)] = one
        yield from self._kept(_MOST)

    def rest(self) -> Iterator[Done]:
        """Yield what is still under way, when it is kept."""
        yield from self._kept(0)

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()

    def _kept(self, most: int) -> Iterator[Done]:
        while self._under_way:
            patience = None if len(self._under_way) > most else 0
            found = wait(self._under_way, patience, FIRST_COMPLETED).done
            if not found:
                return
            for future in found:
                one = self._under_way.pop(future)
                future.result()
                yield one

    def _keep(self, one: Done) -> None:
        outcome = one.outcome
        _log(one)
        if outcome.error:
            self._folder.keep_failure(outcome)
        else:
            if not one.stored:
                self._folder.write_outcome(outcome, **one.made)
            self._folder.remove_checkpoints(outcome.task)
            self.stored.append(outcome.task)
        self._claims.release(outcome.task)


def _log(one: Done) -> None:
    task, outcome = one.task, one.outcome
    for warning in outcome.warnings:
        logger.warning("%s: %s", task, warning)
    if outcome.error:
        logger.error("%s failed: %s\n%s", task, outcome.error, outcome.trace)
    else:
        logger.info("%s: fitted in %.3f s", task, outcome.fit_seconds)
