"""results/demo is what this code makes of the built-in images, and nothing older."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchmark
from benchmark.analysis.evidence import gather
from benchmark.datasets.loading import Loading, load_datasets
from benchmark.planning.find_needs import find_needs
from benchmark.planning.models import choose_models
from benchmark.planning.plan import make_plan
from benchmark.planning.settings import Overrides, make_settings
from benchmark.planning.tuning import add_tuned
from benchmark.store.run_folder import DERIVED, RunFolder

pytestmark = pytest.mark.slow

DEMO = Path(__file__).resolve().parents[2] / "results" / "demo"
AGAIN = "results/demo is stale: make demo"

# A number, with what surrounds it, as it is written in text, SVG and HTML.
NUMBER = re.compile(r"-?\d+\.?\d*(?:[eE][+-]?\d+)?")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Everything that is made of results, made again of a copy of them."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    shutil.copytree(DEMO, folder)
    RunFolder(folder).remove_derived()
    assert not (folder / "table3.csv").exists()
    benchmark.table(folder)
    benchmark.significance(folder)
    benchmark.tuned_table(folder)
    benchmark.figure("all", folder, ["svg"])
    benchmark.report(folder)
    return folder


def same_but_for_rounding(a: str, b: str) -> bool:
    """Whether texts are the same, and the numbers in them nearly."""
    if NUMBER.sub("#", a) != NUMBER.sub("#", b):
        return False
    first, second = (np.array([float(x) for x in NUMBER.findall(text)]) for text in (a, b))
    return bool(np.allclose(first, second, rtol=1e-3, atol=2e-3))


def test_the_results_are_those_of_todays_settings_data_and_models(tmp_path):
    settings = make_settings(None, (), False, Overrides(tune=True, tune_networks=False))
    models = add_tuned(settings, choose_models(settings, [], every=True))
    built_in = [model for model in models if not model.entry.file]
    loaded = load_datasets(settings.datasets, [], Loading(cache_dir=tmp_path))
    needs = find_needs(loaded, built_in, settings.features, True, lambda sentence: None)
    wanted = make_plan(settings, loaded, built_in, needs)
    stored = RunFolder(DEMO).read_plan()
    assert stored.seed == wanted.seed
    assert set(stored.tasks) == set(wanted.tasks), AGAIN
    files = {path.relative_to(DEMO) for path in (DEMO / "tasks").rglob("*.npz")}
    assert files == {task.path for task in wanted.tasks}, AGAIN


def test_nothing_is_missing_and_nothing_is_left_over(made):
    ignored = {".lock", "log.txt", "report.png"}
    stored, again = (
        {p.relative_to(folder) for p in folder.rglob("*") if p.is_file() and p.name not in ignored}
        for folder in (DEMO, made)
    )
    figures = {path.with_suffix(".pdf") for path in again if path.suffix == ".svg"}
    assert stored == again | figures, AGAIN
    assert (DEMO / "report.png").stat().st_size > 50_000


@pytest.mark.parametrize(
    "name", ["scores", "pairs", "intervals", "table3", "tests", "tuning", "tuned"]
)
def test_tables_have_the_numbers_of_the_results(made, name):
    stored, again = (pd.read_csv(folder / f"{name}.csv") for folder in (DEMO, made))
    pd.testing.assert_frame_equal(stored, again, rtol=1e-6, obj=AGAIN)


@pytest.mark.parametrize("name", [n for n in DERIVED if n.endswith((".md", ".tex", ".html"))])
def test_texts_and_the_report_are_made_by_todays_code(made, name):
    if not (made / name).exists():
        assert not (DEMO / name).exists(), AGAIN
        return
    stored, again = ((folder / name).read_text(encoding="utf-8") for folder in (DEMO, made))
    # Pictures of figures are compared below, as SVG.
    stored, again = (re.sub(r"base64,[\w+/=]+", "", text) for text in (stored, again))
    assert same_but_for_rounding(stored, again), AGAIN


def test_figures_are_drawn_by_todays_code(made):
    files = sorted(path.name for path in (made / "figures").iterdir())
    assert len(files) >= 8 * 3
    for name in files:
        stored, again = ((f / "figures" / name).read_text("utf-8") for f in (DEMO, made))
        stored, again = (re.sub(r"base64,[\w+/=\s]+", "", text) for text in (stored, again))
        assert same_but_for_rounding(stored, again), f"{name}: {AGAIN}"


def test_the_report_is_small():
    assert (DEMO / "report.html").stat().st_size < 10_000_000


def test_a_stale_text_is_noticed():
    assert same_but_for_rounding("a 0.34531 b", "a 0.34532 b")
    assert not same_but_for_rounding("a 0.3453 b", "a 0.3553 b")
    assert not same_but_for_rounding("a 0.3453 b", "a 0.3453 c")


def test_the_cheap_models_still_predict_what_is_stored(keras_once, tmp_path):
    """The rest is trusted to the keys of results; these two are computed again."""
    with gather(DEMO) as stored:
        study = benchmark.run(
            ["AA-kNN", "SA-IIS"], out=tmp_path / "run", cache_dir=tmp_path / "cache", report=False
        )
        with gather(study.folder) as fresh:
            assert len(fresh.results) == 20
            for task, result in fresh.results.items():
                np.testing.assert_allclose(
                    stored.results[task].predictions, result.predictions, atol=1e-3, err_msg=AGAIN
                )
