"""Tests whether differences between the models of a run are more than chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from benchmark.analysis import statistics
from benchmark.analysis.instances import instance_weights
from benchmark.analysis.resampling import bootstrap_test, by_group
from benchmark.analysis.statistics import ALPHA
from benchmark.analysis.ties import levelled, without_ties
from benchmark.columns import INTERVALS, PAIRS, RANKINGS
from benchmark.metrics import MEASURES, Measure
from benchmark.planning.plan import Plan, Truth
from benchmark.wording import listed
from features.arrays import FloatArray, IntArray

#: Fewest datasets and models for tests across datasets.
FEWEST_DATASETS, FEWEST_MODELS = 3, 3

_PAIRS_AT_A_TIME = 20


def practical_equivalence(measure: Measure, labels: int) -> float:
    """Return the difference below which two models are as good as equal in a measure.

    1 % of the measure's range, which may depend on the number of labels. Where that has no end, as
    that of the KL divergence, 0.01.
    """
    low, high = measure.bounds(labels)
    return 0.01 * (high - low if np.isfinite(high - low) else 1.0)


def pairwise(
    plan: Plan,
    scores: pd.DataFrame,
    values: Mapping[str, Mapping[str, FloatArray]] | None,
    measures: Sequence[Measure] = MEASURES,
) -> pd.DataFrame:
    """Compare all pairs of models on every dataset in every measure.

    Parameters
    ----------
    plan : Plan
        The run; tells which folds there should be.
    scores : DataFrame
        What `benchmark.analysis.scores.scores_frame` returned.
    values : mapping, optional
        Dataset to model to values of every instance, shape (n, measures), see
        `benchmark.analysis.instances.instance_values`. Without them effect sizes are missing
        values.
    measures : sequence of Measure
        Those of the scores. One of a set of rows has no values of instances, and no effect sizes.

    Returns
    -------
    DataFrame
        One row per dataset, measure and pair of models, in the order of the tables; columns
        `benchmark.columns.PAIRS`. Where a fold is missing the numbers are missing values, and where
        there is no test those of the test.
    """
    parts = []
    for dataset, truth in plan.truths.items():
        models = plan.models_of(dataset)
        pairs = list(combinations(range(len(models)), 2))
        if not pairs:
            continue
        first, second = np.array(pairs).T
        weights = instance_weights(truth)
        here = scores[scores["dataset"] == dataset]
        of_rows = [measure for measure in measures if measure.per_row]
        for measure in measures:
            folds = fold_values(here, truth, models, measure)
            part = _compared(folds, first, second, truth, measure)
            part["effect_size"] = part["share_won"] = np.nan
            if values is not None and measure.per_row:
                number = of_rows.index(measure)
                of_instances = np.stack([values[dataset][m][:, number] for m in models], axis=1)
                if truth.folds.is_single:
                    units = by_group(of_instances, weights, truth)
                    part = _resampled(units, (first, second), truth, measure, plan.seed)
                effects = _effects(of_instances[weights > 0], first, second, measure)
                part["effect_size"], part["share_won"] = effects
            part["p_holm"] = statistics.holm(part["p_value"])
            differences = _differences(folds[:, first], folds[:, second], measure)
            part["folds"] = (~np.isnan(differences)).sum(axis=0)
            part["expected_folds"] = len(folds)
            names = np.array(models, dtype=object)
            part.insert(0, "dataset", dataset)
            part.insert(1, "measure", measure.name)
            part.insert(2, "model_a", names[first])
            part.insert(3, "model_b", names[second])
            parts.append(part)
    if not parts:
        return pd.DataFrame(columns=list(PAIRS))
    return pd.concat(parts, ignore_index=True)[list(PAIRS)]


def fold_values(
    scores: pd.DataFrame, truth: Truth, models: list[str], measure: Measure
) -> FloatArray:
    """Arrange a dataset's scores in a measure: shape (folds, models), NaN where one is missing."""
    table = scores[scores["measure"] == measure.name].pivot(  # noqa: PD010 - refuses duplicates
        index=["repeat", "fold"], columns="model", values="value"
    )
    folds = truth.folds
    index = pd.MultiIndex.from_product([range(folds.n_repeats), range(folds.n_folds)])
    arranged: FloatArray = table.reindex(index=index, columns=models).to_numpy(dtype=np.float64)
    return arranged


def _compared(
    folds: FloatArray,
    first: IntArray,
    second: IntArray,
    truth: Truth,
    measure: Measure,
) -> pd.DataFrame:
    differences = _differences(folds[:, first], folds[:, second], measure)
    ratio = truth.folds.test_to_train
    test = statistics.corrected_t_test(differences, ratio)
    rope = practical_equivalence(measure, truth.D.shape[1])
    return _as_frame(test, statistics.posterior_probabilities(differences, ratio, rope))


