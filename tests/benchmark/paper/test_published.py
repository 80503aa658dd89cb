"""The published data: against the paper's own arithmetic, and against the real labels."""

from __future__ import annotations

import re
import shutil
import tomllib
from decimal import Decimal
from importlib import resources
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
import pytest

from benchmark.analysis.reference import MEAN, trivial_predictions
from benchmark.datasets import make_dataset
from benchmark.errors import BenchmarkError
from benchmark.metrics import scores
from benchmark.paper.published import (
    FOLDER,
    PAPER_MEASURES,
    errata,
    lead,
    load_published,
    wrong_ranks,
)
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import make_truth

LOWER = {"chebyshev", "clark", "canberra", "kl_divergence"}


@pytest.fixture
def copy(tmp_path):
    """A copy of the data, and a function that changes a text in one of its files."""
    folder = tmp_path / "published"
    shutil.copytree(FOLDER, folder)

    def change(file, old, new):
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        return load_published(folder)

    return change


def test_ranks_agree_with_brute_force_but_for_the_two_of_the_erratum():
    table = pd.read_csv(FOLDER / "table3.csv")
    assert len(table) == 9
    wrong = set()
    for measure in PAPER_MEASURES:
        values = table[measure].tolist()
        for model, value, printed in zip(
            table["model"], values, table[f"{measure}_rank"], strict=True
        ):
            better = [v for v in values if (v < value if measure in LOWER else v > value)]
            if printed != 1 + len(better):
                wrong.add((model, measure, printed, 1 + len(better)))
    assert wrong == {("AA-BP", "clark", 7, 6), ("SA-BFGS", "clark", 6, 7)}


def test_wrong_ranks_finds_the_same(published):
    found = wrong_ranks(published)[["model", "measure", "printed_rank", "rank"]]
    assert sorted(found.itertuples(index=False, name=None)) == [
        ("AA-BP", "clark", 7, 6),
        ("SA-BFGS", "clark", 6, 7),
    ]


def test_the_second_is_the_second_and_leads_are_the_tables_arithmetic():
    """5.34 is printed for ArtPhoto, 5.15 is right; the other two leads are right."""
    table = pd.read_csv(FOLDER / "table4.csv", dtype=str)
    percent = {(m, d): Decimal(a) * 100 for m, d, a in table.itertuples(index=False, name=None)}
    leads = {}
    for dataset in ("Emotion6", "ArtPhoto"):
        ew = {m: v for (m, d), v in percent.items() if d == dataset and m.startswith("EW")}
        rest = {m: v for (m, d), v in percent.items() if d == dataset and m not in ew}
        assert len(ew) == 3
        assert len(rest) == 6
        best, second = max(ew, key=ew.get), max(rest, key=rest.get)
        leads[dataset] = (best, second, ew[best] - rest[second])
    assert leads == {
        "Emotion6": ("EW-MTCNN (ResNet)", "Fine-tuned ResNet", Decimal("5.68")),
        "ArtPhoto": ("EW-MTCNN (VGGNet)", "Fine-tuned ResNet", Decimal("5.15")),
    }
    art = {m: v for (m, d), v in percent.items() if d == "ArtPhoto"}
    assert art["EW-MTCNN (VGGNet)"] - art["Fine-tuned VGGNet"] == Decimal("5.34")
    # The row of Table 3 is the one with VGGNet of Table 4.
    table3 = pd.read_csv(FOLDER / "table3.csv", dtype=str).set_index("model")
    accuracy = Decimal(table3.loc["EW-MTCNN", "accuracy"])
    assert accuracy * 100 == percent["EW-MTCNN (VGGNet)", "Emotion6"]
    assert (accuracy - Decimal(table3.loc["DLDL", "accuracy"])) * 100 == Decimal("4.16")


def test_errata_are_told(published):
    lines = errata(published)
    assert len(lines) == 5
    assert lines[0] == (
        "Table 3, Clark: AA-BP (1.7819) is printed with rank 7; by the values it has rank 6."
    )
    assert "5.34 % ahead of the second on ArtPhoto" in lines[2]
    assert "5.15 % ahead of the second, Fine-tuned ResNet" in lines[2]
    assert "5.34 % ahead of Fine-tuned VGGNet" in lines[2]
    assert "SA-BFGA" in lines[3]
    assert "eq. 4" in lines[4]


def test_a_changed_cell_is_noticed(copy):
    changed = copy("table3.csv", "0.2823,3", "0.2923,3")
    assert any("Cheb: AA-kNN (0.2923) is printed with rank 3; by the values it has rank 4" in line
               for line in errata(changed))  # fmt: skip


def test_a_repaired_rank_is_no_erratum(copy):
    lines = errata(copy("table3.csv", "1.7819,7", "1.7819,6"))
    assert not any("AA-BP" in line for line in lines)
    assert any("SA-BFGS (1.8111)" in line for line in lines)


def test_a_changed_accuracy_makes_a_printed_lead_wrong(copy):
    row = "Fine-tuned ResNet,Emotion6,"
    lines = errata(copy("table4.csv", f"{row}0.4792", f"{row}0.4700"))
    assert any("5.68 % ahead of the second on Emotion6; by Table 4 it is 6.60 %" in line
               for line in lines)  # fmt: skip


