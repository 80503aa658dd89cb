"""Connects to a cluster that is there, or starts one on this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmark.errors import BenchmarkError, UsageError
from benchmark.running.leftovers import VARIABLE, end_marked, mark

#: What `--scheduler` takes to start workers on this machine.
LOCAL = "local"

_ADDRESS = re.compile(
    r"(?:(?:tcp|tls|ws|wss|ucx|ucxx|inproc)://)?[^\s/:@]+:\d{1,5}/?|\S+://\[[^\s]+\]:\d+"
)

# How long a scheduler may take to take a connection and to answer, and workers of this machine to
# start (minutes where it is busy) and to end.
_CONNECT_SECONDS, _ANSWER_SECONDS, _START_SECONDS, _END_SECONDS = 5.0, 15.0, 600, 3.0

# Where Linux has semaphores, by which the library's processes speak with each other.
_MEMORY = Path("/dev/shm")  # noqa: S108 - nothing is made there

# How often workers of this machine are started that have ended by themselves.
_MOST_STARTS = 4

# Starts workers that end with the process of this number, however that ends.
_PROGRAM = (
    "import sys; from benchmark.running.worker import end_with; end_with(int(sys.argv.pop(1))); "
    "from dask.__main__ import main; main()"
)


def check_scheduler(scheduler: Any) -> None:
    """Refuse what cannot be a scheduler, before anything is done.

    Raises
    ------
    UsageError
        It is no address, or the packages of the cluster are not installed.
    """
    if scheduler is None:
        return
    if isinstance(scheduler, str | Path):
        text = str(scheduler)
        known = text == LOCAL or Path(text).is_file() or _ADDRESS.fullmatch(text)
        if not known:
            raise UsageError(
                f"--scheduler takes {LOCAL}, an address such as tcp://host:8786, or a scheduler's "
                f"file, not {text!r}"
            )
    try:
        import distributed  # noqa: F401 - asked for first here
    except ImportError as error:
        raise UsageError(
            "a cluster needs the package distributed: pip install 'ldl-benchmark[cluster]', here "
            "and on every worker"
        ) from error


@contextmanager
def connected(scheduler: Any, workers: int) -> Iterator[Any]:
    """Have a client of a cluster.

    Parameters
    ----------
    scheduler : str, Path, distributed.Client or cluster
        Address, file of a scheduler, or ``local`` for one on this machine.
    workers : int
        How many workers the one on this machine has.

    Raises
    ------
    UsageError
        Nothing answers there.
    """
    import distributed

    with ExitStack() as stack:
        stack.enter_context(_quiet())
        if isinstance(scheduler, distributed.Client):
            yield scheduler
            return
        if str(scheduler) == LOCAL:
            scheduler = stack.enter_context(_local(workers))
        if isinstance(scheduler, str | Path):
            scheduler = _in_file(Path(scheduler)) if Path(scheduler).is_file() else scheduler
            _greet(scheduler)
        try:
            client = distributed.Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise _no_answer(scheduler) from error
        stack.callback(_close, client)
        yield client


def _in_file(path: Path) -> str:
    """Return the address that a scheduler has written into its file."""
    try:
        return str(json.loads(path.read_bytes())["address"])
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"--scheduler: {path} is no file that a scheduler has written (dask scheduler "
            f"--scheduler-file {path}): it holds no address"
        ) from error


def _greet(address: str) -> None:
    """Have something that speaks as Dask does answer at an address.

    A client waits without a limit for the first word of what has taken its connection, which may be
    another server.
    """
    from distributed import Security
    from distributed.comm import connect

    async def greet() -> None:
        options = Security().get_connection_args("client")
        talk = connect(address, timeout=_CONNECT_SECONDS, **options)
        (await asyncio.wait_for(talk, _ANSWER_SECONDS)).abort()

    with ThreadPoolExecutor(1) as thread:  # a notebook has a loop of its own in this one
        try:
            thread.submit(lambda: asyncio.run(greet())).result()
        except Exception as error:  # whatever another protocol makes of it
            raise _no_answer(address) from error


def _no_answer(scheduler: Any) -> UsageError:
    return UsageError(
        f"no scheduler answers at {scheduler}: is it running, with this address, and is the "
        f"network between open?"
    )


def _close(client: Any) -> None:
    with suppress(Exception):  # the scheduler may be gone
        client.close(_END_SECONDS)


@contextmanager
def told_if_lost(client: Any, address: str) -> Iterator[None]:
    """Say in a sentence that the scheduler at an address is gone."""
    try:
        yield
        lost = client.status not in ("running", "connecting")
    except (OSError, RuntimeError) as error:
        if isinstance(error, BenchmarkError):
            raise
        lost = True
    if lost:
        raise BenchmarkError(
            f"the scheduler at {address} answers no more; what was computed is kept, and the same "
            f"command goes on from there"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the user what the library logs and warns of what is told in our words."""
    # Some of its parts have levels of their own.
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed.")]
    loggers = [logging.getLogger(name) for name in ("distributed", *names)]
    former = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"distributed\b.*")
            yield
    finally:
        for logger, level in zip(loggers, former, strict=True):
            logger.setLevel(level)