def _resampled(
    units: tuple[FloatArray, FloatArray],
    pairs: tuple[IntArray, IntArray],
    truth: Truth,
    measure: Measure,
    seed: int,
) -> pd.DataFrame:
    """Compare models where there is a single split."""
    rope = practical_equivalence(measure, truth.D.shape[1])
    values, weights = units
    higher = values if measure.higher_is_better else -values
    return _as_frame(*bootstrap_test(higher, weights, pairs, rope, _seed_of_draws(seed, truth)))


def _seed_of_draws(seed: int, truth: Truth) -> np.random.SeedSequence:
    """Return the seed of draws of a dataset's instances."""
    return np.random.SeedSequence(seed, spawn_key=(int(truth.fingerprint[:8], 16),))


def _as_frame(
    test: statistics.TTest, chances: tuple[FloatArray, FloatArray, FloatArray]
) -> pd.DataFrame:
    worse, equivalent, better = chances
    return pd.DataFrame(
        {
            "difference": test.difference,
            "low": test.low,
            "high": test.high,
            "statistic": test.statistic,
            "p_value": test.p_value,
            "p_a_better": better,
            "p_equivalent": equivalent,
            "p_b_better": worse,
        }
    )


def _effects(
    values: FloatArray, first: IntArray, second: IntArray, measure: Measure
) -> tuple[FloatArray, FloatArray]:
    """Effect sizes of pairs of columns of `values`, shape (n, models)."""
    found = []
    # A few pairs at a time: those of 20 models on 100,000 instances would take much memory.
    for start in range(0, len(first), _PAIRS_AT_A_TIME):
        few = slice(start, start + _PAIRS_AT_A_TIME)
        d = _differences(values[:, first[few]], values[:, second[few]], measure)
        found.append(statistics.paired_effects(d))
    effects, shares = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return effects, shares


def _differences(a: FloatArray, b: FloatArray, measure: Measure) -> FloatArray:
    """Say by how much `a` is better than `b`; 0 where they are tied."""
    return without_ties(a - b if measure.higher_is_better else b - a)


def as_good_as_best(
    summary: pd.DataFrame, pairs: pd.DataFrame, measures: Sequence[Measure] = MEASURES
) -> set[tuple[str, str, str]]:
    """Find the cells that the test does not tell from the best of their column.

    Parameters
    ----------
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.
    pairs : DataFrame
        What `pairwise` returned.
    measures : sequence of Measure
        The columns.

    Returns
    -------
    set of (dataset, model, measure)
        The best models themselves, and those with an adjusted p-value of at least `ALPHA` against
        every one of them; a model that was not tested is none. The adjustment is for all pairs, so
        that the leader may be picked from the same numbers.
    """
    marked = set()
    columns = (pairs[name].tolist() for name in ("dataset", "measure", "model_a", "model_b"))
    of = zip(*columns, pairs["p_holm"].tolist(), strict=True)
    tested = {(data, measure, frozenset((a, b))): p for data, measure, a, b, p in of}
    for dataset, part in summary[summary["kind"] == "model"].groupby("dataset", sort=False):
        for measure in measures:
            ranks = part.set_index("model")[f"{measure.name}_rank"].dropna()
            best = list(ranks.index[ranks == 1])
            for model in ranks.index:
                p_values = [
                    tested.get((dataset, measure.name, frozenset((model, leader))), np.nan)
                    for leader in best
                ]
                if model in best or all(p >= ALPHA for p in p_values):
                    marked.add((str(dataset), str(model), measure.name))
    return marked


