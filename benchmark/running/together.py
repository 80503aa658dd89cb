"""Shares the tasks of a run with other runs that are at work in its folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from benchmark.planning.tasks import Outcome, Task
from benchmark.progress import Console
from benchmark.running.engine import TAKEN_SECONDS, Done, SettledError, TakenError
from benchmark.running.execute import Work
from benchmark.store.claims import Claim, Claims
from benchmark.wording import count


def claimed(work_of: Callable[[Task], Work], claims: Claims) -> Callable[[Task], Work]:
    """Claim a task before its work is put together, see `benchmark.running.engine.run_tasks`."""

    def claimed_work_of(task: Task) -> Work:
        found = claims.take(task)
        if found is Claim.TAKEN:
            raise TakenError
        if found is not Claim.OURS:
            raise SettledError(_settled(task, claims))
        return work_of(task)

    return claimed_work_of


def wait_for_others(tasks: Iterable[Task], claims: Claims, console: Console) -> Iterator[Done]:
    """Wait for tasks that other runs do, until one is left to us; yield what is settled.

    Parameters
    ----------
    tasks : iterable of Task
        Those that other runs have claimed.
    claims : Claims
    console : Console
        Gets a sentence, and shows how many are left.
    """
    left, told = list(tasks), False
    with console.tasks(len(left), lambda: sorted({task.model for task in left})) as step:
        while left:
            for task in list(left):
                found = claims.take(task)
                if found is Claim.OURS:  # its holder has died, or was interrupted
                    return
                if found is not Claim.TAKEN:
                    left.remove(task)
                    step()
                    yield _settled(task, claims)
            if left:
                if not told:
                    console.tell(_waiting(left, claims))
                    told = True
                time.sleep(TAKEN_SECONDS)


def _settled(task: Task, claims: Claims) -> Done:
    return Done(task, claims.failures.get(task) or Outcome(task), stored=True, elsewhere=True)


def _waiting(left: list[Task], claims: Claims) -> str:
    who = "; ".join(filter(None, claims.others()))
    return (
        f"Waiting for {count(len(left), 'task')} that other runs at work here do"
        f"{f' ({who})' if who else ''}, such as {left[0]}."
    )
