"""Tables, tests, figures, comparisons of stored runs (show, study) as commands and functions.

Also tests `benchmark.commands.printing` and `benchmark.commands.show_tables`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

import benchmark
from benchmark.figures import FIGURES
from benchmark.tables.significance import seen_from


def write_data(path, seed, rows=60):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 5))
    D = np.exp(X @ rng.normal(size=(5, 4)))
    savemat(path, {"features": X, "labels": D / D.sum(axis=1, keepdims=True)})
    return path


def run(command, out, *models, dataset, **options):
    more = [text for key, value in options.items() for text in (f"--{key}", value)]
    result = command("run", *models, "--dataset", dataset, "--folds", "3", "--out", out, *more)
    assert result.returncode == 0, result.stderr


def test_the_table_of_tests_compares_the_best_with_the_others(command, small, tmp_path):
    run(command, "out", "AA-kNN", "SA-BFGS", "PT-Bayes", dataset=small)
    result = command("table", "tests")  # of the run below results/runs that was written last
    assert result.returncode == 2
    result = command("table", "tests", "--out", "out")
    assert result.returncode == 0, result.stderr
    assert "Is the difference real? The best model in KLdiv against the others" in result.stdout
    assert "Nadeau and Bengio" in result.stdout
    assert "tests across datasets need at least 3 datasets" in result.stdout.lower()
    table = pd.read_csv(tmp_path / "out" / "tests.csv")
    summary = pd.read_csv(tmp_path / "out" / "table3.csv").set_index("model")
    best = summary["kl_divergence_rank"].idxmin()
    assert set(table["model_a"]) == {best}
    assert (table["difference"] > 0).all()
    for row in table.to_dict("records"):
        means = summary.loc[[row["model_b"], best], "kl_divergence"].to_numpy()
        assert row["difference"] == pytest.approx(means[0] - means[1])
        assert f"{row['difference']:+.4f}" in result.stdout


def test_another_measure_can_be_tested(command, small, tmp_path):
    run(command, "out", "AA-kNN", "SA-BFGS", dataset=small)
    result = command("table", "tests", "--out", "out", "--measure", "accuracy")
    assert "best model in Accuracy %" in result.stdout
    unknown = command("table", "tests", "--out", "out", "--measure", "acuracy")
    assert unknown.returncode == 2
    assert "did you mean 'accuracy'?" in unknown.stderr


def test_pairs_and_intervals_lie_beside_the_table(command, small, tmp_path):
    run(command, "out", "AA-kNN", "SA-BFGS", dataset=small)
    pairs = pd.read_csv(tmp_path / "out" / "pairs.csv")
    assert list(pairs["measure"].unique()) == list(pairs["measure"])  # one pair each
    intervals = pd.read_csv(tmp_path / "out" / "intervals.csv")
    table = pd.read_csv(tmp_path / "out" / "table3.csv").set_index("model")
    for row in intervals.to_dict("records"):
        mean = table.loc[row["model"], row["measure"]]
        assert row["low"] - 1e-12 <= mean <= row["high"] + 1e-12
    assert not (tmp_path / "out" / "rankings.csv").exists()


def test_seen_from_the_other_side_everything_turns():
    columns = ["model_a", "model_b", "difference", "low", "high", "statistic", "effect_size",
               "share_won", "p_a_better", "p_equivalent", "p_b_better"]  # fmt: skip
    pair = pd.DataFrame(
        [("A", "B", 1.0, -0.5, 2.5, 3.0, 0.2, 0.7, 0.8, 0.15, 0.05)], columns=columns
    )
    turned = seen_from(pair, "B").iloc[0]
    assert list(turned[columns]) == ["B", "A", -1.0, -2.5, 0.5, -3.0, -0.2, pytest.approx(0.3),
                                     0.05, 0.15, 0.8]  # fmt: skip
    pd.testing.assert_frame_equal(seen_from(pair, "A"), pair)


@pytest.mark.slow
def test_runs_on_several_datasets_come_into_one_ranking(command, tmp_path):
    models = ("AA-kNN", "SA-BFGS", "PT-Bayes")
    for seed in range(3):
        run(command, f"run{seed}", *models, dataset=write_data(tmp_path / f"d{seed}.mat", seed))
    outs = [text for seed in range(3) for text in ("--out", f"run{seed}")]
    result = command("table", "3", *outs, "--to", "all")
    assert result.returncode == 0, result.stderr
    merged = pd.read_csv(tmp_path / "all" / "table3.csv")
    for seed in range(3):
        alone = pd.read_csv(tmp_path / f"run{seed}" / "table3.csv")
        mine = merged[merged["dataset"] == f"d{seed}"].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, alone)
    rankings = pd.read_csv(tmp_path / "all" / "rankings.csv")
    assert len(rankings) == 3 * 8
    tests = command("table", "tests", *outs, "--to", "all")
    assert "Over 3 datasets the 3 models" in tests.stdout
    assert "Friedman" in tests.stdout
    drawn = command("figure", "critical", *outs, "--to", "all", "--format", "svg")
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "all" / "figures" / "critical-kl-divergence.svg").exists()


def test_two_versions_of_a_method_stand_side_by_side_when_labelled(command, small, tmp_path):
    for version, k in (("old", 3), ("new", 5)):
        protocol = tmp_path / f"{version}.toml"
        protocol.write_text(f'folds = 3\nrepeats = 1\nseed = 0\n[models."AA-kNN"]\nk = {k}\n')
        run(command, version, "AA-kNN", "SA-BFGS", dataset=small, protocol=protocol)
    refused = command("table", "3", "--out", "old", "--out", "new")
    assert refused.returncode == 2
    assert "k = 3 and 5" in refused.stderr
    assert "--out old=old --out new=new" in refused.stderr
    shown = command("table", "3", "--out", "before=old", "--out", "after=new", "--to", "both")
    assert shown.returncode == 0, shown.stderr
    table = pd.read_csv(tmp_path / "both" / "table3.csv").set_index("model")
    assert list(table.index[:3]) == ["AA-kNN (before)", "SA-BFGS", "AA-kNN (after)"]
    for version, name in (("old", "AA-kNN (before)"), ("new", "AA-kNN (after)")):
        alone = pd.read_csv(tmp_path / version / "table3.csv").set_index("model")
        assert table.loc[name, "kl_divergence"] == alone.loc["AA-kNN", "kl_divergence"]


def test_runs_with_other_folds_are_refused_with_the_difference(command, small, tmp_path):
    run(command, "one", "AA-kNN", dataset=small)
    run(command, "two", "SA-BFGS", dataset=small, seed="7")
    for arguments in (("table", "3"), ("report",), ("compare",), ("figure", "boxes")):
        result = command(*arguments, "--out", "one", "--out", "two")
        assert result.returncode == 2
        assert "seed 0 and 7" in result.stderr
        assert "Traceback" not in result.stderr


def test_what_several_runs_give_overwrites_no_run(command, small):
    run(command, "one", "AA-kNN", dataset=small)
    run(command, "two", "SA-BFGS", dataset=small)
    result = command("table", "3", "--out", "one", "--out", "two", "--to", "one")
    assert result.returncode == 2
    assert "one holds a run; its tables would be overwritten" in result.stderr


@pytest.mark.slow
def test_all_figures_that_a_run_has_are_drawn(command, small, tmp_path):
    run(command, "out", "AA-kNN", "SA-BFGS", "PT-Bayes", dataset=small)
    result = command("figure", "all", "--out", "out")
    assert result.returncode == 0, result.stderr
    files = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    stems = {name.rpartition(".")[0] for name in files}
    assert files == {f"{stem}.{kind}" for stem in stems
                     for kind in ("csv", "txt", "tex", "pdf", "svg", "png")}  # fmt: skip
    assert len(stems) == 6  # 1, 4, boxes, ranks, calibration, cost
    assert result.stdout.splitlines()[-4:] == [
        "Figure 5 cannot be drawn: this run has not two datasets whose labels were spread with a "
        "sigma; make one with: ldl-benchmark run --protocol figure5 --data-dir DIR.",
        "Figure critical cannot be drawn: tests across datasets need at least 3 datasets and 3 "
        "models with results on all of them; there are 1 and 3.",
        "Figure wheel of small cannot be drawn: its labels are not emotions of the wheel: "
        + result.stdout.splitlines()[-2].rpartition("wheel: ")[2],
        "Figure learning of small cannot be drawn: no model recorded the loss of its epochs; "
        "networks do, such as DLDL and EW-MTCNN, on a dataset of images.",
    ]
    for stem in stems:
        caption = (tmp_path / "out" / "figures" / f"{stem}.txt").read_text().strip()
        assert caption in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FIGURES))
def test_a_figure_is_drawn_or_says_what_it_needs(command, small, name):
    run(command, "out", "AA-kNN", "SA-BFGS", dataset=small)
    result = command("figure", name, "--out", "out", "--format", "png")
    assert result.returncode in (0, 2)
    assert (result.returncode == 2) == (name in ("5", "critical", "wheel", "learning"))
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FIGURES, "all"])
def test_a_dataset_measure_or_model_that_is_not_there_is_told(command, small, tmp_path, name):
    run(command, "out", "AA-kNN", dataset=small)
    for option, text, sentence in (
        ("--dataset", "smal", "the run has no dataset 'smal'; did you mean 'small'? "),
        ("--measure", "acuracy", "there is no measure 'acuracy'; did you mean 'accuracy'? "),
        ("--model", "AA-kN", "the run has no model 'AA-kN'; did you mean 'AA-kNN'? "),
    ):
        result = command("figure", name, "--out", "out", option, text)
        assert result.returncode == 2
        assert sentence in result.stderr
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""
    assert not (tmp_path / "out" / "figures").exists()


def test_an_unknown_figure_is_told(command, small):
    run(command, "out", "AA-kNN", dataset=small)
    result = command("figure", "boxs", "--out", "out")
    assert result.returncode == 2
    assert "did you mean 'boxes'?" in result.stderr


def test_a_changed_run_has_no_stale_figures(command, small, tmp_path):
    run(command, "out", "AA-kNN", dataset=small)
    assert command("figure", "boxes", "--out", "out", "--format", "png").returncode == 0
    run(command, "out", "AA-kNN", "SA-BFGS", dataset=small)
    assert not (tmp_path / "out" / "figures").exists()


def test_comparing_other_data_has_to_be_asked_for(command, small, tmp_path):
    run(command, "out", "AA-kNN", "SA-BFGS", "PT-Bayes", dataset=small)
    result = command("compare", "--out", "out")
    assert result.returncode == 2
    assert "--dataset" in result.stderr
    result = command("compare", "--out", "out", "--dataset", "small")
    assert result.returncode == 0, result.stderr
    assert "OTHER DATA" in result.stdout
    assert "Kendall" in result.stdout
    assert (tmp_path / "out" / "compare.csv").exists()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_the_latex_of_the_tests_compiles(command, small, tmp_path):
    run(command, "out", "AA-kNN", "SA-BFGS", "PT-Bayes", dataset=small)
    assert command("table", "tests", "--out", "out").returncode == 0
    subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tests.tex"],
        cwd=tmp_path / "out", check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.slow
def test_outputs_need_no_network_library(command, small, tmp_path):
    run(command, "out", "AA-kNN", "SA-BFGS", "PT-Bayes", dataset=small)
    code = (
        "import sys, benchmark\n"
        "benchmark.table('out'); benchmark.significance('out')\n"
        "assert 'sklearn' not in sys.modules  # a second, which only learners need\n"
        "benchmark.figure('all', 'out')\n"
        "benchmark.report('out'); benchmark.compare('out', 'small')\n"
        "assert not {'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_the_functions_return_what_the_commands_show(command, small):
    run(command, "out", "AA-kNN", "SA-BFGS", dataset=small)
    cells, paths = benchmark.significance("out", "cosine")
    assert cells.rows[0][0] == "small"
    assert [path.name for path in paths] == ["tests.csv", "tests.tex", "tests.md"]
    ((drawing, files),) = benchmark.figure("boxes", "out", ["svg"])
    assert drawing.caption
    assert [path.suffix for path in files] == [".csv", ".txt", ".tex", ".svg"]


def broken(*_args, **_kwargs):
    raise ZeroDivisionError("by a bug")


@pytest.mark.slow
def test_the_table_is_shown_and_the_rest_is_there_whatever_fails(command, small, monkeypatch):
    """Parts of the tables, of the figures, and of the report fail in a run, one by one."""
    monkeypatch.setattr("benchmark.analysis.comparisons.intervals", broken)
    monkeypatch.setattr("benchmark.figures.calibration.calibration", broken)
    monkeypatch.setattr("benchmark.reporting.page.timing_rows", broken)
    models = ("AA-kNN", "PT-Bayes")
    result = command(
        "run", *models, "--dataset", small, "--folds", "3", "--out", "out", report=True
    )
    assert result.returncode == 1
    assert "Mean rank" in result.stdout
    assert "Traceback" not in result.stderr
    told = [line for line in result.stderr.splitlines() if "by a bug" in line]
    assert told == [  # one reason, one sentence
        "Error: intervals.csv, the intervals of means, figure calibration of small, the timings "
        "could not be made: ZeroDivisionError: by a bug; log.txt has the traceback"
    ]
    out = small.parent / "out"
    assert (out / "table3.tex").exists()
    assert (out / "pairs.csv").exists()
    log = (out / "log.txt").read_text()
    assert log.count("Traceback") == 5  # intervals in their file, the table, and the report
    assert "in broken" in log
    html = (out / "report.html").read_text()
    assert "Not all of this report could be made" in html
    assert "figure calibration of small, the timings could not be made: ZeroDivision" in html
    assert html.count("<figure>") >= 4
    assert 'aria-label="Results on small"' in html
    for arguments in (["report"], ["figure", "all", "--format", "svg"], ["table", "3"]):
        again = command(*arguments, "--out", "out")
        assert again.returncode == 1, arguments
        assert "by a bug; log.txt has the traceback" in again.stderr
    assert (out / "figures" / "boxes-small.svg").exists()
    alone = command("figure", "calibration", "--out", "out")
    assert alone.returncode == 1
    assert alone.stderr.startswith("Error: figure calibration could not be made: ZeroDivision")


def test_a_table_that_cannot_be_written_is_shown(command, small, monkeypatch):
    run(command, "out", "AA-kNN", "PT-Bayes", dataset=small)
    out = small.parent / "out"
    for name in ("tests.md", "table3.csv"):
        (out / name).unlink(missing_ok=True)
        (out / name).mkdir()
    result = command("table", "tests", "--out", "out")
    assert result.returncode == 1
    assert "Is the difference real?" in result.stdout
    assert f"Written: {'out/tests.csv'}, {'out/tests.tex'}\n" in result.stdout
    assert result.stderr == (
        "Error: cannot write tests.md in out: Is a directory; what was computed is kept: make "
        "room or rights, then give the same command again\n"
    )
    assert "Mean rank" in command("table", "3", "--out", "out").stdout
    assert (out / "table3.md").exists()
    with pytest.raises(benchmark.BenchmarkError, match=r"tests\.md"):
        benchmark.significance(out)


def test_numbers_of_a_model_that_are_no_floats_cost_nobody_the_report(command, small, plugin):
    mine = plugin(
        "def _fit(self, X, D):\n    self.n_iter_ = 10**400\n    self.mean_ = D.mean(axis=0)\n"
        "def _predict(self, X):\n    return np.tile(self.mean_, (len(X), 1))",
        name="No float",  # the workers know a Mine of another test
    )
    result = command(
        "run", "No float", "AA-kNN", "--dataset", small, "--folds", "2", "--out", "out",
        "--plugin", mine, report=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (small.parent / "out" / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("table 5", "'5' is none of 1, 3, 4, wheel, tests, tuned, text"),
        ("table test",
         "'test' is none of 1, 3, 4, wheel, tests, tuned, text; did you mean 'tests'?"),
        ("figure 1 --format jpg", "--format: 'jpg' is none of pdf, svg, png; did you mean 'png'?"),
        ("table 4 --measure KL", "--measure is for tables tests and text, not for table 4"),
        ("table 3 --dataset x", "--dataset is for table 1, not for table 3"),
        ("table text --columns 1",
         "--columns is for tables 1, 3, 4, wheel, tests and tuned, not for table text"),
        ("table text --format csv", "--format csv is for tables, not for table text"),
        ("table tests --std", "--std is for tables 3 and 4, not for table tests"),
        ("table 1 --out a --out b", "table 1 goes into one folder; give it with --to"),
        ("table 1 --out a --to b", "table 1 goes into one folder; give it with --to"),
        ("run A --precision float3",
         "--precision: 'float3' is none of float32, bfloat16; did you mean 'float32'?"),
    ],
)  # fmt: skip
def test_misspelt_and_misplaced_words_are_refused(command, arguments, sentence):
    result = command(*arguments.split())
    assert result.returncode == 2
    assert result.stderr == f"Error: {sentence}\n"


def test_words_may_be_written_large_and_what_a_figure_does_not_take_is_refused(command, small):
    run(command, "out", "AA-kNN", "PT-Bayes", dataset=small)
    for figure, option, its in (
        ("wheel", "--measure KL", "measure (--measure); it has --dataset"),
        ("critical", "--dataset small", "dataset (--dataset); it has --measure and --model"),
        ("1", "--model aa-knn", "models (--model); it has --dataset"),
    ):
        result = command("figure", figure, "--out", "out", *option.split())
        assert result.returncode == 2
        assert result.stderr == f"Error: figure {figure} has no choice of {its}\n"
    for measure in ("KL", "KLdiv ↓", "accuracy %", "CHEB"):
        assert command("table", "Tests", "--out", "out", "--measure", measure).returncode == 0
    result = command("figure", "BOXES", "--out", "out", "--format", "SVG", "--measure", "Kl")
    assert result.returncode == 0, result.stderr
