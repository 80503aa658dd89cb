import pytest
from openmp_copy import copy_openmp, load_with_threads
from threadpoolctl import threadpool_info

from features import one_thread as module
from features.one_thread import one_thread


@pytest.fixture
def scans(monkeypatch):
    found = []

    class Counted(module.ThreadpoolController):
        def __init__(self):
            found.append(self)
            super().__init__()

    monkeypatch.setattr(module, "ThreadpoolController", Counted)
    monkeypatch.setattr(module, "_found", None)
    return found


def threads_of(path):
    return [one["num_threads"] for one in threadpool_info() if one["filepath"] == str(path)]


def test_libraries_are_looked_at_again_only_when_one_was_loaded(scans, tmp_path):
    for _ in range(3):
        with one_thread():
            pass
    assert len(scans) == 1
    openmp = copy_openmp(tmp_path)
    load_with_threads(openmp, 3)
    for _ in range(2):
        with one_thread():
            assert threads_of(openmp) == [1]
        assert threads_of(openmp) == [3]
    assert len(scans) == 2


def test_they_are_looked_at_every_time_where_the_system_does_not_count(scans, monkeypatch):
    monkeypatch.setattr(module, "_iterate", None)
    for _ in range(2):
        with one_thread():
            assert all(one["num_threads"] == 1 for one in threadpool_info())
    assert len(scans) == 2