@contextmanager
def _local(workers: int) -> Iterator[Any]:
    """Start a scheduler here, and workers in a process group of their own: Ctrl-C is ours."""
    from distributed import LocalCluster

    cluster = LocalCluster(
        n_workers=0,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        silence_logs=logging.CRITICAL,
    )
    command = [
        sys.executable, "-P", "-c", _PROGRAM, str(os.getpid()), "worker",
        cluster.scheduler_address,
        "--nworkers", str(workers), "--nthreads", "1", "--memory-limit", "0", "--no-dashboard",
        "--death-timeout", str(_START_SECONDS),
    ]  # fmt: skip
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path)),
        "DASK_LOGGING__DISTRIBUTED": "critical", VARIABLE: _mark(),
        # Python's tracker of resources says so of what it clears up after a worker that was ended.
        "PYTHONWARNINGS": "ignore:resource_tracker:UserWarning",
    }  # fmt: skip
    try:
        workers_here = _Workers(command, environment, cluster)
    except OSError as error:
        raise BenchmarkError(f"cannot start workers: {error.strerror}") from error
    try:
        yield cluster
    finally:
        workers_here.over = True
        with suppress(Exception):  # workers end with it
            cluster.close(_END_SECONDS)
        workers_here.end()
        _remove_left()


def _remove_left() -> None:
    """Remove the folders of workers that died; else the next worker of anybody does it."""
    import dask
    from distributed.diskutils import WorkSpace

    place = dask.config.get("temporary-directory") or tempfile.gettempdir()
    with suppress(Exception):
        WorkSpace(str(Path(place, "dask-scratch-space"))).new_work_dir(prefix="worker-").release()


def _mark() -> str:
    """Return what marks the workers of this machine, and what they start."""
    return f"{mark()}:dask:"


class _Workers:
    """The process that looks after the workers of this machine; started anew where it ends."""

    def __init__(self, command: list[str], environment: dict[str, str], cluster: Any) -> None:
        self.over = False
        self._command, self._environment, self._cluster = command, environment, cluster
        self._numbers: list[int] = []
        self._process = self._start()
        threading.Thread(target=self._look, daemon=True).start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._numbers.append(process.pid)
        return process

    def _look(self) -> None:
        with suppress(OSError):
            for _ in range(_MOST_STARTS - 1):
                self._process.wait()
                if self.over:
                    return
                self._process = self._start()
            self._process.wait()
        if not self.over:  # else the run would wait for workers for ever
            self._cluster.close(_END_SECONDS)

    def end(self) -> None:
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Trackers are spared: they clear the memory that the others have shared.
        end_marked(_mark(), os.getpid())
        for number in self._numbers:  # of trackers that were killed themselves
            for path in _MEMORY.glob(f"sem.loky-{number}-*"):
                path.unlink(missing_ok=True)
