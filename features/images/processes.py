"""Processes that decode image files beside this one, for machines with many cores.

In one process the threads that decode wait for Python's lock between the steps of an image, and
for each other's memory; from a handful of cores on that is what limits them. A process takes paths
from its standard input and answers with pixels on its standard output, and ends with whoever
started it, however that ends.

On 16 cores of a machine with an H100, VGG16's features of 500 x 400 JPEG files came at 1,270 images
a second with threads, 2,630 with loky's pool of processes, which pickles every batch, and 3,830
with this (means of two runs each, the network alone does 15,400).
"""

from __future__ import annotations

import fcntl
import json
import os
import queue
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

import numpy as np
from PIL import Image, ImageFile

from features.arrays import ByteArray
from features.images.budget import BUDGET
from features.images.decoding import ImageError, decode
from features.threads import ONE_THREAD

# Runs what this process would, from the same places, whatever lies in the working folder.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from features.images.processes import serve; serve(*map(json.loads, sys.argv[2:]))"
)
_PIPE_BYTES = 2**20
_LENGTH_BYTES = 4


class DecodingProcesses:
    """Processes that decode files for the threads of this one; to be used in a ``with`` block.

    Parameters
    ----------
    count : int
        How many. Where one cannot be started or ends too early, the calling thread decodes.
    """

    def __init__(self, count: int) -> None:
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes] | None] = queue.SimpleQueue()
        self._all: list[subprocess.Popen[bytes]] = []
        self._count = count
        self._lock = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__

    def __enter__(self) -> Self:
        lock = self._lock.fileno()
        limits = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, lock)
        settings = ([*map(str, sys.path)], *limits)
        command = [sys.executable, "-I", "-W", "ignore", "-c", _PROGRAM, *map(json.dumps, settings)]
        try:
            for _ in range(self._count):
                process = self._start(command, lock)
                self._idle.put(process)
                if process is not None:
                    self._all.append(process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self._all:
            process.kill()  # it holds nothing that could be lost
        for process in self._all:
            process.communicate()
        self._lock.close()

    @staticmethod
    def _start(command: list[str], lock: int) -> subprocess.Popen[bytes] | None:
        try:
            process = subprocess.Popen(
                command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD},
                pass_fds=(lock,),
                start_new_session=True,  # Ctrl-C is for this process alone
            )  # fmt: skip
        except OSError:
            return None
        _widen(process.stdout)
        return process

    def decode(self, paths: Sequence[Path], out: ByteArray) -> dict[str, str]:
        """Decode files into an array (n, size, size, 3); any number of threads may call this.

        Returns
        -------
        dict of str to str
            The reason by path, for the files that cannot be decoded; their rows mean nothing.
        """
        process = self._idle.get()
        try:
            if process is not None:
                try:
                    return _ask(process, paths, out)
                except (OSError, EOFError):  # it was killed, perhaps for want of memory
                    process.kill()
                    process = None
            return decode_into(paths, out)
        finally:
            self._idle.put(process)


def decode_into(paths: Sequence[Path], out: ByteArray) -> dict[str, str]:
    """Decode files into an array in this thread; see `DecodingProcesses.decode`."""
    problems: dict[str, str] = {}
    for path, place in zip(paths, out, strict=True):
        try:
            place[...] = decode(path, out.shape[1])
        except ImageError as error:
            problems |= error.problems
    return problems


def _ask(process: subprocess.Popen[bytes], paths: Sequence[Path], out: ByteArray) -> dict[str, str]:
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    request = json.dumps([out.shape[1], *map(str, paths)])  # other bytes than UTF-8 survive it
    _write(process.stdin, memoryview(request.encode() + b"\n"))
    problems: dict[str, str] = {}
    length = bytearray(_LENGTH_BYTES)
    for path, place in zip(paths, out, strict=True):
        _read(process.stdout, memoryview(length))
        if reason := bytearray(int.from_bytes(length)):
            _read(process.stdout, memoryview(reason))
            problems[str(path)] = reason.decode()
        else:
            _read(process.stdout, memoryview(place.reshape(-1)))
    return problems


def _write(stream: IO[bytes], content: memoryview) -> None:
    while content:
        content = content[stream.write(content) :]


def _read(stream: IO[bytes], target: memoryview) -> None:
    while target:
        count = stream.readinto(target)  # type: ignore[attr-defined]  # it is a raw file
        if not count:
            raise EOFError
        target = target[count:]


def serve(largest: int | None, truncated: bool, lock: int) -> None:
    """Answer requests until standard input ends: what a process of `DecodingProcesses` does.

    A request is a line of JSON: the size, then paths. The answer for each path is the length of
    the reason why it cannot be decoded, and that reason; or 0, and the pixels.

    Parameters
    ----------
    largest, truncated
        Pillow's settings ``Image.MAX_IMAGE_PIXELS`` and ``ImageFile.LOAD_TRUNCATED_IMAGES``.
    lock : int
        See `features.images.budget.PixelBudget.share`.
    """
    BUDGET.share(lock)
    Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = largest, truncated
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may get between the answers
    for line in sys.stdin.buffer:
        size, *paths = json.loads(line)
        for path in paths:
            try:
                pixels, reason = decode(Path(path), size), b""
            except ImageError as error:
                reason = " ".join(error.problems.values()).encode(errors="backslashreplace")
            answers.write(len(reason).to_bytes(_LENGTH_BYTES))
            answers.write(reason or np.ascontiguousarray(pixels).data)
            answers.flush()


def _widen(pipe: object) -> None:
    """Let several images wait in a pipe, where the system has such a setting."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # the user has too many wide ones; it works without
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)  # type: ignore[call-overload]
