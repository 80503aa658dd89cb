"""Comparisons of models: directions, gaps, ties, and every number against a plain computation."""

from __future__ import annotations

import math
import statistics as plain
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from made import make_evidence
from scipy import stats
from scipy.special import betainc

from benchmark.analysis import comparisons
from benchmark.analysis.comparisons import (
    NoTest,
    as_good_as_best,
    practical_equivalence,
    rank_across,
    rankings_frame,
)
from benchmark.analysis.instances import instance_weights
from benchmark.analysis.statistics import bootstrap_intervals
from benchmark.metrics import MEASURES

MODELS = {"Middling": 0.5, "Good": 0.1, "Twin": 0.5, "Poor": 0.9}
SIGN = {"chebyshev": -1, "clark": -1, "canberra": -1, "kl_divergence": -1,
        "cosine": 1, "intersection": 1, "accuracy": 1, "tie_aware_accuracy": 1}  # fmt: skip
NUMBERS = ["difference", "low", "high", "statistic", "p_value", "p_holm", "p_a_better",
           "p_equivalent", "p_b_better", "effect_size", "share_won"]  # fmt: skip
KL = next(measure for measure in MEASURES if measure.name == "kl_divergence")
COSINE = next(measure for measure in MEASURES if measure.name == "cosine")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    path = tmp_path_factory.mktemp("made")
    return make_evidence(path, MODELS, {"faces": 61, "art": 43}, oracle=True)


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    path = tmp_path_factory.mktemp("repeated")
    return make_evidence(path, MODELS, {"faces": 40}, folds=4, repeats=3)


@pytest.fixture(params=["evidence", "repeated"])
def either(request):
    return request.getfixturevalue(request.param)


def keep(evidence, wanted):
    """The evidence with the results of some tasks only."""
    results = {task: result for task, result in evidence.results.items() if wanted(task)}
    return replace(evidence, results=results, missing=len(evidence.plan.tasks) - len(results))


def changed(evidence, model, like, change):
    """The evidence with the predictions of one model made from those of another."""
    of = {(t.dataset, t.model, t.repeat, t.fold): r for t, r in evidence.results.items()}
    results = {
        task: replace(result, predictions=change(
            of[task.dataset, like, task.repeat, task.fold].predictions
        )) if task.model == model else result
        for task, result in evidence.results.items()
    }  # fmt: skip
    return replace(evidence, results=results)


def t_tail(t, df):
    """P(T > t) for t >= 0, by the incomplete beta function."""
    return betainc(df / 2, 0.5, df / (df + t * t)) / 2


def t_above(t, df):
    return t_tail(t, df) if t >= 0 else 1 - t_tail(-t, df)


def holm_by_closure(p_values):
    """The largest Bonferroni p-value of all sets that a hypothesis belongs to."""
    adjusted = [0.0] * len(p_values)
    for size in range(1, len(p_values) + 1):
        for chosen in combinations(range(len(p_values)), size):
            p = min(1.0, size * min(p_values[i] for i in chosen))
            for i in chosen:
                adjusted[i] = max(adjusted[i], p)
    return adjusted


# --- pairs ---


def test_every_pair_once_in_the_order_of_the_tables(evidence):
    expected = [
        (dataset, measure.name, a, b)
        for dataset in ("faces", "art")
        for measure in MEASURES
        for a, b in combinations(MODELS, 2)
    ]
    named = evidence.pairs[["dataset", "measure", "model_a", "model_b"]]
    assert list(named.itertuples(index=False, name=None)) == expected
    assert not evidence.pairs.isna().any(axis=None)
    assert (evidence.pairs["folds"] == 5).all()
    assert (evidence.pairs["expected_folds"] == 5).all()


