"""The report (page, data): what it holds, when it is written, what it never lets through.

Also tests `benchmark.reporting.results`, `benchmark.reporting.browsed`,
`benchmark.reporting.run_facts`, `benchmark.reporting.pictures` and `benchmark.reporting.paper`.
"""

from __future__ import annotations

import base64
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from made import make_evidence, make_pictures

import benchmark
from benchmark.reporting.browsed import _short
from benchmark.reporting.page import content, render, write_report
from benchmark.reporting.paper import paper_section
from benchmark.reporting.results import overall_table, result_tables


def embedded(html):
    """The data that the page's script reads."""
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)[1]
    )


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    models = {"Good": 0.05, "Poor": 0.9}
    made = make_evidence(tmp_path_factory.mktemp("run"), models, {"faces": 60, "art": 40}, folds=3)
    make_pictures(made, "faces", range(60))
    return made


@pytest.fixture(scope="module")
def html(evidence):
    return render(content(evidence))


@pytest.mark.slow
def test_the_same_evidence_gives_the_same_bytes(evidence, html):
    assert write_report(evidence).read_bytes() == html.encode()


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(html):
    addresses = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "default-src 'none'" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html


def test_tables_say_what_the_summary_says(evidence):
    for table in result_tables(evidence):
        rows = evidence.summary[evidence.summary["dataset"] == table.dataset].set_index("model")
        for name, cells in [*table.models, *table.trivial]:
            assert [cell.value for cell in cells[:7]] == list(
                rows.loc[name, ["chebyshev", "clark", "canberra", "kl_divergence", "cosine",
                                "intersection", "accuracy"]]
            )  # fmt: skip
            assert cells[3].text == f"{rows.loc[name, 'kl_divergence']:.4f}"
            assert cells[6].text == f"{100 * rows.loc[name, 'accuracy']:.2f}"
            lost = rows.loc[name, "not_better_than_mean"].split()
            assert cells[3].lost == ("kl_divergence" in lost)
        best = [name for name, cells in table.models if cells[3].best]
        assert best == [rows["kl_divergence_rank"].idxmin()]


def test_what_is_not_significantly_worse_is_marked(tmp_path):
    models = {"A": 0.3, "B": 0.301, "Poor": 0.95}
    (table,) = result_tables(make_evidence(tmp_path, models, {"faces": 200}))
    marked = {name: cells[3].as_good or cells[3].best for name, cells in table.models}
    assert marked == {"A": True, "B": True, "Poor": False}


def test_the_overall_table_averages_mean_ranks(evidence):
    headers, rows = overall_table(evidence)
    assert headers == ["faces", "art", "all"]
    ranks = evidence.summary.pivot_table(index="model", columns="dataset", values="mean_rank")
    for name, cells in rows:
        expected = [*ranks.loc[name, ["faces", "art"]], ranks.loc[name].mean()]
        assert [cell.value for cell in cells] == pytest.approx(expected)
    assert [cells[2].best for _, cells in rows] == [True, False]


def test_a_model_that_lacks_a_dataset_has_no_overall_rank(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.1, "B": 0.5}, {"x": 40, "y": 40}, missing=1)
    _, rows = overall_table(evidence)
    (b,) = (cells for name, cells in rows if name == "B")
    assert np.isnan(b[1].value)
    assert np.isnan(b[2].value)
    assert not b[2].best


@pytest.mark.slow
def test_browsed_instances_have_the_models_shares_and_pictures(evidence, html):
    data = embedded(html)
    faces, art = data["instances"]
    assert [faces["name"], art["name"]] == ["faces", "art"]
    assert faces["rows"] == list(range(60))
    truth = evidence.plan.truths["faces"].D
    assert np.array(faces["truth"]) / 1000 == pytest.approx(truth, abs=5.1e-4)
    assert [model["name"] for model in faces["models"]][:2] == ["Good", "Poor"]
    assert faces["models"][0]["kl"] == pytest.approx(
        evidence.values["faces"]["Good"][:, 3], rel=1e-4
    )
    assert base64.b64decode(faces["pictures"][5]) == evidence.thumbnails("faces")[5]
    assert art["pictures"] == []


@pytest.mark.slow
def test_pictures_can_be_left_out(evidence, html):
    without = render(content(evidence, pictures=False))
    assert all(entry["pictures"] == [] for entry in embedded(without)["instances"])
    jpeg = base64.b64encode(evidence.thumbnails("faces")[0]).decode()
    assert jpeg in html
    assert jpeg not in without
    assert "data:image/jpeg" not in re.sub(r"<script>.*?</script>", "", without, flags=re.S)


@pytest.mark.slow
def test_figures_are_sound_pictures(html):
    figures = re.findall(r'<img src="data:image/(svg\+xml|png);base64,([^"]+)"', html)
    assert len(figures) >= 5
    for kind, text in figures:
        picture = base64.b64decode(text)
        if kind == "png":
            assert picture.startswith(b"\x89PNG")
        else:
            assert ElementTree.fromstring(picture).tag.endswith("svg")  # noqa: S314 - our own