def intervals(
    plan: Plan,
    values: Mapping[str, Mapping[str, FloatArray]],
    weights: Mapping[str, FloatArray],
    measures: Sequence[Measure] = MEASURES,
) -> pd.DataFrame:
    """Give bootstrap intervals of every mean in Table 3.

    Parameters
    ----------
    plan : Plan
        Its seed makes the draws; every dataset has its own.
    values : mapping
        As in `pairwise`, with the trivial predictors.
    weights : mapping
        Dataset to the weight of every instance in the mean, shape (n,); 0 for those that are
        never tested. Where instances belong to groups, these are drawn.
    measures : sequence of Measure
        Those of the values.

    Returns
    -------
    DataFrame
        Columns `benchmark.columns.INTERVALS`; missing values where a fold is missing.
    """
    parts = []
    for dataset, of in values.items():
        columns = np.concatenate(list(of.values()), axis=1)
        truth = plan.truths[dataset]
        units = by_group(columns, weights[dataset], truth)
        low, high = statistics.bootstrap_intervals(*units, _seed_of_draws(plan.seed, truth))
        names = [measure.name for measure in measures]
        parts.append(
            pd.DataFrame(
                {
                    "dataset": dataset,
                    "model": np.repeat(list(of), len(names)),
                    "measure": names * len(of),
                    "low": low,
                    "high": high,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)[list(INTERVALS)]


@dataclass(frozen=True)
class NoTest:
    """There are too few datasets or models for a test, or all models are tied.

    Attributes
    ----------
    reason : str
        Why; a sentence without capital and full stop.
    """

    reason: str


@dataclass(frozen=True)
class Ranking:
    """How models rank over several datasets in one measure.

    Attributes
    ----------
    measure : Measure
    datasets, models : list of str
        Those that the tests are about.
    friedman : FriedmanTest
        With the mean ranks.
    nemenyi, wilcoxon : ndarray of shape (k, k)
        p-values of all pairs.
    effects : ndarray of shape (k, k)
        Rank-biserial correlations.
    critical_difference : float
        Of mean ranks, for Nemenyi's test.
    remarks : list of str
        What was left out and why, and what the tests cannot see with so few datasets.
    """

    measure: Measure
    datasets: list[str]
    models: list[str]
    friedman: statistics.FriedmanTest
    nemenyi: FloatArray
    wilcoxon: FloatArray
    effects: FloatArray
    critical_difference: float
    remarks: list[str]


def rank_across(summary: pd.DataFrame, measure: Measure) -> Ranking | NoTest:
    """Test the ranks of the models over all datasets of a run.

    Parameters
    ----------
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.
    measure : Measure
        What the models are ranked by.

    Returns
    -------
    Ranking or NoTest
        The latter for fewer than three datasets, or fewer than three models that have all of their
        folds on every dataset, or where all of them are tied on every dataset.
    """
    rows = summary[summary["kind"] == "model"]
    table = rows.pivot(  # noqa: PD010 - refuses duplicates
        index="dataset", columns="model", values=measure.name
    ).reindex(index=rows["dataset"].unique(), columns=rows["model"].unique())
    incomplete = [str(model) for model in table if table[model].isna().any()]
    kept = table.drop(columns=incomplete)
    remarks = [
        f"{listed(incomplete)} left out: no complete results on every dataset."
    ] if incomplete else []  # fmt: skip
    n, k = kept.shape
    if n < FEWEST_DATASETS or k < FEWEST_MODELS:
        return NoTest(
            f"tests across datasets need at least {FEWEST_DATASETS} datasets and {FEWEST_MODELS} "
            f"models with results on all of them; there are {n} and {k}"
            + (f" ({remarks[0].removesuffix('.')})" if remarks else "")
        )
    # Tied as in the tables.
    values = np.apply_along_axis(levelled, 1, kept.to_numpy(dtype=np.float64))
    values = values if measure.higher_is_better else -values
    if (values == values[:, :1]).all():
        return NoTest(
            f"the {k} models are tied in {measure.title} on all {n} datasets, so there is nothing "
            f"to test"
        )
    friedman = statistics.friedman_test(values)
    if n < 10:
        remarks.append(f"Only {n} datasets: the tests see large differences only.")
    pairs = k * (k - 1) // 2
    if pairs * 2.0 ** (1 - n) >= ALPHA:
        remarks.append(
            f"With {n} datasets and {pairs} pairs no adjusted p-value of Wilcoxon's test can be "
            f"below {ALPHA:g}."
        )
    p_wilcoxon, effects = statistics.wilcoxon_holm(values)
    return Ranking(
        measure, list(map(str, kept.index)), list(map(str, kept.columns)), friedman,
        statistics.nemenyi_test(values), p_wilcoxon, effects,
        statistics.critical_difference(n, k), remarks,
    )  # fmt: skip


def rankings_frame(summary: pd.DataFrame, measures: Iterable[Measure]) -> pd.DataFrame:
    """Collect the tests across datasets: one row per measure and pair of models.

    Returns
    -------
    DataFrame
        Columns `benchmark.columns.RANKINGS`; no rows where there is no test.
    """
    rows = []
    for measure in measures:
        r = rank_across(summary, measure)
        if isinstance(r, NoTest):
            continue
        for i, a in enumerate(r.models):
            for j, b in enumerate(r.models[i + 1 :], start=i + 1):
                ranks = r.friedman.mean_ranks
                rows.append(
                    (measure.name, a, b, ranks[i], ranks[j], r.nemenyi[i, j], r.wilcoxon[i, j],
                     r.effects[i, j], r.friedman.statistic, r.friedman.p_value,
                     r.friedman.concordance, r.critical_difference, len(r.datasets))
                )  # fmt: skip
    return pd.DataFrame(rows, columns=list(RANKINGS))
