"""How the program is told to end, and how it does: at once, in one sentence, and for sure."""

from __future__ import annotations

import atexit
import faulthandler
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from benchmark.running.leftovers import VARIABLE, end_children, mark

# What tells a program to end, in the words of the log. SIGTERM is what a batch system sends.
_REASONS = {
    signal.SIGINT: "Ctrl-C",
    signal.SIGTERM: "SIGTERM",
    signal.SIGHUP: "SIGHUP: the terminal was closed",
}

# How long the program may take to end when it is told to, and when it is done.
_ENDING_SECONDS, _LEAVING_SECONDS = 10.0, 2.0

# A KeyboardInterrupt that some destructor has swallowed is raised again after this.
_AGAIN_SECONDS = 0.05

# A Ctrl-C that comes sooner after the first is the same one: a terminal tells all processes, and
# the program that has started this one may tell it once more.
_SAME_SECONDS = 0.5

# Why this program ends; what comes after that is known already.
_told: list[signal.Signals] = []


def by(error: BaseException) -> str:
    """Say in brackets what interrupted us, where that is known."""
    return f" ({error})" if str(error) else ""


def interrupted(error: BaseException) -> str:
    """Say that the program was interrupted."""
    kept = "what was computed is kept, and the same command goes on from there"
    return f"interrupted{by(error)}; {kept}"


def listen() -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP raise `KeyboardInterrupt`, once, with the reason.

    A second Ctrl-C ends this process at once, whatever it is at: its files are complete or absent,
    and the processes that it has started end with it. A signal that is ignored, as by ``nohup``,
    stays ignored.
    """
    first = math.inf

    def interrupt(number: int, _frame: FrameType | None) -> None:
        nonlocal first
        if _told:
            if number == signal.SIGINT and time.monotonic() - first > _SAME_SECONDS:
                _say(interrupted(KeyboardInterrupt("Ctrl-C, twice")))
                os._exit(1)
            return
        first = time.monotonic()
        _told.append(signal.Signals(number))
        _end_after(_ENDING_SECONDS, 1)
        raise KeyboardInterrupt(_REASONS[_told[0]])

    def swallowed(error: sys.UnraisableHookArgs) -> None:
        if not issubclass(error.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(error)
            return
        again = (os.getpid(), _told.pop() if _told else signal.SIGINT)
        timer = threading.Timer(_AGAIN_SECONDS, os.kill, again)
        timer.daemon = True
        timer.start()

    for number in _REASONS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    sys.unraisablehook = swallowed


def run_to_the_end(program: Callable[[], Any]) -> NoReturn:
    """Run a program that ends by `SystemExit`, and end this process, whatever it has left behind.

    Threads and exit handlers of plugins, which are imported here too, get some seconds; handlers
    that were there before do not run.
    """
    code: Any = 1
    atexit.register(lambda: _end(_number(code)))  # the first that is registered is the last to run
    try:
        listen()
        os.environ[VARIABLE] = f"{mark()}:"  # so that what a plugin starts here is found
        program()
        code = 0
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            _say(code)
    except BaseException as error:
        if not _told:
            sys.excepthook(type(error), error, error.__traceback__)
        else:  # it hit a moment in which nobody could deal with it
            _say(interrupted(KeyboardInterrupt(_REASONS[_told[0]])))
    _leave(_number(code))


def _number(code: Any) -> int:
    return code if isinstance(code, int) else int(code is not None)


def _leave(code: int) -> NoReturn:
    for number in _REASONS:  # it is over anyway
        signal.signal(number, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    _end_after(_LEAVING_SECONDS, code)
    end_children()
    if _told:  # Python would end by the signal where it hit one of its own functions
        os._exit(code)
    sys.exit(code)


def _end(code: int) -> NoReturn:
    """End this process after all exit handlers, before Python takes its modules down.

    That may take longer than the program has for leaving where other programs keep the machine
    busy, and what then ends it, when no thread of Python runs any more, knows of no exit code.
    """
    logging.shutdown()  # its own exit handler is older than ours
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _end_after(seconds: float, code: int) -> None:
    """End this process if it is still there after some seconds."""

    def end() -> None:
        time.sleep(seconds)
        os._exit(code)

    threading.Thread(target=end, daemon=True).start()
    # Code that does not let go of Python's lock keeps that thread from running, but not this.
    with suppress(OSError, RuntimeError):
        null = Path(os.devnull).open("w")  # noqa: SIM115 - it stays open until the end
        faulthandler.dump_traceback_later(2 * seconds, exit=True, file=null)


def _say(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"Error: {text}\n")
        sys.stderr.flush()
