"""Every public function returns an answer: it shows, tabulates and saves itself.

Tests `benchmark.commands.answers.base`, `benchmark.commands.answers.html`,
`benchmark.commands.answers.tables`, `benchmark.commands.answers.figures`,
`benchmark.commands.answers.documents`, `benchmark.commands.answers.predictions`,
`benchmark.commands.answers.models`, `benchmark.commands.study`, `benchmark.commands.tables`,
`benchmark.commands.listings`, `benchmark.commands.gathering`, `benchmark.commands.spelling`,
`benchmark.commands.features`.
"""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchmark
from baselines import AAKNN
from benchmark.commands.answers.base import Answer
from benchmark.commands.answers.figures import Figures

MODELS = ["AA-kNN (k=3)", "SA-BFGS"]


def problem():
    """Features, and distributions over labels whose names are markup."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    D = np.exp(X @ rng.normal(size=(5, 4)))
    D = pd.DataFrame(D / D.sum(axis=1, keepdims=True), columns=["a", "b & <i>", "喜", "d"])
    return pd.DataFrame(X, columns=list("qrstu")), D


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder with a run of two models on two datasets, and its study."""
    folder = tmp_path_factory.mktemp("answers")
    before = Path.cwd()
    os.chdir(folder)
    try:
        data = {"data": problem(), "other": problem()}
        data["other"] = (data["other"][0] + 1.0, data["other"][1])
        study = benchmark.run(
            [AAKNN(k=3), "SA-BFGS"], datasets=data, folds=3, out="results/runs/both", report=False,
            jobs=1,
        )  # fmt: skip
        yield folder, study
    finally:
        os.chdir(before)


@pytest.fixture
def study(ran, monkeypatch):
    monkeypatch.chdir(ran[0])
    return ran[1]


class Reader(HTMLParser):
    """Checks that elements are closed in order, and collects rows and texts."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def answers(study):
    """One of every kind."""
    yield study
    yield benchmark.Study.load("results/runs/both")
    yield study.failures
    for number in (3, "4", "Table 3", "tests"):
        yield benchmark.table(number)
    yield study.figure("boxes")
    yield study.figure("all", models=["SA-BFGS"])
    yield benchmark.report()
    yield benchmark.measures()
    yield benchmark.models()
    yield benchmark.known_datasets()
    yield benchmark.check_model("Ridge")


def test_all_answers_are_readable_become_frames_and_are_saved(study, tmp_path):
    for number, answer in enumerate(answers(study)):
        assert isinstance(answer, Answer)
        text = repr(answer)
        assert len(text.splitlines()) <= 64, text
        assert "object at 0x" not in text
        assert "DataFrame(" not in text
        assert text.strip()
        assert Reader(answer._repr_html_()).texts
        assert isinstance(answer.to_frame(), pd.DataFrame)
        if isinstance(answer, Figures):
            with pytest.raises(benchmark.UsageError, match="several figures go into several files"):
                answer.save(tmp_path / "x.pdf")
            continue
        with pytest.raises(benchmark.UsageError, match=r"it can be .*\.\w+"):
            answer.save(tmp_path / "x.xyz")
        for suffix in answer._files():
            file = answer.save(tmp_path / f"{number}" / f"answer{suffix.upper()}")
            assert file.stat().st_size
