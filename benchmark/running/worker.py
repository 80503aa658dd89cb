"""What a worker process does: one call after the other, for the process that started it.

Whatever the called code leaves behind (threads, exit handlers, locks) is left out of account when
it ends: there is nothing in it that would be lost.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any, NoReturn

import joblib

from benchmark.streams import make_steady

#: Exit code of a worker that cannot send its answer.
NO_CONNECTION = 77

#: A worker without work for so long leaves, so that a session that goes on has its memory back.
IDLE_SECONDS = 300.0
_PR_SET_PDEATHSIG = 1
_LONGEST_TEXT = 2000

_LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]

_connection: Connection | None = None


def dumps(value: Any) -> bytes:
    """Turn a value into bytes, functions and classes of a notebook or a script included."""
    return bytes(ForkingPickler.dumps(joblib.wrap_non_picklable_objects(value, keep_wrapper=False)))


def loads(content: bytes) -> Any:
    """Read what `dumps` of the process at the other end of a connection made."""
    return ForkingPickler.loads(content)


def allow(seconds: float) -> None:
    """Have this call ended if it goes on for longer than this from now; see `Worker.end_late`."""
    if _connection is not None:
        _connection.send(("allow", seconds))


def serve(descriptor: int, parent: int) -> NoReturn:
    """Answer calls until the parent closes the connection or is gone.

    A call is a function and its arguments. What goes back is that it was taken, the `allow` of what
    it does, and an answer: what became of it, its value, and whether the process is as it was
    before.

    Parameters
    ----------
    descriptor : int
        Of the connection.
    parent : int
        Number of the process that started this one.
    """
    global _connection
    # A terminal sends these to all processes of a run; the parent says what is to be done.
    for number in (signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    make_steady()  # code that prints must not fail for a full disk
    end_with(parent)
    connection = _connection = Connection(descriptor)
    me, threads, state = os.getpid(), set(threading.enumerate()), _state()
    while True:
        try:
            if not connection.poll(IDLE_SECONDS):
                os._exit(0)
            request = connection.recv_bytes()
            connection.send(("taken",))
        except (EOFError, OSError):
            os._exit(0)
        kind, value = _call(request)
        signal.setitimer(signal.ITIMER_REAL, 0)  # an alarm would reach the next call
        if os.getpid() != me:  # a copy that the call has made of this process came back, too
            os._exit(0)
        left = [t for t in threading.enumerate() if t not in threads and not t.daemon]
        clean = not left and _state() == state
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # it was closed, or is anything by now
                clean = False
        try:
            connection.send_bytes(_answer(kind, value, clean))
        except OSError:
            os._exit(NO_CONNECTION)


def _state() -> list[Any]:
    """Return what the next call would get to feel: limits, standard streams, rights of files."""
    rights = os.umask(0o77)
    os.umask(rights)
    limits = list(map(resource.getrlimit, _LIMITS))
    return [*limits, sys.getrecursionlimit(), rights, *map(_file_of, range(3))]


def _file_of(descriptor: int) -> tuple[int, int] | None:
    with suppress(OSError):  # it was closed
        facts = os.fstat(descriptor)
        return facts.st_dev, facts.st_ino
    return None


def _call(request: bytes) -> tuple[str, Any]:
    try:
        function, arguments = loads(request)
    except BaseException as error:  # code of a user's that is loaded may raise anything
        return "not loaded", traceback.format_exception_only(error)[-1].strip()[:_LONGEST_TEXT]
    try:
        return "returned", function(*arguments)
    except BaseException as error:  # the parent raises it
        with suppress(Exception):
            error.add_note(traceback.format_exc()[-_LONGEST_TEXT:])
        return "raised", error


def _answer(kind: str, value: Any, clean: bool) -> bytes:
    try:
        content = dumps(("answer", kind, value, clean))
        if kind == "raised":
            loads(content)  # there are errors that can be written but not read
        return content
    except Exception as error:  # a class of a user's may refuse
        said = f"{type(value).__name__}: {value}" if kind == "raised" else str(error)
        return dumps(("answer", "raised", RuntimeError(said[:_LONGEST_TEXT]), clean))


def end_with(parent: int) -> None:
    """End this process with its parent, however that ends."""
    with suppress(OSError, AttributeError):  # Linux does it even where Python does not come to run
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