@pytest.mark.slow
def test_numbers_that_json_lacks_are_nothing(tmp_path):
    html = render(content(make_evidence(tmp_path, {"A": 0.1, "B": 0.2}, {"x": 30}, missing=1)))
    data = json.loads(json.dumps(embedded(html), allow_nan=False))
    rows = data["pairs"]["datasets"][0]["rows"]["kl_divergence"]
    assert rows == [[0, 1, *[None] * 9]]


@pytest.mark.slow
def test_a_run_ends_with_a_report(command, small):
    run = ("run", "AA-kNN", "SA-BFGS", "--dataset", small, "--folds", "3", "--out", "out")
    result = command(*run, report=True)
    assert result.returncode == 0
    assert "Open out/report.html in a browser" in result.stdout
    html = (small.parent / "out" / "report.html").read_text()
    assert "<h1>Label distribution learning on small</h1>" in html
    assert "AA-kNN" in html
    again = command("report", "--out", "out")
    assert again.returncode == 0
    assert again.stdout == "Written: out/report.html\n"
    assert (small.parent / "out" / "report.html").read_text() == html


@pytest.mark.slow
def test_a_run_can_do_without_a_report(command, small):
    result = command(
        "run", "AA-kNN", "--dataset", small, "--folds", "3", "--out", "out", "--no-report"
    )
    assert result.returncode == 0
    assert "report.html" not in result.stdout
    assert not (small.parent / "out" / "report.html").exists()


@pytest.mark.slow
def test_failures_are_reported_with_their_log_until_they_have_a_result(command, small, plugin):
    def write(when):
        return plugin(
            f"""
            def _fit(self, X, D):
                if {when}:
                    raise RuntimeError("no <b>luck</b>")
                self.mean_ = D.mean(axis=0)

            def _predict(self, X):
                return np.tile(self.mean_, (len(X), 1))
            """,
            name="Unlucky",
            file="unlucky.py",
        )

    run = ("run", "Unlucky", "AA-kNN", "--dataset", small, "--folds", "3", "--out", "out",
           "--plugin")  # fmt: skip
    result = command(*run, write("X[0, 0] == 9.0"), report=True)
    assert result.returncode == 1
    html = (small.parent / "out" / "report.html").read_text()
    assert "no &lt;b&gt;luck&lt;/b&gt;" in html
    assert "Traceback (most recent call last)" in html
    assert html.count('<details class="failure">') == 2  # the row is in two training sets of three
    assert "2 of 6 results are missing" in html
    assert command(*run, write("False"), report=True).returncode == 0
    assert 'class="failure"' not in (small.parent / "out" / "report.html").read_text()


@pytest.mark.slow
def test_a_report_of_two_runs_goes_where_it_is_told(command, small, tmp_path):
    for name, model in (("one", "AA-kNN"), ("two", "SA-BFGS")):
        done = command("run", model, "--dataset", small, "--folds", "3", "--out", name)
        assert done.returncode == 0
    result = command("report", "--out", "one", "--out", "two", "--to", "both")
    assert result.stdout == "Written: both/report.html\n"
    html = (tmp_path / "both" / "report.html").read_text()
    assert "AA-kNN" in html
    assert "SA-BFGS" in html
    default = command("report", "--out", "one", "--out", "two")
    assert default.stdout == "Written: results/merged/one+two/report.html\n"


def test_a_report_without_a_run_is_refused(command):
    result = command("report")
    assert result.returncode == 2
    assert "there is no run below results/runs" in result.stderr


@pytest.mark.slow
def test_the_report_is_a_function_too(command, small):
    command("run", "AA-kNN", "--dataset", small, "--folds", "3", "--out", "out")
    assert benchmark.report("out").name == "report.html"


def test_numbers_of_the_report_round_to_the_text_of_the_tables():
    """The page rounds what it gets once more, to the decimals that are shown."""
    rng = np.random.default_rng(0)
    drawn = [*rng.normal(size=5000), *rng.random(5000)]
    for value in [-0.078050427, 0.573049, 0.06114974, 0.049999, *drawn]:
        for decimals in (2, 3, 4):
            assert f"{_short(value):.{decimals}f}" == f"{value:.{decimals}f}"
    assert _short(0.04999999999999) < 0.05
    assert _short(np.nan) is None


@pytest.mark.parametrize(
    ("dataset", "rows", "models", "expected"),
    [
        ("emotion6", 1980, {"SA-BFGS": 0.2, "Mine": 0.3}, True),
        ("emotion6", 198, {"SA-BFGS": 0.2}, False),  # a part of it, or data of that name
        ("emotion6", 1980, {"Mine": 0.2}, False),  # none of the paper's rows
        ("synthetic", 1980, {"SA-BFGS": 0.2}, False),
    ],
)
def test_the_paper_stands_beside_its_own_study_only(tmp_path, dataset, rows, models, expected):
    labels = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
    made = make_evidence(tmp_path, models, {dataset: rows}, labels=labels, folds=3)
    section = paper_section(made)
    assert (section is not None) == expected
    if section:
        assert [len(table.frame) > 0 for table in section["tables"]] == [True] * 2
