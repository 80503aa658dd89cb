"""How commands come into a run folder: to be at work there, alone or together, or to read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from benchmark.errors import UsageError, cannot_write
from benchmark.planning.plan import Plan
from benchmark.store import failing
from benchmark.store.at_work import DOOR, Session, join, reading
from benchmark.store.differences import other_plan
from benchmark.store.run_folder import RunFolder
from benchmark.wording import count
from features.storage.files import make_folder

Tell = Callable[[str], object]

# How long a run that has just begun, in a folder without locks, is given to write its plan.
_PLAN_SECONDS = 60.0


@contextmanager
def enter(
    folder: RunFolder, plan: Plan, columns: Iterable[str], force: bool, tell: Tell
) -> Iterator[Session]:
    """Make a run folder and be at work there, beside other runs of the same plan.

    Parameters
    ----------
    folder : RunFolder
    plan : Plan
        What is to be run.
    columns : iterable of str
        What the tables will show, which runs at the same time must have alike.
    force : bool
        Whether stored results are to be removed.
    tell : callable
        Takes sentences for the user.

    Yields
    ------
    Session
        Of the first run its door is shut, to be opened when the plan is written.

    Raises
    ------
    UsageError
        The folder cannot be written, has other things in it, or a run is at work there that does
        something else.
    BenchmarkError
        The disk is full.
    """
    columns = list(columns)
    with ExitStack() as stack:
        try:
            _make(folder)
            session = stack.enter_context(
                join(folder.path, _waits(folder, tell), lambda: _keep_failures(folder))
            )
            if not session.first:
                _refuse_other(folder, session, plan, columns, force)
            session.settle({"columns": columns})
        except OSError as error:
            raise cannot_write(error.filename or folder.path, error) from error
        if session.no_locks:
            tell(session.no_locks)
        if not session.first:
            session.open_door()
            tell(
                f"{whose(session.others)} in {folder.path}: this one shares the work, and does not "
                f"try again what has failed there"
            )
        folder.own = session.path / "tasks"
        try:
            yield session
        finally:
            folder.own = None


@contextmanager
def looking(folder: RunFolder, writes: bool, tell: Tell) -> Iterator[list[dict[str, Any]]]:
    """Keep runs from starting in a folder; return those that are at work there already.

    Parameters
    ----------
    folder : RunFolder
    writes : bool
        Whether tables are to be written into it, of which one command at a time may.
    tell : callable
        Takes sentences for the user.
    """
    writes = writes and folder.can_lock()
    with reading(folder.path, writes, _waits(folder, tell)) as others:
        yield others


def whose(runs: list[dict[str, Any]]) -> str:
    """Say that runs are at work, and which process it is if there is one."""
    if len(runs) > 1:
        return f"{count(len(runs), 'run')} are at work"
    who = runs[0].get("who")
    return f"a run ({who}) is at work" if who else "a run is at work"


def _make(folder: RunFolder) -> None:
    make_folder(folder.path)
    ours = any((folder.path / name).exists() for name in ("run.json", DOOR))
    if not ours and any(folder.path.iterdir()):
        raise UsageError(
            f"{folder.path} is not empty and holds no run; give another --out, so that "
            f"nothing in it is overwritten"
        )


def _waits(folder: RunFolder, tell: Tell) -> Tell:
    def waits(who: str) -> None:
        by = f" ({who})" if who else ""
        tell(f"waiting for another command that works in {folder.path}{by}")

    return waits


def _keep_failures(folder: RunFolder) -> None:
    with suppress(OSError):  # the disk is full
        failing.fold(folder.path)


def _wait_for_plan(folder: RunFolder) -> None:
    end = time.monotonic() + _PLAN_SECONDS
    while not (folder.path / "run.json").exists() and time.monotonic() < end:
        time.sleep(0.05)


def _refuse_other(
    folder: RunFolder, session: Session, plan: Plan, columns: list[str], force: bool
) -> None:
    other = session.others[0]
    start = f"another run is at work in {folder.path} ({other.get('who', 'another process')})"
    if force:
        raise UsageError(
            f"{start}, whose results --force would delete; leave --force out to share its work, "
            f"or wait for it"
        )
    if session.no_locks:  # else the other one has let us in when its plan was written
        _wait_for_plan(folder)
    differs = other_plan(plan, folder.read_plan())
    if not differs and other.get("columns") != columns:
        differs = "other columns of the tables (--measures, --against)"
    if differs:
        raise UsageError(
            f"{start} and does something else: {differs}; wait for it, or give another --out"
        )
