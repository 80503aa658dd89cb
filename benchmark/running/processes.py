"""How worker processes start, take calls, and end: always, and with all that they started."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.running.leftovers import VARIABLE, end_marked, mark
from benchmark.running.worker import NO_CONNECTION, dumps, loads

#: Signals by which a run is told to end.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Runs what this process would, from the same places, whatever lies in the working folder.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from benchmark.running.worker import serve; serve(int(sys.argv.pop(1)), int(sys.argv.pop(1)))"
)

# How long a process may take to start and import, to take a call, and to die.
_START_SECONDS, _TAKE_SECONDS, _DEATH_SECONDS = 600.0, 60.0, 2.0

# How long a pipe may stay full, or a message incomplete, before its process counts as stuck.
_PIPE_SECONDS = 60

# A call that ignores its time limit gets the same time again, but no more than this.
_GRACE_SECONDS = 10.0

# How much of what a call prints is shown, how much of its end is kept to explain its death, and how
# often its pipe is emptied before something else gets its turn.
_SHOWN_BYTES, _KEPT_BYTES, _MOST_READS = 2**16, 2000, 64

# How often somebody looks after a call where nothing happens.
_TICK_SECONDS = 0.25

_numbers = itertools.count()


class WorkerDiedError(Exception):
    """A worker's process is gone, or of no more use; says why.

    Attributes
    ----------
    from_outside : bool
        Whether it was ended by a signal that others send: the system, or somebody.
    was_late : bool
        Whether it was ended here, after its time limit.
    """

    def __init__(self, why: str, code: int | None = None, was_late: bool = False):
        super().__init__(why)
        self.was_late = was_late
        self.from_outside = code in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGHUP)


class Clock:
    """Seconds in which this process ran: what it was stopped for (Ctrl-Z) does not count."""

    def __init__(self) -> None:
        self._last, self._seconds = time.monotonic(), 0.0

    def __call__(self) -> float:
        """Return the seconds; to be called at least every second."""
        now = time.monotonic()
        self._seconds += min(now - self._last, 1.0)
        self._last = now
        return self._seconds


class Worker:
    """A process that does one call at a time; see `benchmark.running.worker`.

    Parameters
    ----------
    environment : mapping, optional
        Environment variables that are set there before anything is imported.
    relay : bool
        Show here what it prints, up to a limit; else it has this process' standard error.

    Attributes
    ----------
    clean : bool
        Whether the calls have left the process as it was.
    taken : bool
        Whether the process has got its last call.
    said : bytes
        The end of what the last call printed.

    Raises
    ------
    BenchmarkError
        No process can be started.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, relay: bool = False):
        self.clean, self.taken, self.said = True, False, b""
        self._shown, self._patience = 0, _START_SECONDS
        self._clock, self._steps = Clock(), list[tuple[float, int]]()
        self._sent: list[int] = []
        self._mark = f"{mark()}:{next(_numbers)}:"
        ours, theirs = socket.socketpair()
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            ours.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", _PIPE_SECONDS, 0))
        settings = [json.dumps([*map(str, sys.path)]), str(theirs.fileno()), str(os.getpid())]
        try:
            with theirs, signals_wait():
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", _PROGRAM, *settings],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if relay else standard_error(),
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(environment or {}), VARIABLE: self._mark},
                    pass_fds=[theirs.fileno()],
                )
        except OSError as error:
            ours.close()
            raise BenchmarkError(f"cannot start a worker process: {error.strerror}") from error
        self._connection = Connection(ours.detach())
        self._output = self._process.stdout
        if self._output is not None:
            os.set_blocking(self._output.fileno(), False)

    @property
    def number(self) -> int:
        """Number of the process."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Tell whether the process is still there."""
        return self._process.poll() is None

    def waits_on(self) -> list[Any]:
        """Return what becomes readable when there is something for `step` to do."""
        return [self._connection, *([self._output] if self._output else [])]

    def ask(self, content: bytes) -> None:
        """Send a call: `benchmark.running.worker.dumps` of a function and its arguments.

        Raises
        ------
        WorkerDiedError
            It does not take it.
        """
        self.taken, self.said, self._shown = False, b"", 0
        self._steps = [(self._clock() + self._patience, signal.SIGKILL)]
        try:
            self._connection.send_bytes(content)
        except OSError as error:
            raise self._death() from error

    def step(self) -> tuple[str, Any] | None:
        """Look after the call; return what became of it and its value, when it is done.

        To be called several times a second, and when something of `waits_on` is readable.

        Raises
        ------
        WorkerDiedError
            The process has died, or was ended here; says why.
        """
        is_alive = self._process.poll() is None  # asked first: it may have answered and died
        self._show_output()
        try:
            while self._connection.poll(0):
                kind, *values = loads(self._connection.recv_bytes())
                if kind == "answer":
                    what, value, clean = values
                    # Where a signal was sent, it might reach what is called next.
                    self.clean = self.clean and clean and not self._sent
                    self._show_output()
                    return what, value
                self.taken, self._patience = True, _TAKE_SECONDS
                self._steps = self._steps_after(values[0]) if kind == "allow" else []
        except (EOFError, OSError) as error:
            raise self._death() from error
        if not is_alive:
            raise self._death()
        if self._steps and self._clock() > self._steps[0][0]:
            number = self._steps.pop(0)[1]
            self._sent.append(number)
            self._process.send_signal(number)
        return None

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have a function called there, wait, and return what it returns; raise what it raises.

        Raises
        ------
        WorkerDiedError
            The process has died meanwhile.
        """
        self.ask(dumps((function, arguments)))
        while (answer := self.step()) is None:
            wait_for([self])
        kind, value = answer
        if kind == "returned":
            return value
        raise value if kind == "raised" else BenchmarkError(cannot_load(value))

    def _steps_after(self, seconds: float) -> list[tuple[float, int]]:
        """Return when which signals are sent: to interrupt, to have a traceback, and to end."""
        end = self._clock() + seconds
        grace = end + min(seconds, _GRACE_SECONDS)
        last = grace + _DEATH_SECONDS
        return [(end, signal.SIGALRM), (grace, signal.SIGABRT), (last, signal.SIGKILL)]

    def end(self) -> None:
        """End the process, and those that it has started."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # a device holds it; it is no more ours
            self._process.wait(_DEATH_SECONDS)
        end_marked(self._mark)
        self._connection.close()
        output, self._output = self._output, None
        if output is not None:
            output.close()

    def end_others(self) -> bool:
        """End what the process has started, but not itself; tell whether there was anything."""
        return end_marked(self._mark, self._process.pid)

    def _death(self) -> WorkerDiedError:
        """Find out why the process is of no more use."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_DEATH_SECONDS)
        self._show_output()
        code = self._process.returncode
        if self._sent and self.taken:
            why = "its process was ended, since it ignored the time limit"
            return WorkerDiedError(why, was_late=True)
        if self._sent:
            return WorkerDiedError("its process took no work and was ended")
        if code is None or code == NO_CONNECTION:
            return WorkerDiedError(
                "it closed the descriptors of its process, through which its result is sent", code
            )
        if code >= 0:
            why = f"its code, or a library that it uses, ended its process (exit code {code})"
            return WorkerDiedError(why, code)
        name = signal.Signals(-code).name
        return WorkerDiedError(f"its process died, by a crash or for want of memory ({name})", code)

    def _show_output(self) -> None:
        """Show what it has printed, as far as there is room, so that it never waits for us."""
        if self._output is None:
            return
        with suppress(BlockingIOError):
            for _ in range(_MOST_READS):
                part = os.read(self._output.fileno(), _SHOWN_BYTES)
                if not part:  # it has closed its end
                    self._output.close()
                    self._output = None
                    break
                self.said = (self.said + part)[-_KEPT_BYTES:]
                before, self._shown = self._shown, self._shown + len(part)
                text = part[: max(0, _SHOWN_BYTES - before)].decode(errors="replace")
                if before <= _SHOWN_BYTES < self._shown:
                    text += " ... (what else it prints is left out)\n"
                with suppress(OSError, ValueError, AttributeError):  # nobody can be told
                    sys.stderr.write(text)
                    sys.stderr.flush()


def wait_for(workers: Iterable[Worker]) -> None:
    """Wait until there is something for one of the workers' `step` to do, or a moment."""
    wait([thing for worker in workers for thing in worker.waits_on()], _TICK_SECONDS)


def cannot_load(reason: str) -> str:
    """Say that a worker did not get what was sent to it."""
    return f"a worker process cannot load it: {reason}"


def standard_error() -> int:
    """Return the descriptor of standard error, whatever ``sys.stderr`` is."""
    try:
        os.fstat(2)
    except OSError:
        return subprocess.DEVNULL
    return 2


@contextmanager
def signals_wait() -> Iterator[None]:
    """Put off Ctrl-C and its like, here and in the processes that are started meanwhile.

    A terminal sends it to all processes of a run. A worker that has not come as far as
    `benchmark.running.worker.serve` would print a traceback.
    """
    came: list[int] = []
    # New processes inherit the mask. It is one of this thread alone, so where another thread gets
    # the signal, the handler has to wait too, which only the main thread can set.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    former = {}
    if threading.current_thread() is threading.main_thread():
        former = {number: signal.getsignal(number) for number in ENDING}
    try:
        for number, handler in former.items():
            if callable(handler):
                signal.signal(number, lambda number, _frame: came.append(number))
        yield
    finally:
        for number, handler in former.items():
            if callable(handler):
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for each in came:
        signal.raise_signal(each)