def test_better_is_positive_in_every_measure(evidence):
    """ "Good" comes second or first in a pair, and has lower errors and higher similarities."""
    pairs = evidence.pairs.set_index(["model_a", "model_b"])
    for other in ("Twin", "Poor"):
        against = pairs.loc[[("Good", other)]]
        assert len(against) == 16
        assert (against[["difference", "statistic", "effect_size"]] > 0).all(axis=None)
        assert (against["share_won"] > 0.5).all()
        assert (against["p_a_better"] > against["p_b_better"]).all()
    against = pairs.loc[[("Middling", "Good")]]
    assert len(against) == 16
    assert (against[["difference", "statistic", "effect_size"]] < 0).all(axis=None)
    assert (against["share_won"] < 0.5).all()
    assert (against["p_b_better"] > against["p_a_better"]).all()


def test_differences_are_those_of_the_table(either):
    means = either.summary.set_index(["dataset", "model"])
    for row in either.pairs.to_dict("records"):
        a, b = (means.loc[(row["dataset"], row[m]), row["measure"]] for m in ("model_a", "model_b"))
        expected = SIGN[row["measure"]] * (a - b)
        assert row["difference"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("which", "folds", "quantile"), [("evidence", 5, 2.776445), ("repeated", 12, 2.200985)]
)
def test_p_values_are_those_of_nadeau_and_bengio(request, which, folds, quantile):
    """Written out for every pair; the quantile is in every table."""
    made = request.getfixturevalue(which)
    per_repeat = made.plan.truths["faces"].folds.n_folds
    values = made.scores.groupby(["dataset", "measure", "model"])["value"].apply(list)
    tested = 0
    for row in made.pairs.to_dict("records"):
        name = row["measure"]
        a, b = (values[row["dataset"], name, row[m]] for m in ("model_a", "model_b"))
        d = [SIGN[name] * (x - y) for x, y in zip(a, b, strict=True)]
        assert len(d) == folds
        scale = math.sqrt((1 / folds + 1 / (per_repeat - 1)) * plain.variance(d))
        if scale < 1e-6:  # a tie, or no variance
            continue
        tested += 1
        mean = plain.fmean(d)
        assert row["statistic"] == pytest.approx(mean / scale, abs=1e-9)
        assert row["p_value"] == pytest.approx(2 * t_tail(abs(mean) / scale, folds - 1))
        assert row["low"] == pytest.approx(mean - quantile * scale, rel=1e-5, abs=1e-7)
        assert row["high"] == pytest.approx(mean + quantile * scale, rel=1e-5, abs=1e-7)
        rope = 0.01 * {"clark": math.sqrt(3), "canberra": 3}.get(name, 1)
        better = t_above((rope - mean) / scale, folds - 1)
        worse = t_above((rope + mean) / scale, folds - 1)
        assert row["p_a_better"] == pytest.approx(better, abs=1e-9)
        assert row["p_b_better"] == pytest.approx(worse, abs=1e-9)
        assert row["p_equivalent"] == pytest.approx(1 - better - worse, abs=1e-9)
    assert tested > 0.9 * len(made.pairs)


def test_p_holm_is_for_the_pairs_of_a_dataset_and_measure(either):
    groups = list(either.pairs.groupby(["dataset", "measure"], sort=False))
    assert len(groups) == 8 * len(either.plan.truths)
    for _, part in groups:
        assert len(part) == 6
        assert list(part["p_holm"]) == pytest.approx(holm_by_closure(list(part["p_value"])))
    assert (either.pairs["p_holm"] > either.pairs["p_value"] + 1e-6).mean() > 0.3


def test_effects_are_those_of_the_instances(either):
    for row in either.pairs.to_dict("records"):
        number = list(SIGN).index(row["measure"])
        a, b = (either.values[row["dataset"]][row[m]][:, number] for m in ("model_a", "model_b"))
        d = [SIGN[row["measure"]] * (x - y) if not math.isclose(x, y, rel_tol=1e-9) else 0.0
             for x, y in zip(a, b, strict=True)]  # fmt: skip
        assert row["effect_size"] == pytest.approx(plain.fmean(d) / plain.stdev(d))
        share = sum(1.0 if x > 0 else 0.5 if x == 0 else 0.0 for x in d) / len(d)
        assert row["share_won"] == pytest.approx(share)


