"""Decoding in other processes: the same pixels and reasons, whatever becomes of a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from features.images import pixels
from features.images.decoding import ImageError, decode
from features.images.processes import DecodingProcesses
from features.images.sources import ImageFiles

SIZE = 24


@pytest.fixture
def paths(tmp_path):
    """Forty files: photographs of two kinds, some that are no images, names of many kinds."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(40):
        suffix = ".jpg" if number % 2 else ".png"
        path = tmp_path / os.fsdecode(b"%d \xc3\xa4 \xff\n" % number + suffix.encode())
        image = Image.fromarray(rng.integers(0, 256, (50, 70, 3), dtype=np.uint8))
        image.save(path, "JPEG" if number % 2 else "PNG")
        if number % 9 == 4:
            path.write_bytes(path.read_bytes()[:60])
        found.append(path)
    found.append(tmp_path / "none.jpg")
    return found


def expected(paths):
    """What the calling process makes of each: pixels, or the reason that there are none."""
    found = []
    for path in paths:
        try:
            found.append(decode(path, SIZE))
        except ImageError as error:
            found.append(error.problems[str(path)])
    return found


def check(paths, out, problems):
    for path, found, wanted in zip(paths, out, expected(paths), strict=True):
        if isinstance(wanted, str):
            assert problems.pop(str(path)) == wanted
        else:
            assert np.array_equal(found, wanted)
    assert problems == {}


def test_pixels_and_reasons_are_those_of_this_process(paths):
    out = np.zeros((len(paths), SIZE, SIZE, 3), np.uint8)
    with DecodingProcesses(2) as processes:
        check(paths, out, processes.decode(paths, out))
        children = [process.poll() for process in processes._all]
    assert children == [None, None]  # it was they who answered
    assert all(process.returncode is not None for process in processes._all)


def test_threads_get_what_they_asked_for(paths):
    def ask(start):
        mine = paths[start : start + 3]
        out = np.zeros((len(mine), SIZE, SIZE, 3), np.uint8)
        return mine, out, processes.decode(mine, out)

    with DecodingProcesses(2) as processes, ThreadPoolExecutor(5) as pool:
        for result in pool.map(ask, [*range(0, len(paths), 3)] * 3):
            check(*result)


def test_where_a_process_was_killed_or_never_started_this_one_decodes(paths, monkeypatch):
    out = np.zeros((len(paths), SIZE, SIZE, 3), np.uint8)
    with DecodingProcesses(1) as processes:
        processes._all[0].send_signal(signal.SIGKILL)
        for _ in range(2):
            out[:] = 0
            check(paths, out, processes.decode(paths, out))
    out[:] = 0
    monkeypatch.setattr(sys, "executable", "/there/is/no/python")
    with DecodingProcesses(1) as processes:
        assert processes._all == []
        check(paths, out, processes.decode(paths, out))


def test_settings_of_pillow_reach_the_processes(paths, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3000)
    out = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    with DecodingProcesses(1) as processes:
        problems = processes.decode(paths[:1], out)
        assert processes._all[0].poll() is None
    assert "more than the limit of 3000" in problems[str(paths[0])]


def test_a_working_folder_with_modules_of_the_same_names_is_not_looked_at(
    paths, tmp_path, monkeypatch
):
    for name in ("json", "features", "PIL", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(f'{__name__} of the user')")
    monkeypatch.chdir(tmp_path)
    out = np.zeros((len(paths), SIZE, SIZE, 3), np.uint8)
    with DecodingProcesses(1) as processes:
        check(paths, out, processes.decode(paths, out))
        assert processes._all[0].poll() is None


@pytest.mark.parametrize("bad", [False, True])
def test_batches_are_the_same_with_processes(paths, monkeypatch, bad):
    files = ImageFiles(tuple(paths if bad else [p for p in paths[:40] if p.stat().st_size > 60]))
    started = []

    class Counted(DecodingProcesses):
        def __init__(self, count):
            super().__init__(count)
            started.append(self)

    def batches():
        found = []
        try:
            for batch in pixels.decoded_batches(files, SIZE, range(5, len(files)), 5):
                found.append(batch)
        except ImageError as error:
            return found, error.problems
        return found, {}

    plain, problems = batches()
    monkeypatch.setattr(pixels, "DecodingProcesses", Counted)
    monkeypatch.setattr(pixels, "_FEWEST_PROCESSES", 1)
    monkeypatch.setattr(pixels, "_IMAGES_PER_PROCESS", 1)
    again, same = batches()
    assert len(started) == 1
    assert same == problems
    assert bool(problems) == bad
    assert [len(batch) for batch in again] == [len(batch) for batch in plain]
    assert np.array_equal(np.concatenate(again), np.concatenate(plain))
    assert all(process.returncode is not None for process in started[0]._all)


PARENT = """
import sys, time
from features.images.processes import DecodingProcesses
with DecodingProcesses(2) as processes:
    print(*(process.pid for process in processes._all), flush=True)
    time.sleep(60)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_one_that_started_it(how):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        pids = list(map(int, parent.stdout.readline().split()))
        assert len(pids) == 2
        parent.send_signal(how)
        parent.wait()
    late = time.monotonic() + 30
    while any(map(alive, pids)) and time.monotonic() < late:
        time.sleep(0.05)
    assert not any(map(alive, pids))
