"""Every public function returns an answer: it shows, tabulates and saves itself.

Tests `benchmark.commands.answers.base`, `benchmark.commands.answers.html`,
`benchmark.commands.answers.tables`, `benchmark.commands.answers.figures`,
`benchmark.commands.answers.documents`, `benchmark.commands.answers.predictions`,
`benchmark.commands.answers.models`, `benchmark.commands.study`, `benchmark.commands.tables`,
`benchmark.commands.listings`, `benchmark.commands.gathering`, `benchmark.spelling`,
`benchmark.commands.features`.
"""

from __future__ import annotations

import doctest
import inspect
import os
import shutil
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchmark
import benchmark.answers as answer_classes
from baselines import AAKNN
from benchmark.commands.answers.base import Answer, shortened
from benchmark.commands.answers.documents import Report
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
    for number in (3, "4", "Table 3", "tests", "text"):
        yield benchmark.table(number)
    yield study.figure("boxes")
    yield Figures([study.figure("boxes")], ["figure 5 cannot be drawn"])
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


def test_saving_says_what_works(study, tmp_path):
    table = study.table()
    for name, said in (
        ("x.texx", "a table cannot be saved as '.texx'; did you mean '.tex'? it can be .csv, "),
        ("x", "a table cannot be saved as 'x', which has no ending; it can be .csv, .tex, "),
    ):
        with pytest.raises(benchmark.UsageError) as error:
            table.save(tmp_path / name)
        assert str(error.value).startswith(said)
    (tmp_path / "file").touch()
    with pytest.raises(benchmark.BenchmarkError, match=r"cannot write .*x\.md"):
        table.save(tmp_path / "file" / "x.md")


def test_the_latex_of_a_saved_figure_takes_in_the_picture_saved_beside_it(study, tmp_path):
    figure = study.figure("boxes", dataset="data")
    paths = [figure.save(tmp_path / f"my_boxes.{suffix}") for suffix in ("png", "tex")]
    assert f"]{{{paths[0].stem}}}" in paths[1].read_text()
    assert "]{boxes-data}" in figure._files()[".tex"]()  # as its files in a run folder are called


def test_a_table_in_html_has_the_cells_of_the_text(study):
    html = Reader(study._repr_html_())
    assert html.tags.count("table") == 2
    for row in study.table().grids[0].cells:
        assert row[0].text in html.texts
        assert row[4].text in html.texts
    assert "b & <i>" not in study._repr_html_()


def test_the_study_has_the_numbers_of_the_files(study):
    folder = Path("results/runs/both")
    for name in ("scores", "pairs", "timings"):
        text = getattr(study, name).to_csv(index=False)
        read = pd.read_csv(folder / f"{name}.csv")
        pd.testing.assert_frame_equal(pd.read_csv(StringIO(text)), read, check_dtype=False)
    assert study.models == MODELS
    assert study.datasets == ["data", "other"]
    assert study.failures == []
    assert benchmark.table(3, study).paths[0] == folder / "table3.csv"
    read = pd.read_csv(folder / "table3.csv")
    pd.testing.assert_frame_equal(study.to_frame()[["model", "cosine"]], read[["model", "cosine"]])


def test_a_table_of_a_study_is_written_as_it_is_asked_for(study):
    table = study.table(3, models=["SA-BFGS"], measures="KL, cosine", digits=2, ranks="none")
    assert table.grids[0].headers == ["Model", "KLdiv ↓", "Cos ↑", "Mean rank"]
    ((name, *_),) = table.grids[0].rows
    assert name == "SA-BFGS"
    shown = table.to_frame()
    assert shown[shown["kind"] == "model"]["model"].tolist() == ["SA-BFGS", "SA-BFGS"]
    with pytest.raises(benchmark.UsageError, match="measures is for table 3, not for table tests"):
        study.table("tests", measures="KL")
    with pytest.raises(benchmark.UsageError, match="there is no measure 'KLL'"):
        study.table(3, measures="KLL")


def test_predictions_stand_beside_the_true_distributions_of_their_rows(study):
    X, D = problem()
    frame = study.predictions("aa-knn (K=3)", "DATA")
    assert frame["row"].tolist() == list(range(60))
    true, predicted = (
        frame[[f"{what}:{label}" for label in D.columns]].to_numpy()
        for what in ("true", "predicted")
    )
    np.testing.assert_array_equal(true, D)
    learner = AAKNN(k=3)
    for fold in range(3):
        test = (frame["fold"] == fold).to_numpy()
        expected = learner.fit(X[~test].to_numpy(), D[~test].to_numpy()).predict(X[test].to_numpy())
        np.testing.assert_allclose(predicted[test], expected)
    for wrong, said in (
        (("AA-kN", "data"), "no model 'AA-kN'; did you mean 'AA-kNN (k=3)'"),
        (("SA-BFGS", "date"), "no dataset 'date'; did you mean 'data'"),
        (("SA-BFGS",), "of which dataset\\? the run has data, other"),
    ):
        with pytest.raises(benchmark.UsageError, match=said.replace("(k=3)", "")[:30]):
            study.predictions(*wrong)