def test_other_datasets_do_not_matter(evidence):
    truths = {"art": evidence.plan.truths["art"]}
    inputs = {"art": evidence.plan.inputs["art"]}
    plan = replace(evidence.plan, truths=truths, inputs=inputs)
    alone = replace(keep(evidence, lambda task: task.dataset == "art"), plan=plan)
    expected = evidence.pairs[evidence.pairs["dataset"] == "art"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.pairs, expected)


def test_a_missing_fold_is_a_gap_and_is_not_left_out(evidence):
    """Four of five folds would do for a test, but not one of the same means as in the table."""
    lacking = keep(
        evidence, lambda t: (t.dataset, t.model, t.repeat, t.fold) != ("art", "Twin", 0, 3)
    )
    assert lacking.missing == 1
    pairs = lacking.pairs
    assert len(pairs) == len(evidence.pairs)
    hit = (pairs["dataset"] == "art") & (pairs[["model_a", "model_b"]] == "Twin").any(axis=1)
    assert hit.sum() == 24
    assert pairs.loc[hit, NUMBERS].isna().all(axis=None)
    assert (pairs.loc[hit, "folds"] == 4).all()
    assert (pairs["expected_folds"] == 5).all()
    rest = [column for column in pairs if column != "p_holm"]
    pd.testing.assert_frame_equal(pairs.loc[~hit, rest], evidence.pairs.loc[~hit, rest])
    for _, part in pairs[~hit & (pairs["dataset"] == "art")].groupby("measure"):
        assert len(part) == 3  # the three pairs that are tested count
        assert list(part["p_holm"]) == pytest.approx(holm_by_closure(list(part["p_value"])))


def test_models_that_lack_other_folds_have_only_the_common_ones_counted(evidence):
    gone = {("Twin", 0), ("Good", 0), ("Good", 1)}
    lacking = keep(evidence, lambda t: t.dataset != "faces" or (t.model, t.fold) not in gone)
    pairs = lacking.pairs[lacking.pairs["dataset"] == "faces"]
    folds = pairs.groupby(["model_a", "model_b"])["folds"].first()
    assert folds[("Good", "Twin")] == 3
    assert folds[("Good", "Poor")] == 3
    assert folds[("Twin", "Poor")] == 4
    assert folds[("Middling", "Poor")] == 5


def test_a_model_without_any_result_is_a_gap(evidence):
    pairs = keep(evidence, lambda task: task.model != "Good").pairs
    assert len(pairs) == len(evidence.pairs)
    hit = (pairs[["model_a", "model_b"]] == "Good").any(axis=1)
    assert pairs.loc[hit, NUMBERS].isna().all(axis=None)
    assert (pairs.loc[hit, "folds"] == 0).all()
    assert pairs.loc[~hit, NUMBERS].notna().all(axis=None)
    nothing = keep(evidence, lambda task: False).pairs
    assert len(nothing) == len(pairs)
    assert nothing[NUMBERS].isna().all(axis=None)
    assert (nothing["expected_folds"] == 5).all()


def test_only_models_of_a_dataset_are_compared_there(evidence):
    plan = replace(evidence.plan, inputs={**evidence.plan.inputs, "art": {"Poor": "", "Good": ""}})
    partial = keep(evidence, lambda t: t.dataset == "faces" or t.model in ("Good", "Poor"))
    pairs = replace(partial, plan=plan).pairs
    assert (pairs["dataset"] == "faces").sum() == 48
    art = pairs[pairs["dataset"] == "art"]
    assert art[["model_a", "model_b"]].to_numpy().tolist() == [["Good", "Poor"]] * 8
    assert list(art["p_holm"]) == list(art["p_value"])  # one pair, nothing to adjust


def test_one_model_alone_makes_an_empty_frame(tmp_path, evidence):
    alone = make_evidence(tmp_path, {"Good": 0.1}, {"faces": 30})
    assert alone.pairs.empty
    assert list(alone.pairs.columns) == list(evidence.pairs.columns)
    marked = as_good_as_best(alone.summary, alone.pairs)
    assert marked == {("faces", "Good", measure.name) for measure in MEASURES}


