"""The console (progress): where sentences go, and when progress lines are shown."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
import time

import pytest

from benchmark import progress
from benchmark.progress import QUIET, Console, console_for


def test_sentences_go_to_who_asked_for_them(capsys):
    told = []
    Console(told.append).tell("One thing.")
    QUIET.tell("Another.")
    assert told == ["One thing."]
    assert capsys.readouterr() == ("", "")


def test_tasks_are_counted_and_the_models_at_work_are_named(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_FILE_SECONDS", 0.01)
    asked = []

    def running():
        asked.append(len(asked))
        return ["AA-kNN", "DLDL (epoch 3 of 9)"]

    with Console(show_progress=True).tasks(2, running) as step:
        step()
        while len(asked) < 3:  # the line goes on while nothing finishes
            time.sleep(0.01)
        step()
    shown = capsys.readouterr().err
    assert "1 of 2 tasks done after" in shown
    assert "at work: AA-kNN, DLDL (epoch 3 of 9)" in shown


def test_nothing_is_shown_unasked_or_where_nothing_is_to_do(capsys):
    for console, total in ((QUIET, 2), (Console(show_progress=True), 0)):
        with console.tasks(total, list) as step:
            step()
        with QUIET.bar("reading", 10) as bar:
            bar.update(10)
    assert capsys.readouterr() == ("", "")


def test_a_file_gets_whole_lines_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_FILE_SECONDS", 0.05)
    console = Console(show_progress=True)
    with console.bar("decoding images", 5000) as bar:
        for _ in range(40):
            time.sleep(0.01)
            bar.update(100)
    with console.bar("Emotion6", unit="B") as bar:
        for _ in range(20):
            time.sleep(0.01)
            bar.update(1_000_000)
    shown = capsys.readouterr().err
    assert "%|" not in shown
    assert "\r" not in shown
    images, archive = [
        [line for line in shown.splitlines() if line.startswith(title)]
        for title in ("decoding images: ", "Emotion6: ")
    ]
    assert len(images) + len(archive) == len(shown.splitlines())
    assert 1 <= len(images) < 20
    assert re.fullmatch(r"decoding images: \d?,?\d00 of 5,000 images done after 00:00", images[0])
    assert re.fullmatch(r"Emotion6: \d+ MB after 00:00", archive[0])


def test_a_line_of_tasks_tells_what_is_at_work_when_it_is_written(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_FILE_SECONDS", 0.05)
    now = []
    with Console(show_progress=True).tasks(40, lambda: [f"task {len(now)}"]) as step:
        for _ in range(40):
            now.append(0)
            time.sleep(0.01)
            step()
    lines = capsys.readouterr().err.splitlines()
    assert lines
    for line in lines:
        done, at_work = map(int, re.findall(r"^(\d+) of 40 .* task (\d+)$", line)[0])
        assert abs(at_work - done) <= 5


def test_what_is_quick_leaves_no_line(capsys):
    console = Console(show_progress=True)
    with console.bar("reading", 10) as bar, console.tasks(2, list) as step:
        bar.update(10)
        step()
    assert capsys.readouterr().err == ""


def test_a_full_disk_under_stderr_or_no_stderr_ends_nothing(monkeypatch):
    class Full(io.StringIO):
        def write(self, _text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress, "_FILE_SECONDS", 0.01)
    for stream in (Full(), None):  # None: started without descriptors
        monkeypatch.setattr(sys, "stderr", stream)
        with Console(show_progress=True).tasks(2, list) as step:
            time.sleep(0.05)
            step()


def test_a_terminal_gets_a_line_that_changes(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_is_terminal", lambda: True)
    with Console(show_progress=True).tasks(2, list) as step:
        step()
    assert "0%|" in capsys.readouterr().err


class Place:
    """Stands for a place in the output of a notebook's cell: notes what it shows."""

    def __init__(self):
        self.texts = []

    def update(self, shown, raw):
        assert raw
        self.texts.append(shown["text/plain"])

    def display(self, shown, raw, display_id):
        assert display_id
        self.update(shown, raw)
        return self


def test_a_notebook_shows_a_line_that_is_gone_in_the_end_and_sentences(capsys, monkeypatch):
    pytest.importorskip("IPython")
    place = Place()
    monkeypatch.setattr("IPython.display.display", place.display)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)  # no ipywidgets
    console = console_for(None)
    console.tell("One thing.")
    with console.tasks(2, lambda: ["AA-kNN"]) as step:
        step()
        while not any("1/2" in text and "AA-kNN" in text for text in place.texts):
            time.sleep(0.05)
        step()
    assert place.texts[-1] == ""
    assert capsys.readouterr() == ("One thing.\n", "")
    place.texts.clear()
    silent = console_for(False)
    silent.tell("Another.")
    with silent.tasks(2, list) as step:
        step()
    assert place.texts == []
    assert capsys.readouterr() == ("", "")


def test_elsewhere_nothing_is_shown_unless_it_is_asked_for(capsys):
    told = []
    console_for(None).tell("Logged.")
    console_for(False, told.append).tell("Told.")
    console_for(True).tell("Shown.")
    assert told == ["Told."]
    assert capsys.readouterr() == ("", "Shown.\n")
    assert not console_for(None).show_progress