def test_a_half_finished_run_is_loaded_and_nothing_is_written(ran, tmp_path):
    folder = tmp_path / "half"
    shutil.copytree(ran[0] / "results/runs/both", folder)
    lost = sorted(folder.glob("tasks/data/SA-BFGS*/*.npz"))[0]
    lost.unlink()
    for file in {*folder.glob("*.csv"), *folder.glob("table3.*")}:
        file.unlink()
    before = sorted(folder.rglob("*"))
    study = benchmark.Study.load(folder)
    assert not study.complete
    assert "- 1 result is missing" in repr(study)
    of_half = study.summary.set_index(["dataset", "model"])["cosine"]
    assert np.isnan(of_half["data", "SA-BFGS"])
    assert study.predictions("SA-BFGS", "data")["predicted:a"].isna().sum() == 20
    study.table("tests"), study.figure("boxes")
    assert sorted(folder.rglob("*")) == before
    with pytest.raises(benchmark.UsageError, match="holds no run"):
        benchmark.Study.load(tmp_path)


def test_misspelt_words_are_told_with_the_one_that_is_meant(study, tmp_path):
    X, D = problem()
    given = {"datasets": (X, D), "report": False}
    for call, said in (
        (lambda: benchmark.run("AA-kNN", datasets=(X, D), fold=3), "'fold'; did you mean 'folds'"),
        (lambda: benchmark.run(3, **given), "3 is no model: give a name"),
        (lambda: benchmark.run("AA-kNN", jobs="2", **given), "jobs must be a whole number"),
        (lambda: benchmark.run("AA-kNN", jobs=1.5, **given), "jobs must be a whole number"),
        (lambda: benchmark.run("AA-kNN", task_timeout="9", **given), "a number of seconds"),
        (lambda: benchmark.run("AA-kNN", measures=[3], **given), "3 is no measure"),
        (lambda: benchmark.Study.load(3), "3 is no run; give its folder"),
        (lambda: benchmark.table(3, [3]), "3 is no run; give its folder"),
        (lambda: benchmark.figure("boxes", formats="gif"), "or png, not 'gif'"),
        (lambda: benchmark.leaderboard(datasets="nothing"), "no set 'nothing'"),
        (lambda: benchmark.table(1, datasets="nothing"), "no image set named 'nothing'"),
        (lambda: study.figure("boxes", models="SA-BFSG"), "no model 'SA-BFSG'; did you mean"),
        (lambda: benchmark.table(3, dgits=3), "table has no setting 'dgits'"),
        (lambda: benchmark.table("test"), "no table 'test'; did you mean 'tests'"),
        (lambda: benchmark.table(5), "no table 5"),
        (
            lambda: benchmark.table(4, measure="KL"),
            "measure is for table tests and text",
        ),
        (lambda: benchmark.figure("boxs"), "no figure 'boxs'; did you mean 'boxes'"),
        (lambda: benchmark.figure("boxes", modles=["x"]), "'modles'; did you mean 'models'"),
        (lambda: benchmark.report(picture=False), "'picture'; did you mean 'pictures'"),
        (lambda: study.figure("boxes", model=["SA-BFGS"]), "'model'; did you mean 'models'"),
        (lambda: benchmark.make_dataset("x", X, D, group=[1]), "'group'; did you mean 'groups'"),
    ):
        with pytest.raises(benchmark.UsageError) as error:
            call()
        assert said in str(error.value)
        assert "\n" not in str(error.value)
        assert error.value._render_traceback_() == [f"UsageError: {error.value}"]


def test_earlier_spellings_work(study):
    again = benchmark.table("results/runs/both")
    assert again.complete
    pd.testing.assert_frame_equal(again.summary, study.summary)
    grid, paths = benchmark.significance(study, "cosine")
    assert "Cos" in grid.caption
    assert paths[0].name == "tests.csv"
    ((drawing, files),) = benchmark.figure("boxes", study, ["svg"])
    assert drawing.caption
    assert files[-1].suffix == ".svg"


def test_a_report_can_be_used_as_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("some & other", "report.html")
    path.parent.mkdir()
    path.write_text("<!DOCTYPE html>")
    report = Report(path, pd.DataFrame())
    assert Path(report) == path
    assert report.read_text() == "<!DOCTYPE html>"
    assert report.name == "report.html"
    assert 'href="some &amp; other/report.html"' in report._repr_html_()
    assert report.save("copy.html").read_text() == "<!DOCTYPE html>"
    path.unlink()
    with pytest.raises(benchmark.BenchmarkError, match="cannot read"):
        report.save("copy.html")


def test_long_tables_are_cut_and_say_so():
    text = shortened("\n".join(map(str, range(100))), 10)
    assert text.splitlines()[9] == "9"
    assert text.splitlines()[10].startswith("... 90 more lines: print(..) shows all")


EXAMPLES = {
    "data.csv": "x0,x1,label:calm,label:sad\n0.1,0.2,0.5,0.5\n0.3,0.1,1,0\n0.7,0.9,0,1\n",
    "mean.py": "from baselines import LDLEstimator\nfrom benchmark import register\n\n\n"
    "@register('Mean')\nclass Mean(LDLEstimator):\n    def _fit(self, X, D):\n"
    "        self.mean_ = D.mean(axis=0)\n\n    def _predict(self, X):\n"
    "        return self.mean_ + 0 * X[:, :1]\n",
}


def test_the_example_of_every_public_name_runs(tmp_path, monkeypatch):
    """In one folder, the run first, on which the others look."""
    monkeypatch.chdir(tmp_path)
    for name, text in EXAMPLES.items():
        Path(name).write_text(text)
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    names = [name for name in benchmark.__all__ if name != "__version__"]
    names = sorted([*names, *answer_classes.__all__], key=lambda name: (name != "run", name))
    for name in names:
        public = getattr(benchmark if name in benchmark.__all__ else answer_classes, name)
        assert "\nExamples\n---" in (inspect.getdoc(public) or ""), name
        for test in finder.find(public, name, module=False, globs={}):
            output = StringIO()
            assert runner.run(test, out=output.write).failed == 0, output.getvalue()
