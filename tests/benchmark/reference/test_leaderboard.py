"""The ranking over sets: against counting by hand, and what is listed apart or is missing.

Also tests `benchmark.reference.groups`, `benchmark.reference.leaderboard_text`,
`benchmark.commands.leaderboard` and `benchmark.commands.line.reference`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from made import make_evidence
from made_reference import only, stored

import benchmark
from benchmark.errors import UsageError
from benchmark.metrics import ALL_MEASURES, BY_NAME, MEASURES, PAPERS_MEASURES
from benchmark.reference.collecting import collect
from benchmark.reference.contents import reference_results, write_reference
from benchmark.reference.groups import PAPER, groups_of
from benchmark.reference.leaderboard import rank_all
from benchmark.reference.leaderboard_text import (
    PAGE,
    anchor,
    documented,
    missing_sentences,
    sentences,
)

KL = BY_NAME["kl_divergence"]
MODELS = {"good": 0.1, "fair": 0.3, "bad": 0.6, "some": 0.2, "mine": 0.15}
SETS = {"a": 40, "b": 50, "c": 60, "d": 45}


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return make_evidence(tmp_path_factory.mktemp("run"), MODELS, SETS)


@pytest.fixture(scope="module")
def reference(everything, tmp_path_factory):
    """All models but mine; one of them lacks folds of two sets."""
    kept = only(everything, "good", "fair", "bad", "some")
    results = {
        task: result for task, result in kept.results.items()
        if not (task.model == "some" and task.dataset in "cd" and task.fold > 0)
    }  # fmt: skip
    path = stored(replace(kept, results=results), tmp_path_factory.mktemp("runs") / "x")
    return collect([[path]], ALL_MEASURES, print)


def means(evidence, models):
    frame = evidence.scores
    frame = frame[frame["model"].isin(models)]
    return frame.groupby(["measure", "dataset", "model"])["value"].mean()


def by_hand(values, models, datasets, measures):
    """Mean ranks, ties half above and half below; and shares won in the last measure."""
    ranks = {m: [] for m in models}
    won = {m: [] for m in models}
    for dataset in datasets:
        for measure in measures:
            of = {m: values[measure.name, dataset, m] for m in models}
            sign = -1 if measure.higher_is_better else 1
            for m in models:
                others = [sign * of[o] for o in models if o != m]
                worse = sum(o < sign * of[m] - 1e-6 for o in others)
                same = sum(abs(o - sign * of[m]) <= 1e-6 for o in others)
                ranks[m].append(1 + worse + same / 2)
                won[m].append(1 - (worse + same / 2) / len(others))
    return {m: np.mean(r) for m, r in ranks.items()}, {m: np.mean(w) for m, w in won.items()}


def test_ranks_and_wins_are_those_counted_by_hand(everything, reference):
    board = rank_all(reference, (), MEASURES, KL)
    models = ["good", "fair", "bad"]
    assert sorted(board.table["model"]) == sorted(models)
    values = means(everything, models)
    table = board.table.set_index("model")
    ranks, _ = by_hand(values, models, SETS, PAPERS_MEASURES)
    for model in models:
        assert table[PAPER][model] == pytest.approx(ranks[model])
    of_kl, won = by_hand(values, models, SETS, [KL])
    for place, model in enumerate(board.ranking.models):
        assert board.ranking.friedman.mean_ranks[place] == pytest.approx(of_kl[model])
        assert table["win_rate"][model] == pytest.approx(won[model])
        assert table["win_low"][model] <= won[model] <= table["win_high"][model]
    mean = means(everything, ["mean distribution"])
    ratios = [values[KL.name, s, "fair"] / mean[KL.name, s, "mean distribution"] for s in SETS]
    assert table["of_mean_distribution"]["fair"] == pytest.approx(np.median(ratios))
    assert all(one <= two for one, two in pairwise(board.table[PAPER]))


def test_a_row_that_lacks_sets_is_listed_apart_and_moves_no_rank(everything, reference):
    board = rank_all(reference, (), MEASURES, KL)
    (row,) = board.apart.to_dict("records")
    assert (row["model"], row["datasets"]) == ("some", 2)
    models = ["good", "fair", "bad", "some"]
    ranks, _ = by_hand(means(everything, models), models, ["a", "b"], PAPERS_MEASURES)
    assert row[PAPER] == pytest.approx(ranks["some"])
    assert list(board.missing["dataset"]) == ["c", "d"]
    assert missing_sentences(board) == ["missing: not computed, on c and d: some"]
    fewer = rank_all(reference, (), MEASURES, KL, ["B", "a"])
    assert len(fewer.table) == 4
    assert fewer.datasets == ["b", "a"]
    assert not len(fewer.missing)


def test_own_rows_stand_among_the_others(everything, reference, tmp_path):
    folder = stored(only(everything, "mine", "good"), tmp_path / "own")
    board = rank_all(reference, [folder], ALL_MEASURES, KL)
    assert np.isfinite(board.table[list(board.groups)].to_numpy(dtype=float)).all()
    table = board.table.set_index("model")
    assert list(table.index[table["own"]]) == ["good", "mine"]
    models = ["good", "fair", "bad", "mine"]
    ranks, _ = by_hand(means(everything, models), models, SETS, PAPERS_MEASURES)
    assert table[PAPER].to_dict() == pytest.approx(ranks)
    assert table["fit_seconds"]["mine"] == 1.0
    said = "No row of yours: gone, without complete results on any set."
    assert said not in sentences(board, reference)
    models = pd.concat([board.models, pd.DataFrame({"model": ["gone"], "own": [True]})])
    assert said in sentences(dataclasses.replace(board, models=models), reference)
    other = make_evidence(tmp_path / "o", {"mine": 0.1}, {"a": 40}, folds=4)
    with pytest.raises(UsageError, match="a: folds 4 here, 5 there"):
        rank_all(reference, [stored(other, tmp_path / "other")], MEASURES, KL)


def test_an_unknown_set_is_refused_with_those_there_are(reference):
    with pytest.raises(UsageError, match=r"no set 'x'.*it has a, b, c, d"):
        rank_all(reference, (), MEASURES, KL, ["x"])


def test_measures_are_in_one_group_each_beside_the_first():
    groups = groups_of(ALL_MEASURES)
    assert "others" not in groups
    assert next(iter(groups)) == PAPER
    assert groups[PAPER] == PAPERS_MEASURES
    others = [m.name for title, of in groups.items() if title != PAPER for m in of]
    assert sorted(others) == sorted(m.name for m in ALL_MEASURES)
    own = replace(KL, name="my_own")
    assert groups_of([KL, own]) == {
        "all chosen measures": (KL, own), "distances": (KL,), "others": (own,)
    }  # fmt: skip


def test_the_command_writes_what_it_shows(reference, command, tmp_path):
    write_reference(reference, tmp_path / "ref")
    done = command("leaderboard", "--against", "ref", "--measures", "KL,cosine", "--dataset", "a",
                   "--dataset", "b")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "4 rows with complete results on 2 sets" in done.stdout
    assert "No test over sets: tests across datasets need at least 3" in done.stdout
    folder = tmp_path / "results" / "leaderboard"
    frame = pd.read_csv(folder / "leaderboard.csv")
    assert list(frame["model"]) == ["good", "some", "fair", "bad"]
    assert {"rank_all_chosen_measures", "rank_distances", "rank_similarities"} < set(frame)
    assert len(pd.read_csv(folder / "leaderboard-sets.csv")) == 2 * (4 + 2)
    assert "default-src 'none'" in (folder / "leaderboard.html").read_text()
    assert command("leaderboard", "--against", "ref", "--measures", "xy").returncode == 2
    assert command("leaderboard", "nothing", "--against", "ref").returncode == 2
    (folder / "leaderboard.md").write_text("")
    board, _, paths = benchmark.leaderboard(against=tmp_path / "ref", out="more")
    assert len(board.table) == 3
    assert len(paths) == 6


def test_the_leaderboard_is_that_of_the_reference_results():
    board = rank_all(reference_results(), (), ALL_MEASURES, KL)
    there = pd.read_csv(PAGE.parents[1] / "results" / "leaderboard" / "leaderboard.csv")
    made = board.as_frame()[list(there)].astype({"place": float})
    pd.testing.assert_frame_equal(
        made, there, check_dtype=False, rtol=1e-9,
        obj="results/leaderboard (stale? ldl-benchmark leaderboard)",
    )  # fmt: skip


def test_every_method_of_the_package_has_a_page_to_be_linked_to():
    board = rank_all(reference_results(), (), MEASURES, KL)
    known = set(documented())
    built_in = board.models[board.models["group"].isin(["paper", "extended", "newer"])]
    assert {str(name).removesuffix(" (tuned)") for name in built_in["model"]} <= known
    assert "## AA-kNN" in PAGE.read_text()
    assert anchor("AA-kNN") == "aa-knn"
