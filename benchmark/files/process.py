"""Reads files of strangers in a process of its own, whose end is a sentence and not the end of all.

A damaged file can make a library write where it must not, or ask for all the memory there is. The
process takes a line of JSON from its standard input for each file, and answers with a line of JSON
and the bytes of two matrices; nothing that it says is run here. It ends with whoever started it,
and after a while without work.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import BenchmarkError, UsageError
from benchmark.files.contents import Contents, one_line
from benchmark.files.reading import USUAL, Reading
from features.threads import ONE_THREAD

#: File name ending -> the function that reads it, by module and name.
READERS = {
    ".mat": ("benchmark.files.matlab", "read_matlab"),
    ".csv": ("benchmark.files.csv_table", "read_csv"),
    ".parquet": ("benchmark.files.parquet_table", "read_parquet"),
    ".feather": ("benchmark.files.arrow_table", "read_feather"),
    ".arrow": ("benchmark.files.arrow_table", "read_feather"),
    ".npz": ("benchmark.files.numpy_archive", "read_npz"),
}

# Runs what this process would, from the same places, whatever lies in the working folder.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from benchmark.files.process import serve; serve()"
)
_READY = b"ready\n"
_LEFT = "exit status 0"

# Seconds without work.
_IDLE = 20

# Seconds of computing on one file, and on each of its megabytes, many times what a sound one takes:
# there are damaged ones on which a library goes round for ever.
_LONGEST, _LONGEST_PER_MB = 20, 2


class _LostError(Exception):
    """The process ended without an answer."""


class _Reader:
    """A process that reads files one after the other."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-W", "ignore", "-c", _PROGRAM, json.dumps(sys.path)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD},
                start_new_session=True,  # Ctrl-C is for this process alone
            )  # fmt: skip
        except (OSError, ValueError) as error:
            raise BenchmarkError(f"cannot start a process that reads files: {error}") from error
        self.owner = os.getpid()
        self.has_answered = self.has_closed = False
        self._is_ready = False

    def ask(self, request: Sequence[Any]) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """Have a file read, and return what is said about it, and matrices."""
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None  # noqa: S101 - both are pipes
        assert answers is not None  # noqa: S101
        try:
            if not self._is_ready and answers.readline() != _READY:
                self.has_closed = True
                raise BenchmarkError(
                    f"the process that reads files ended when it started ({self.end()}); is the "
                    f"installation whole?"
                )
            self._is_ready = True
            questions.write(json.dumps(request).encode() + b"\n")
            questions.flush()
            line = answers.readline()
            if not line:
                raise EOFError
            said = json.loads(line)
            matrices = [_receive(answers, *form) for form in said.pop("matrices", ())]
        except (OSError, EOFError, ValueError) as error:
            self.has_closed = not isinstance(error, ValueError)
            raise _LostError from error
        self.has_answered = True
        return said, matrices

    def end(self) -> str:
        """End the process, and tell how it has ended where it did by itself."""
        if self.has_closed:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self._process.kill()
        self._process.communicate()
        code = self._process.returncode
        return f"exit status {code}" if code >= 0 else signal.Signals(-code).name


_current: _Reader | None = None
_lock = threading.Lock()


def read(ending: str, path: Path, reading: Reading = USUAL) -> Contents:
    """Read a file in the process, which is started if need be; any number of threads may call this.

    Parameters
    ----------
    ending : str
        One of `READERS`: what kind of file it is.
    path : Path
    reading : Reading
        Which of its columns or variables are what.

    Raises
    ------
    UsageError
        It cannot be read; names it.
    BenchmarkError
        No process can be started.
    """
    folder = None
    with suppress(OSError):  # it was removed, and an absolute path needs none
        folder = str(Path.cwd())
    with _lock:
        try:
            said, matrices = _ask(path, [ending, folder, str(path), *reading.patterns.values()])
        except BaseException:  # Ctrl-C too: the process may be in the middle of an answer
            _end()
            raise
    if "refused" in said:
        raise UsageError(one_line(said["refused"]))
    X, D = matrices
    facts = {fact: tuple(texts) for fact, texts in said.pop("facts").items()}
    texts: dict[str, Any] = {k: v if v is None else tuple(v) for k, v in said.items()}
    return Contents(X, D, **texts, facts=facts)