def test_more_pairs_than_are_taken_at_a_time(tmp_path):
    models = {f"m{number}": 0.1 * number for number in range(8)}
    made = make_evidence(tmp_path, models, {"a": 20}, folds=2)
    pairs = made.pairs[made.pairs["measure"] == "cosine"]
    assert len(pairs) == 28
    for row in pairs.to_dict("records"):
        a, b = (made.values["a"][row[m]][:, MEASURES.index(COSINE)] for m in ("model_a", "model_b"))
        assert row["effect_size"] == pytest.approx((a - b).mean() / (a - b).std(ddof=1))
        assert row["share_won"] == pytest.approx(((a > b) + 0.5 * (a == b)).mean())


def test_duplicate_scores_are_refused(evidence):
    twice = pd.concat([evidence.scores, evidence.scores.head(1)])
    with pytest.raises(ValueError, match="duplicate"):
        comparisons.pairwise(evidence.plan, twice, evidence.values)


def test_rounding_is_no_difference(evidence):
    """The next floats above and below; predictions a ten-thousandth away are a difference."""
    rng = np.random.default_rng(0)

    def shake(P):
        return np.nextafter(P, np.where(rng.random(P.shape) < 0.5, 2.0, -1.0))

    shaken = changed(evidence, "Twin", "Middling", shake)
    pairs = shaken.pairs.set_index(["model_a", "model_b"]).loc[[("Middling", "Twin")]]
    means = shaken.scores.pivot_table(index="measure", columns="model", values="value")
    assert (means["Twin"] != means["Middling"]).any()
    for column, expected in {"difference": 0, "effect_size": 0, "share_won": 0.5}.items():
        assert (pairs[column] == expected).all(), column
    for column in ("low", "high", "statistic", "p_value", "p_holm",
                   "p_a_better", "p_equivalent", "p_b_better"):  # fmt: skip
        assert pairs[column].isna().all(), column

    def worsen(P):
        return (1 - 1e-4) * P + 1e-4 / 3

    worse = changed(evidence, "Twin", "Middling", worsen).pairs
    rows = worse.set_index(["measure", "model_a", "model_b"])
    assert (rows.loc[("intersection", "Middling", "Twin"), "difference"] != 0).all()
    assert (rows.loc[("accuracy", "Middling", "Twin"), "difference"] == 0).all()


@pytest.mark.parametrize("labels", [2, 7])
def test_practical_equivalence_is_a_percent_of_the_range(labels):
    """The largest value of a measure is that of two distributions that share no label."""
    opposite = np.eye(labels)[:1], (1 - np.eye(labels)[:1]) / (labels - 1)
    for measure in MEASURES:
        found = practical_equivalence(measure, labels)
        if measure.name in ("clark", "canberra"):
            assert found == pytest.approx(0.01 * measure.function(*opposite)[0])
        else:
            assert found == 0.01


# --- as good as the best ---


def hand_made(ranks, p_values):
    """Summary and pairs of one dataset; ranks and p-values in all measures alike."""
    names = [measure.name for measure in MEASURES]
    summary = pd.DataFrame([
        {"dataset": "d", "model": model, "kind": "model", **{f"{n}_rank": rank for n in names}}
        for model, rank in ranks.items()
    ] + [
        {"dataset": "d", "model": "uniform", "kind": "trivial", **{f"{n}_rank": np.nan
                                                                   for n in names}}
    ])  # fmt: skip
    pairs = pd.DataFrame(
        [("d", n, a, b, p) for n in names for (a, b), p in p_values.items()],
        columns=["dataset", "measure", "model_a", "model_b", "p_holm"],
    )
    return summary, pairs


