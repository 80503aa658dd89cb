"""The private switch of joblib's that leak_check uses: this fails when joblib changes it."""

from __future__ import annotations

import inspect

from joblib.externals.loky import process_executor
from loky import process_executor as public

from benchmark.running.leak_check import switch_off_leak_check


def test_the_switch_is_there_and_works(monkeypatch):
    """If joblib has no such name, look whether it knows LOKY_MAX_MEMORY_LEAK_SIZE by now."""
    monkeypatch.setattr(process_executor, "_USE_PSUTIL", True)  # fails where there is none
    switch_off_leak_check()
    assert process_executor._USE_PSUTIL is False
    worker = inspect.getsource(process_executor._process_worker)
    assert "if _USE_PSUTIL:" in worker


def test_loky_has_a_public_switch():
    assert 'os.environ.get("LOKY_MAX_MEMORY_LEAK_SIZE"' in inspect.getsource(public)
