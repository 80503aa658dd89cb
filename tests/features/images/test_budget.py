"""However many threads and processes decode, the pixels that they hold at once are bounded."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from features.images import decoding
from features.images.budget import PixelBudget


def test_images_at_once_stay_within_the_budget_or_are_alone():
    budget, lock = PixelBudget(100), threading.Lock()
    held, most = [], []

    def decode(pixels):
        with budget.taken(pixels):
            with lock:
                held.append(pixels)
                most.append(list(held))
            time.sleep(0.001)
            with lock:
                held.remove(pixels)

    sizes = [1, 30, 60, 100, 250, 50] * 10
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, sizes))
    assert len(most) == len(sizes)
    assert all(sum(at_once) <= 100 or len(at_once) == 1 for at_once in most)
    assert max(map(len, most)) > 1  # small ones need not wait for each other


def test_an_error_gives_its_pixels_back():
    budget = PixelBudget(10)
    for _ in range(3):
        try:
            with budget.taken(10):
                raise ValueError
        except ValueError:
            pass
    with budget.taken(10):
        pass


def test_decoding_takes_its_pixels_from_the_budget(monkeypatch):
    taken = []

    class Budget(PixelBudget):
        def taken(self, pixels):
            taken.append(pixels)
            return super().taken(pixels)

    monkeypatch.setattr(decoding, "BUDGET", Budget())
    for format_, reduced in (("PNG", 1), ("JPEG", 16)):  # a JPEG is reduced as it is decoded
        buffer = io.BytesIO()
        Image.fromarray(np.zeros((64, 80, 3), np.uint8)).save(buffer, format_)
        decoding.decode(buffer.getvalue(), 16)
        assert taken.pop() == 64 * 80 // reduced


def test_of_several_processes_one_decodes_a_large_image():
    """The second process gets its turn only when the first has ended its own."""
    program = (
        "import sys, time\n"
        "from features.images.budget import PixelBudget\n"
        "budget = PixelBudget()\n"
        "budget.share(int(sys.argv[1]), 10)\n"
        "with budget.taken(11):\n"
        "    print('in', flush=True); sys.stdin.readline(); print('out', flush=True)\n"
    )
    with tempfile.TemporaryFile() as file:
        number = file.fileno()
        start = lambda: subprocess.Popen(  # noqa: E731
            [sys.executable, "-c", program, str(number)], pass_fds=(number,), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        with start() as first:
            assert first.stdout.readline() == "in\n"
            with start() as second:
                entered = threading.Thread(target=second.stdout.readline)
                entered.start()
                entered.join(0.5)
                assert entered.is_alive()
                first.communicate("\n")
                entered.join(30)
                assert not entered.is_alive()
                second.communicate("\n")