@pytest.mark.parametrize(
    ("ranks", "p_values", "expected"),
    [
        ({"A": 2, "B": 1, "C": 3},
         {("A", "B"): 0.05, ("A", "C"): 0.01, ("B", "C"): 0.049}, {"A", "B"}),
        ({"A": 1, "B": 2, "C": 3},  # C against the second does not matter
         {("A", "B"): 0.01, ("A", "C"): 0.2, ("B", "C"): 0.01}, {"A", "C"}),
        ({"A": 1, "B": 1, "C": 3},  # of two leaders both count
         {("A", "B"): 1.0, ("A", "C"): 0.2, ("B", "C"): 0.01}, {"A", "B"}),
        ({"A": 1, "B": 1, "C": 3},
         {("A", "B"): 1.0, ("A", "C"): 0.2, ("B", "C"): 0.3}, {"A", "B", "C"}),
        ({"A": 1, "B": np.nan, "C": 2},  # B lacks folds
         {("A", "B"): np.nan, ("A", "C"): 0.2, ("B", "C"): np.nan}, {"A", "C"}),
        ({"A": 1, "B": 2}, {("A", "B"): np.nan}, {"A"}),  # not tested is not as good
        ({"A": 1, "B": 2}, {}, {"A"}),
        ({"A": np.nan}, {}, set()),
    ],
)  # fmt: skip
def test_as_good_as_best_by_hand(ranks, p_values, expected):
    marked = as_good_as_best(*hand_made(ranks, p_values))
    assert marked == {("d", model, measure.name) for model in expected for measure in MEASURES}


def test_as_good_as_best_on_evidence(evidence):
    """Poor is behind in everything but the coarse accuracies; each measure has its leader."""
    marked = as_good_as_best(evidence.summary, evidence.pairs)
    for dataset in ("faces", "art"):
        for name in SIGN:
            assert (dataset, "Good", name) in marked
            found = evidence.pairs[(evidence.pairs["dataset"] == dataset)
                                   & (evidence.pairs["measure"] == name)]  # fmt: skip
            for model in ("Middling", "Twin", "Poor"):
                pair = found[[{a, b} == {"Good", model} for a, b in
                              zip(found["model_a"], found["model_b"], strict=True)]]  # fmt: skip
                assert ((dataset, model, name) in marked) == (pair["p_holm"].item() >= 0.05)
    assert ("faces", "Poor", "chebyshev") not in marked
    assert {model for _, model, _ in marked} <= set(MODELS)
    # Models that cannot be told apart, with nothing better beside them.
    twins = keep(evidence, lambda task: task.model in ("Middling", "Twin"))
    assert len(as_good_as_best(twins.summary, twins.pairs)) > 28


# --- intervals ---


def test_intervals_contain_the_means(either):
    means = either.summary.set_index(["dataset", "model"])
    frame = either.intervals
    assert len(frame) == 8 * len(means)
    assert not frame.duplicated(["dataset", "model", "measure"]).any()
    for row in frame.to_dict("records"):
        mean = means.loc[(row["dataset"], row["model"]), row["measure"]]
        assert row["low"] - 1e-12 <= mean <= row["high"] + 1e-12
    assert (frame["high"] > frame["low"]).mean() > 0.9


def test_intervals_are_the_bootstrap_of_their_own_column(evidence):
    truth = evidence.plan.truths["art"]
    frame = evidence.intervals.set_index(["dataset", "model", "measure"])
    seed = np.random.SeedSequence(0, spawn_key=(int(truth.fingerprint[:8], 16),))
    for model, of_model in evidence.values["art"].items():
        low, high = bootstrap_intervals(of_model, instance_weights(truth), seed)
        for number, name in enumerate(SIGN):
            row = frame.loc[("art", model, name)]
            assert (row["low"], row["high"]) == pytest.approx((low[number], high[number]))


def test_intervals_depend_on_their_dataset_and_the_seed_alone(evidence):
    def intervals(plan, *names):
        values = {name: evidence.values[name] for name in names}
        weights = {name: instance_weights(plan.truths[name]) for name in names}
        frame = comparisons.intervals(plan, values, weights)
        return frame[frame["dataset"] == "art"].reset_index(drop=True)

    prints = {"faces": "1234567890", "art": "fedcba9876"}
    truths = {n: replace(t, fingerprint=prints[n]) for n, t in evidence.plan.truths.items()}
    plan = replace(evidence.plan, truths=truths)
    alone = intervals(plan, "art")
    assert len(alone) == 8 * 7
    pd.testing.assert_frame_equal(intervals(plan, "faces", "art"), alone)
    pd.testing.assert_frame_equal(intervals(plan, "art", "faces"), alone)
    pd.testing.assert_frame_equal(intervals(evidence.plan, "art").drop(columns=["low", "high"]),
                                  alone.drop(columns=["low", "high"]))  # fmt: skip
    assert (intervals(evidence.plan, "art")["low"] != alone["low"]).mean() > 0.5  # other draws
    assert (intervals(replace(plan, seed=1), "art")["low"] != alone["low"]).mean() > 0.5