def test_every_claim_is_true_of_the_published_tables(published):
    """Figure 5 is not published in numbers; all other claims follow from the tables."""
    judged = 0
    for claim in published.claims:
        for dataset in claim.datasets:
            for measure in claim.measures:
                for better, worse in claim.pairs:
                    difference = lead(published, claim, dataset, measure, better, worse)
                    if claim.table == "figure 5":
                        assert np.isnan(difference)
                    else:
                        assert difference > 0, (claim.id, better, worse)
                        judged += 1
    assert judged == 6 * 8 + 7 + 1 + 1 + 2 * 6 + 8 + 8 + 2 * 3 + 2 * 3 + 1 + 1
    assert len({claim.id for claim in published.claims}) == len(published.claims)


def test_a_star_stands_for_every_other_row(published):
    claims = {claim.id: claim for claim in published.claims}
    assert len(claims["leads-clark"].pairs) == 8
    assert len(claims["best-artphoto"].pairs) == 8
    assert ("sigma 0.6", "sigma 0") in claims["sigma-accuracy"].pairs
    assert len(claims["sigma-accuracy"].pairs) == 10


def test_cells_that_lose_to_the_mean_distribution(published):
    """Of the seven feature baselines six have a worse KLdiv, Clark and Canber than it."""
    cells = published.cells[published.cells["table"] == "3"]
    mean = pd.read_csv(FOLDER / "mean_distribution.csv").set_index("measure")["value"]
    for row in cells.itertuples():
        gain = row.value - mean[row.measure]
        assert row.beats_mean == ((-gain if row.measure in LOWER else gain) > 0)
    for measure, winner in (
        ("kl_divergence", "SA-CPNN"),
        ("clark", "AA-kNN"),
        ("canberra", "AA-kNN"),
    ):
        mine = cells[(cells["measure"] == measure) & cells["beats_mean"]]
        assert set(mine["model"]) == {winner, "DLDL", "EW-MTCNN"}
    table4 = published.cells[published.cells["table"] == "4"]
    assert table4.groupby("dataset")["beats_mean"].count().to_dict() == {
        "ArtPhoto": 0,
        "Emotion6": 9,
    }


def test_the_mean_distribution_is_that_of_the_real_labels(load_real, published):
    X, D = load_real("emotion6")
    truth = make_truth(make_dataset("emotion6", X, D), stratified_folds(D, 10, 1, 0))
    folds = [
        scores(truth.D[truth.folds.test(0, f)], trivial_predictions(truth, 0, f)[MEAN])
        for f in range(10)
    ]
    for measure, value in published.mean_distribution.items():
        assert np.mean([fold[measure] for fold in folds]) == pytest.approx(value, abs=1e-8)


def test_the_data_is_part_of_the_package():
    data = resources.files("benchmark.paper") / "data"
    names = {entry.name for entry in data.iterdir()}
    assert names == {"README.md", "paper.toml", "table3.csv", "table4.csv", "mean_distribution.csv"}
    root = Path(__file__).resolve().parents[3]
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["benchmark.paper"]
    assert all(any(PurePath(f"data/{name}").match(p) for p in patterns) for name in names)


def test_it_is_found_from_an_empty_folder(tmp_path, monkeypatch, published):
    monkeypatch.chdir(tmp_path)
    assert load_published().claims == published.claims


def test_without_the_data_there_is_one_sentence(tmp_path):
    with pytest.raises(BenchmarkError, match=r"cannot be read.*install it again"):
        load_published(tmp_path)


def test_the_tables_are_those_of_the_paper(shared):
    """Cell by cell against the text of the paper, which is not part of this project."""
    text = (shared / "paper" / "ew-mtcnn.zh.txt").read_text(encoding="utf-8")
    text = text.replace("\uff0e", ".").replace("\uff32", "R").replace("SA-BFGA", "SA-BFGS")
    lines = text.splitlines()
    table3 = pd.read_csv(FOLDER / "table3.csv", dtype=str)
    for row in table3.to_dict("records"):
        (line,) = (x for x in lines if re.match(rf"{row['model']} \d", x))
        printed = re.findall(r"([\d. ]+)\( ?(\d)\)", line)
        assert len(printed) == 7
        for measure, (value, rank) in zip(PAPER_MEASURES, printed, strict=True):
            factor = 100 if measure == "accuracy" else 1
            assert Decimal(row[measure]) * factor == Decimal(value.replace(" ", ""))
            assert row[f"{measure}_rank"] == rank
    table4 = pd.read_csv(FOLDER / "table4.csv", dtype=str)
    for dataset, end in (("Emotion6", "\nArtphoto"), ("ArtPhoto", "表 4 的实验结果")):
        part = text[text.index("数据集 模型 准确率") :]
        if dataset == "ArtPhoto":
            part = part[part.index("\nArtphoto") + 1 :]
        part = part[: part.index(end)]
        printed = re.findall(r"^((?:Fine|EW|Alex|VGG|Res)[^\d]+) (\d+\. \d+)$", part, re.M)
        expected = table4[table4["dataset"] == dataset]
        assert [(name.replace("( ", "("), Decimal(value.replace(" ", "")) / 100)
                for name, value in printed] == list(
            zip(expected["model"], map(Decimal, expected["accuracy"]), strict=True)
        )  # fmt: skip
