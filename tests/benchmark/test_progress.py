"""The console (progress): where sentences go, and when progress lines are shown."""

from __future__ import annotations

import time

from benchmark import progress
from benchmark.progress import QUIET, Console


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
    assert "1/2" in shown
    assert "AA-kNN, DLDL (epoch 3 of 9)" in shown


def test_nothing_is_shown_unasked_or_where_nothing_is_to_do(capsys):
    for console, total in ((QUIET, 2), (Console(show_progress=True), 0)):
        with console.tasks(total, list) as step:
            step()
        with QUIET.bar("reading", 10) as bar:
            bar.update(10)
    assert capsys.readouterr() == ("", "")