def _ask(path: Path, request: Sequence[Any]) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    global _current
    if _current is not None and _current.owner != os.getpid():
        _current = None  # it serves the process that this one was forked from
    for _attempt in range(3):
        if _current is None:
            _current = _Reader()
            atexit.register(_end)
        reader = _current
        try:
            return reader.ask(request)
        except MemoryError as error:
            raise UsageError(f"{path} does not fit into memory") from error
        except _LostError as error:
            how, _current = reader.end(), None
            # If an earlier file damaged it, or it left for want of work, another one tells.
            if not reader.has_answered and how != _LEFT:
                raise UsageError(_describe_end(path, how)) from error
    raise UsageError(_describe_end(path, _LEFT))


def _end() -> None:
    global _current
    if _current is not None and _current.owner == os.getpid():
        _current.end()
    _current = None
    atexit.unregister(_end)


def _describe_end(path: Path, how: str) -> str:
    what = f"reading {path} ended the process that read it ({how})"
    if how == "SIGKILL":
        return f"{what}, perhaps for want of memory; the file is large or damaged"
    if how == "SIGPROF":
        return f"reading {path} came to no end and was stopped: the file is damaged; get it again"
    return f"{what}: the file is damaged; get it again"


def _receive(stream: IO[bytes], form: str, shape: Sequence[int]) -> NDArray[Any]:
    kind = np.dtype(form)
    if kind.kind not in "biuf":
        raise ValueError(f"{form} is no number")
    matrix = np.empty(shape, dtype=kind)
    if matrix.size:
        target = memoryview(matrix.reshape(-1).view(np.uint8).data)
        if stream.readinto(target) != len(target):  # type: ignore[attr-defined]  # it is buffered
            raise EOFError
    return matrix


# --- In the process -------------------------------------------------------------------------------


def serve() -> None:
    """Answer requests until standard input ends: what the process does."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may get between the answers
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # where memory is short, this process is the one to end
        Path("/proc/self/oom_score_adj").write_text("1000")
    answers.write(_READY)
    answers.flush()
    requests = sys.stdin.buffer
    while select.select([requests], [], [], _IDLE)[0]:
        line = requests.readline()
        if not line:
            return
        ending, folder, path, labels, features, ignore = json.loads(line)
        reading = Reading(tuple(labels), tuple(features), tuple(ignore))
        if folder is not None:
            with suppress(OSError):
                os.chdir(folder)
        seconds = float(_LONGEST)
        with suppress(OSError, ValueError):
            seconds += _LONGEST_PER_MB * Path(path).stat().st_size / 2**20
        signal.setitimer(signal.ITIMER_PROF, seconds)  # it ends the process, also in a library
        said, matrices = _answer(ending, Path(path), reading)
        answers.write(json.dumps(said).encode() + b"\n")
        for matrix in matrices:
            answers.write(matrix.reshape(-1).view(np.uint8).data)
        answers.flush()
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(ending: str, path: Path, reading: Reading) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    module, name = READERS[ending]
    try:
        function: Callable[[Path, Reading], Contents] = getattr(import_module(module), name)
        found = function(path, reading)
    except UsageError as error:
        return {"refused": str(error)}, []
    except MemoryError:
        return {"refused": f"{path} does not fit into memory"}, []
    except OSError as error:
        return {"refused": f"{path} cannot be read: {error.strerror or error}"}, []
    except Exception as error:  # a damaged file fails wherever a library meets the damage
        return {"refused": f"{path} is damaged ({type(error).__name__}: {error})"}, []
    said = dict(vars(found))
    matrices = [np.ascontiguousarray(said.pop(name)) for name in ("X", "D")]
    return {**said, "matrices": [(matrix.dtype.str, matrix.shape) for matrix in matrices]}, matrices
