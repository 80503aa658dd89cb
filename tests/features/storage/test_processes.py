"""Arrays in shards under kill -9, under several processes, and in little memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from features.storage.build_shards import ArrayPlan, build_shards

ROWS, PER_SHARD, N = 7, 10, 95

# Rows are their own numbers. With "slow" each batch waits for the file "go" after row 30.
BUILD = """
import sys, time
from pathlib import Path
import numpy as np
from features.storage.build_shards import ArrayPlan, build_shards

folder, slow = Path(sys.argv[1]), sys.argv[2] == "slow"
computed = 0

def compute(rows):
    global computed
    for row in rows:
        while slow and row > 30 and not folder.with_name("go").exists():
            time.sleep(0.01)
        computed += 1
        yield np.full((1, 7), row)

def say(text):
    print(text, flush=True)

array = build_shards(folder, ArrayPlan({"a": 1}, 95, (7,), np.int64, 10), compute, tell=say)
assert np.array_equal(array[:], np.tile(np.arange(95)[:, None], 7))
say(f"computed {computed}")
"""


def start(folder, speed):
    command = [sys.executable, "-c", BUILD, str(folder), speed]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for_shards(folder, count, process):
    for _ in range(3000):
        if len(list(folder.glob("*.npy"))) >= count:
            return
        assert process.poll() is None
        time.sleep(0.01)
    raise AssertionError("no shards in half a minute")


def test_a_killed_process_leaves_what_another_goes_on_with(tmp_path):
    folder = tmp_path / "array"
    process = start(folder, "slow")
    wait_for_shards(folder, 3, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    asked = []

    def compute(rows):
        asked.append(rows)
        yield np.tile(np.arange(rows.start, rows.stop)[:, None], ROWS)

    def build(where):
        return build_shards(where, ArrayPlan({"a": 1}, N, (ROWS,), np.int64, PER_SHARD), compute)

    resumed, uninterrupted = build(folder), build(tmp_path / "other")
    assert asked == [range(30, N), range(N)]
    assert np.array_equal(resumed[:], uninterrupted[:])
    for path in folder.glob("*.npy"):
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()


def test_a_second_process_waits_and_computes_nothing(tmp_path):
    folder = tmp_path / "array"
    first = start(folder, "slow")
    wait_for_shards(folder, 3, first)
    second = start(folder, "fast")
    said = second.stdout.readline()
    (tmp_path / "go").touch()
    assert said.startswith(f"waiting for another process that works in {folder} (process ")
    assert first.communicate()[0] == f"computed {N}\n"
    assert second.communicate()[0] == "computed 0\n"
    assert (first.returncode, second.returncode) == (0, 0)


BUILD_MANY = """
import resource, sys
from pathlib import Path
import numpy as np
from features.storage.build_shards import ArrayPlan, build_shards

def peak():
    # What getrusage says on Linux includes the parent process.
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def build(name, n):
    def compute(rows):
        for start in range(rows.start, rows.stop, 100):
            yield np.full((min(100, rows.stop - start), 1024), start % 256, np.uint8)
    plan = ArrayPlan({}, n, (1024,), np.uint8, 1000)
    return build_shards(Path(sys.argv[1]) / name, plan, compute)

build("small", 1000)
before = peak()
n = int(sys.argv[2])
array = build("large", n)       # written
array = build("large", n)       # verified
for start in range(0, n, 500):  # read
    assert array[start : start + 500].shape == (500, 1024)
print(peak() - before)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path):
    grown = []
    for n in (25_000, 100_000):  # 25 and 100 MB
        command = [sys.executable, "-c", BUILD_MANY, str(tmp_path / str(n)), str(n)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        grown.append(int(output))
    assert grown[1] < grown[0] + 12e6
