"""Workers survive what models do to them; see also test_bad_models_fail_alone of commands/run."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

BAD_MODELS = Path(__file__).parents[1] / "plugins" / "bad_models.py"


def test_a_model_that_litters_harms_no_other_and_repeats(command, small, tmp_path):
    """Floating point errors, working folder, stdout and global generators are put back."""
    names = ["Litters", "PT-Bayes", "AA-BP", "Unspeakable", "AA-kNN"]
    texts = []
    for jobs in (1, 2):
        done = command("run", *names, "--plugin", BAD_MODELS, "--dataset", small, "--folds", 3,
                       "--jobs", jobs, "--out", f"out{jobs}")  # fmt: skip
        assert done.returncode == 1
        assert "litter" not in done.stdout
        table = pd.read_csv(tmp_path / f"out{jobs}" / "table3.csv").set_index("model")
        assert table.loc["Unspeakable", "folds"] == 0
        assert (table.drop("Unspeakable")["folds"] == 3).all()
        texts.append((tmp_path / f"out{jobs}" / "scores.csv").read_bytes())
    assert texts[0] == texts[1]


@pytest.mark.slow
def test_a_class_that_workers_cannot_load_fails_alone(small, tmp_path, clean_registry):
    """As one of a module that exists in this process only."""
    import types

    import benchmark

    module = types.ModuleType("a_module_of_this_process")
    sys.modules[module.__name__] = module
    exec(  # noqa: S102
        "from baselines import AAKNN\nclass Loaded(AAKNN):\n    pass\n", module.__dict__
    )
    benchmark.register("Loaded")(module.Loaded)
    try:
        study = benchmark.run(
            ["AA-kNN", "Loaded"], datasets=small, folds=3, out=tmp_path / "out", report=False
        )
    finally:
        del sys.modules[module.__name__]
    summary = study.summary.set_index("model")
    assert summary.loc["AA-kNN", "folds"] == 3
    assert summary.loc["Loaded", "folds"] == 0
    assert "cannot load it" in study.failures[0].error
