"""The published tables, and a run on data that is called as the paper's."""

from __future__ import annotations

import pytest
from made_paper import HOSTILE

from benchmark.paper.published import load_published


@pytest.fixture(scope="module")
def published():
    return load_published()


@pytest.fixture
def run(command, small, tmp_path):
    """A run of three of the paper's models and a new one, on data called Emotion6.

    The new one averages all 40 training rows: it is the mean training distribution.
    """
    settings = tmp_path / "mine.toml"
    settings.write_text(f'folds = 3\n[models."{HOSTILE}"]\nmodel = "AA-kNN"\nk = 40\n')
    data = small.rename(tmp_path / "EMOTION6.mat")
    done = command("run", "AA-kNN", "SA-BFGS", "PT-Bayes", HOSTILE, "--protocol", settings,
                   "--dataset", data, "--out", tmp_path / "run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return tmp_path / "run"
