"""Threads that work ahead: in order, a bounded way, and gone when whoever takes stops."""

from __future__ import annotations

import threading
import time

import pytest

from features.threads import ahead, in_threads


def threads():
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(("ahead", "images"))]


def test_items_come_in_order_from_another_thread():
    where = []

    def items():
        for item in range(50):
            where.append(threading.current_thread())
            yield item

    assert list(ahead(items(), 3)) == list(range(50))
    assert set(where).isdisjoint({threading.current_thread()})
    assert list(ahead([], 1)) == []
    assert list(ahead(iter("ab"), 1)) == ["a", "b"]
    assert threads() == []


def test_items_are_drawn_a_bounded_way_ahead():
    drawn, most = 0, 0

    def items():
        nonlocal drawn
        for item in range(100):
            drawn += 1
            yield item

    for taken, _ in enumerate(ahead(items(), 3), start=1):
        time.sleep(0.001)
        most = max(most, drawn - taken)
    assert 2 <= most <= 4


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_an_error_comes_after_the_items_before_it(error):
    def items():
        yield from range(5)
        raise error

    taken = []
    with pytest.raises(error):
        taken.extend(ahead(items(), 2))
    assert taken == list(range(5))
    assert threads() == []


def endless(closed):
    try:
        while True:
            yield 1
    finally:
        closed.append(threading.current_thread().name)


def test_who_stops_early_leaves_no_thread_and_an_iterable_that_is_closed():
    closed = []
    taking = ahead(endless(closed), 2)
    assert next(taking) == 1
    taking.close()
    assert threads() == []
    assert closed == ["ahead"]


def test_an_error_of_who_takes_leaves_no_thread_while_it_is_handled():
    closed = []
    source = endless(closed)

    def take():
        for _ in ahead(source, 2):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        take()
    assert threads() == [], caught
    assert closed == ["ahead"]


def test_nothing_is_drawn_before_the_first_item_is_asked_for():
    closed = []
    ahead(endless(closed), 2).close()
    assert closed == []
    assert threads() == []


def test_threads_keep_the_order_and_run_a_bounded_way_ahead():
    started, most = [], 0
    for taken, result in enumerate(in_threads(lambda i: (started.append(i), i)[1], range(200), 3)):
        assert result == taken
        time.sleep(0.0005)
        most = max(most, len(started) - taken)
    assert len(started) == 200
    assert most <= 12


def test_threads_stop_after_an_error():
    started = []
    before, go = threading.active_count(), threading.Event()

    def work(i):
        started.append(i)
        if i == 1:
            raise ZeroDivisionError
        go.wait(0.01)

    with pytest.raises(ZeroDivisionError):
        list(in_threads(work, range(1000), 2))
    assert len(started) <= 10
    assert threading.active_count() == before