def test_a_missing_fold_leaves_a_gap_in_the_intervals(evidence):
    lacking = keep(evidence, lambda t: (t.dataset, t.model, t.fold) != ("faces", "Good", 2))
    frame = lacking.intervals
    hit = (frame["dataset"] == "faces") & (frame["model"] == "Good")
    assert frame.loc[hit, ["low", "high"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(frame[~hit], evidence.intervals[~hit])


# --- ranks across datasets ---


def means(values, measure=KL, models="ABCDEFGH"):
    """A summary of means, datasets down and models across."""
    rows = [
        {"dataset": f"d{i}", "model": models[j], "kind": "model", measure.name: value}
        for i, row in enumerate(values)
        for j, value in enumerate(row)
    ]
    rows += [
        {"dataset": f"d{i}", "model": "uniform", "kind": "trivial", measure.name: 0.5}
        for i in range(len(values))
    ]
    return pd.DataFrame(rows)


def best_first(n, k=3):
    """Errors of k models on n datasets, of which the first is the best everywhere."""
    return np.random.default_rng(n).random((n, 1)) + np.arange(k) / 10


def test_lower_errors_rank_first_and_so_do_higher_similarities(tmp_path):
    models = {"Poor": 0.9, "Good": 0.1, "Middling": 0.5}
    made = make_evidence(tmp_path, models, {"a": 60, "b": 50, "c": 40, "d": 45}, folds=3)
    for measure in MEASURES:
        ranking = rank_across(made.summary, measure)
        assert ranking.measure is measure
        assert ranking.datasets == ["a", "b", "c", "d"]
        assert ranking.models == ["Poor", "Good", "Middling"]
        table = made.summary[made.summary["kind"] == "model"].pivot_table(
            index="dataset", columns="model", values=f"{measure.name}_rank"
        )
        if measure.in_mean_rank and measure.name != "accuracy":
            assert list(ranking.friedman.mean_ranks) == list(table.mean()[ranking.models])
            assert ranking.effects[1, 0] == 1
            assert ranking.effects[0, 1] == -1
        assert ranking.friedman.mean_ranks.argmin() == 1
        assert ranking.friedman.mean_ranks.argmax() == 0


@pytest.mark.parametrize("measure", [KL, COSINE])
def test_ranks_across_agree_with_scipy(measure):
    values = np.random.default_rng(3).random((12, 4)) + np.array([0.0, 0.3, 0.1, 0.6])
    ranking = rank_across(means(values, measure), measure)
    better = values if measure is COSINE else -values
    ranks = stats.rankdata(-better, axis=1)
    assert ranking.friedman.mean_ranks == pytest.approx(ranks.mean(axis=0))
    expected = stats.friedmanchisquare(*values.T)
    assert ranking.friedman.statistic == pytest.approx(expected.statistic)
    assert ranking.friedman.p_value == pytest.approx(expected.pvalue)
    assert ranking.critical_difference == pytest.approx(2.569 * math.sqrt(20 / (6 * 12)), rel=1e-3)
    apart = np.abs(np.subtract.outer(ranks.mean(axis=0), ranks.mean(axis=0)))
    assert ((ranking.nemenyi < 0.05) == (apart > ranking.critical_difference)).all()
    pairs = list(combinations(range(4), 2))
    single = [stats.wilcoxon(values[:, a], values[:, b], method="exact").pvalue for a, b in pairs]
    assert [ranking.wilcoxon[p] for p in pairs] == pytest.approx(holm_by_closure(single))
    d = better[:, 0] - better[:, 3]
    signed = (stats.rankdata(np.abs(d)) * np.sign(d)).sum() / 78
    assert ranking.effects[0, 3] == pytest.approx(signed)
    assert ranking.remarks == []


def test_models_without_complete_results_are_said():
    values = best_first(10, 5)
    values[2, 1] = values[7, 3] = np.nan
    ranking = rank_across(means(values), KL)
    assert ranking.models == ["A", "C", "E"]
    assert ranking.remarks == ["B and D left out: no complete results on every dataset."]
    complete = rank_across(means(np.delete(values, [1, 3], axis=1), models="ACE"), KL)
    assert ranking.friedman.p_value == complete.friedman.p_value
    assert (ranking.wilcoxon == complete.wilcoxon).all()


def test_models_that_never_ran_on_a_dataset_are_said():
    summary = means(best_first(10, 4))
    ran = (summary["dataset"] != "d4") | (summary["model"] != "B")
    ranking = rank_across(summary[ran], KL)
    assert ranking.models == ["A", "C", "D"]
    assert len(ranking.datasets) == 10
    assert ranking.remarks == ["B left out: no complete results on every dataset."]


def test_too_few_datasets_or_models():
    assert rank_across(means(best_first(2, 4)), KL) == NoTest(
        "tests across datasets need at least 3 datasets and 3 models with results on all of them; "
        "there are 2 and 4"
    )
    assert rank_across(means(best_first(5, 2)), KL).reason.endswith("there are 5 and 2")
    values = best_first(5, 3)
    values[1, 0] = np.nan
    assert rank_across(means(values), KL).reason.endswith(
        "there are 5 and 2 (A left out: no complete results on every dataset)"
    )
    assert rank_across(means(best_first(3, 3)), KL).friedman.mean_ranks.tolist() == [1, 2, 3]


def test_all_tied_and_tied_but_for_rounding_is_no_test():
    for noise in (0.0, 1e-15, 1e-8):
        shaken = 0.3 * (1 + noise * np.arange(20).reshape(5, 4))
        assert (np.ptp(shaken) > 0) == (noise > 0)
        assert rank_across(means(shaken), KL) == NoTest(
            "the 4 models are tied in KLdiv on all 5 datasets, so there is nothing to test"
        )
        assert rankings_frame(means(shaken), [KL]).empty
    apart = rank_across(means(0.3 * (1 + 1e-5 * np.arange(20).reshape(5, 4))), KL)
    assert apart.friedman.mean_ranks.tolist() == [1, 2, 3, 4]


def test_a_pair_that_is_tied_everywhere_is_not_tested():
    values = np.array([[0.1, 0.1 + 1e-8, 0.3]] * 4) + 0.01 * np.arange(4)[:, None]
    ranking = rank_across(means(values), KL)
    assert np.isnan(ranking.wilcoxon[0, 1])
    assert not np.isnan(ranking.wilcoxon[0, 2])


def test_a_draw_is_not_called_a_tie():
    """Three models that beat each other in turn have equal mean ranks, but are not tied."""
    ranking = rank_across(means([[0.1, 0.2, 0.3], [0.2, 0.3, 0.1], [0.3, 0.1, 0.2]]), KL)
    assert ranking.friedman.mean_ranks.tolist() == [2, 2, 2]
    assert ranking.friedman.concordance == 0


@pytest.mark.parametrize("n", [3, 5, 6, 7, 9, 10])
def test_what_few_datasets_cannot_show_is_said(n):
    """One order on all datasets is the strongest evidence that there can be."""
    ranking = rank_across(means(best_first(n)), KL)
    few = [f"Only {n} datasets: the tests see large differences only."] if n < 10 else []
    smallest = ranking.wilcoxon.min()
    assert smallest == pytest.approx(min(1.0, 3 * 2.0 ** (1 - n)))
    hopeless = [
        f"With {n} datasets and 3 pairs no adjusted p-value of Wilcoxon's test can be below 0.05."
    ] if smallest >= 0.05 else []  # fmt: skip
    assert ranking.remarks == few + hopeless
