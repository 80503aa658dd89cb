"""The ranking of methods over all sets: ranks, critical differences, win rates, time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.comparisons import NoTest, Ranking, rank_across
from benchmark.analysis.evidence import Evidence, gather
from benchmark.analysis.reference import MEAN
from benchmark.analysis.statistics import ALPHA, bootstrap_intervals
from benchmark.analysis.ties import levelled
from benchmark.errors import UsageError
from benchmark.metrics import Measure
from benchmark.reference.collecting import TRIVIAL, model_row
from benchmark.reference.contents import COMPLETE, MISSING, Reference
from benchmark.reference.groups import groups_of
from benchmark.reference.joining import find_set, joined_plan, refuse_differences
from benchmark.reference.submitted import rows_of
from features.arrays import FloatArray
from features.names import did_you_mean

#: The columns of ``leaderboard.csv`` before those of the groups of measures.
COLUMNS = {
    "place": "by the mean rank in the first group of measures; missing for rows listed apart",
    "model": "name of the row",
    "group": "paper, extended, newer, peer or own",
    "tuned": "whether each fold chooses the settings on its training rows",
    "own": "whether it is one of your own rows",
    "datasets": "number of sets with a complete result",
    "of_mean_distribution": "the measure of the tests by that of the mean distribution, median",
    "win_rate": "share of comparisons with other rows that it wins, ties count half",
    "win_low": "lower end of its 95 % interval, bootstrap over sets",
    "win_high": "upper end of it",
    "fit_seconds": "seconds to learn from a fold, median over sets",
    "not_told_from_best": "whether Nemenyi's test does not tell it from the best",
}

#: What was not computed: the columns of ``leaderboard-missing.csv``.
MISSING_CELLS = ("model", "dataset", "state", "folds", "expected_folds", "reason")


@dataclass(frozen=True)
class Leaderboard:
    """The ranking of methods over several sets.

    Attributes
    ----------
    measures : tuple of Measure
    tested : Measure
        The one of tests, win rates and ratios.
    groups : dict
        Title to measures.
    datasets : list of str
    table : DataFrame
        Columns `COLUMNS` and a mean rank for each of `groups`: rows that have results on all sets.
    apart : DataFrame
        The same of rows that lack a set, but not all; their ranks are those that each would have
        among the compared rows, on the sets that it has.
    means : DataFrame
        Means over folds: columns dataset, model and the measures, complete cells alone.
    ranking : Ranking or NoTest
        Tests over sets of the compared rows.
    missing : DataFrame
        Columns `MISSING_CELLS`.
    models : DataFrame
        As `contents.MODELS`, own rows too.
    """

    measures: tuple[Measure, ...]
    tested: Measure
    groups: dict[str, tuple[Measure, ...]]
    datasets: list[str]
    table: pd.DataFrame
    apart: pd.DataFrame
    means: pd.DataFrame
    ranking: Ranking | NoTest
    missing: pd.DataFrame
    models: pd.DataFrame

    def as_frame(self) -> pd.DataFrame:
        """Return both tables under each other, with names of columns as files have them."""
        names = {title: f"rank_{'_'.join(re.findall('[a-z]+', title))}" for title in self.groups}
        tables = [self.table, *([self.apart] if len(self.apart) else [])]
        return pd.concat(tables, ignore_index=True).rename(columns=names)

    @property
    def primary(self) -> str:
        """The group of measures by which rows are placed."""
        return next(iter(self.groups))


def rank_all(
    reference: Reference,
    own: Iterable[str | Path],
    measures: Sequence[Measure],
    tested: Measure,
    datasets: Sequence[str] = (),
) -> Leaderboard:
    """Rank the methods of the reference, and one's own, over its sets.

    Parameters
    ----------
    reference : Reference
    own : iterable of str or Path
        Run folders with one's own rows, and submissions (``.json``).
    measures : sequence of Measure
        What is ranked.
    tested : Measure
        One of them, for tests, win rates and ratios.
    datasets : sequence of str
        Which sets; all of them if empty.

    Raises
    ------
    UsageError
        An unknown set, or a run that is not comparable; says how.
    """
    names = [measure.name for measure in measures]
    chosen = _chosen_sets(reference, datasets)
    cells = reference.cells[reference.cells["dataset"].isin(chosen)]
    scores = reference.scores[reference.scores["dataset"].isin(chosen)]
    models = reference.models.assign(own=False)
    for path in map(Path, own):
        if path.suffix == ".json":
            mine = rows_of(path, reference, measures)
        else:
            with gather(path, measures=tuple(measures), writes=False) as evidence:
                refuse_differences(evidence.plan, reference, measures)
                mine = _own(evidence, reference, names)
        cells, scores = _replaced(cells, mine[0]), _replaced(scores, mine[1])
        models = _replaced(models, mine[2])
    cells, scores = (t[t["dataset"].isin(chosen)] for t in (cells, scores))
    complete = cells[cells["state"] == COMPLETE]
    means = scores.groupby(["dataset", "model"], sort=False)[names].mean().reset_index()
    means = means.merge(complete[["dataset", "model"]], on=["dataset", "model"])
    trivial = set(models["model"][models["group"] == TRIVIAL])
    of_models = means[~means["model"].isin(trivial)]
    counts = of_models.groupby("model").size()
    order = [m for m in models["model"] if m not in trivial]
    compared = [m for m in order if counts.get(m, 0) == len(chosen)]
    groups = groups_of(measures)
    work = _Work(of_models, means, complete, models, chosen, groups, tested)
    table = _rows(work, compared)
    alone = [_rows(work, compared, m) for m in order if m not in compared and counts.get(m, 0)]
    apart = pd.concat([table.iloc[:0], *alone], ignore_index=True)
    ranking = _ranking(of_models[of_models["model"].isin(compared)], tested)
    table = _placed(table, next(iter(groups)), ranking)
    lacking = cells[(cells["state"] != COMPLETE)]
    return Leaderboard(
        tuple(measures), tested, groups, chosen, table,
        apart.sort_values(["datasets", next(iter(groups))], ascending=[False, True],
                          kind="stable", ignore_index=True),
        means.reset_index(drop=True), ranking, _missing(lacking, cells, order, chosen), models,
    )  # fmt: skip


@dataclass(frozen=True)
class _Work:
    of_models: pd.DataFrame
    means: pd.DataFrame
    complete: pd.DataFrame
    models: pd.DataFrame
    datasets: list[str]
    groups: Mapping[str, tuple[Measure, ...]]
    tested: Measure


def _chosen_sets(reference: Reference, wanted: Sequence[str]) -> list[str]:
    known = {str(name).casefold(): str(name) for name in reference.sets["dataset"]}
    for name in wanted:
        if name.casefold() not in known:
            raise UsageError(
                f"the reference has no set {name!r}{did_you_mean(name, known.values())} "
                f"(it has {', '.join(known.values())})"
            )
    return [known[name.casefold()] for name in wanted] or list(known.values())


def _own(
    evidence: Evidence, reference: Reference, measures: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return cells, scores and models of a run, as the reference has them."""
    plan, names = joined_plan(evidence.plan, reference)
    known = {n: str(find_set(t, reference)["dataset"]) for n, t in evidence.plan.truths.items()}
    long = evidence.scores
    long = long[long["model"].isin(evidence.plan.models) & long["measure"].isin(measures)]
    long = long.replace({"model": names, "dataset": known})
    keys = ["dataset", "model", "repeat", "fold"]
    scores = long.pivot(index=keys, columns="measure", values="value").reset_index()  # noqa: PD010
    seconds: dict[tuple[str, str], list[float]] = {}
    for task, result in evidence.results.items():
        of = known[task.dataset], names[task.model]
        seconds.setdefault(of, []).append(result.record["fit_seconds"])
    rows = []
    for dataset, truth in evidence.plan.truths.items():
        expected = truth.folds.n_folds * truth.folds.n_repeats
        for model in evidence.plan.models_of(dataset):
            spent = seconds.get((known[dataset], names[model]), [])
            whole = len(spent) == expected
            rows.append(
                {"dataset": known[dataset], "model": names[model], "folds": len(spent),
                 "expected_folds": expected, "state": COMPLETE if whole else MISSING,
                 "reason": "" if whole else f"{len(spent)} of {expected} folds",
                 "fit_seconds": float(np.mean(spent)) if spent else float("nan")}
            )  # fmt: skip
    described = [
        {**model_row(new, plan.models[new]), "own": True}
        for new in names.values()
    ]  # fmt: skip
    return pd.DataFrame(rows), scores, pd.DataFrame(described)


def _replaced(former: pd.DataFrame, mine: pd.DataFrame) -> pd.DataFrame:
    """Put one's own rows in the place of those that they are computed anew of."""
    keys = [key for key in ("dataset", "model") if key in mine]
    taken = pd.MultiIndex.from_frame(mine[keys].drop_duplicates())
    kept = former[~pd.MultiIndex.from_frame(former[keys]).isin(taken)]
    return pd.concat([kept, mine.reindex(columns=former.columns)], ignore_index=True)


def _ranks(values: FloatArray, measure: Measure) -> FloatArray:
    """Rank a column: 1 is best, ties share their mean rank."""
    from scipy import stats  # as it loads much

    signed = -values if measure.higher_is_better else values
    return np.asarray(stats.rankdata(levelled(signed)))


def _rows(work: _Work, compared: list[str], also: str = "") -> pd.DataFrame:
    """Make the rows of the compared models, or the one of a model that lacks sets, among them."""
    names = [*compared, *([also] if also else [])]
    here = work.of_models[work.of_models["model"] == (also or (compared or [""])[0])]
    datasets = [name for name in work.datasets if name in set(here["dataset"])]
    ranks: dict[str, list[FloatArray]] = {title: [] for title in work.groups}
    wins: list[FloatArray] = []
    for dataset in datasets:
        values = work.of_models[work.of_models["dataset"] == dataset].set_index("model").loc[names]
        for title, measures in work.groups.items():
            of = [_ranks(values[m.name].to_numpy(dtype=np.float64), m) for m in measures]
            ranks[title].append(np.mean(of, axis=0))
        rank = _ranks(values[work.tested.name].to_numpy(dtype=np.float64), work.tested)
        wins.append((len(names) - rank) / max(len(names) - 1, 1))
    shown = [also] if also else compared
    start = len(names) - len(shown)
    frame = work.models.set_index("model").loc[shown]
    table = pd.DataFrame({"place": pd.Series([None] * len(shown), dtype="Int64"), "model": shown})
    for column in ("group", "tuned", "own"):
        table[column] = frame[column].to_list()
    table["datasets"] = len(datasets)
    ratios = _ratios(work)
    table["of_mean_distribution"] = [float(ratios.get(name, np.nan)) for name in shown]
    won = np.array(wins)[:, start:] if wins else np.empty((0, len(shown)))
    few = len(compared) < 2 and not also
    empty = np.full(len(shown), np.nan)
    table["win_rate"] = won.mean(axis=0) if len(won) and not few else empty
    low, high = (
        bootstrap_intervals(won, np.ones(len(won)), np.random.SeedSequence(12))
        if len(won) > 1 and not few
        else (empty, empty)
    )
    table["win_low"], table["win_high"] = low, high
    seconds = work.complete.groupby("model")["fit_seconds"].median()
    table["fit_seconds"] = [float(seconds.get(name, np.nan)) for name in shown]
    table["not_told_from_best"] = False
    for title, found in ranks.items():
        table[title] = np.mean(found, axis=0)[start:] if found else empty
    return table


def _ratios(work: _Work) -> dict[Any, Any]:
    """Divide each mean by that of the mean distribution; median over sets."""
    values = work.means.pivot(index="dataset", columns="model", values=work.tested.name)  # noqa: PD010
    if MEAN not in values:
        return {}
    return dict(values.div(values[MEAN], axis=0).median())


def _ranking(of_models: pd.DataFrame, tested: Measure) -> Ranking | NoTest:
    if of_models.empty:
        return NoTest("no row has results on all sets, so there is nothing to test")
    return rank_across(of_models.assign(kind="model"), tested)


def _placed(table: pd.DataFrame, primary: str, ranking: Ranking | NoTest) -> pd.DataFrame:
    """Sort rows by their mean rank, and mark those that are not told from the best."""
    placed = table.sort_values(primary, kind="stable", ignore_index=True)
    placed["place"] = placed[primary].rank(method="min").astype("Int64")
    if isinstance(ranking, Ranking):
        best = int(np.argmin(ranking.friedman.mean_ranks))
        p = pd.Series(ranking.nemenyi[best], index=ranking.models)
        near = [bool(p[name] >= ALPHA) for name in placed["model"]]
        placed["not_told_from_best"] = near
    return placed


def _missing(
    lacking: pd.DataFrame, cells: pd.DataFrame, order: list[str], datasets: list[str]
) -> pd.DataFrame:
    """List the cells without a complete result, also those that were never tried."""
    there = set(zip(cells["model"], cells["dataset"], strict=True))
    untried = [
        {"model": model, "dataset": dataset, "state": MISSING, "folds": 0, "reason": "not tried"}
        for model in order
        for dataset in datasets
        if (model, dataset) not in there
    ]
    found = pd.concat([lacking, pd.DataFrame(untried)], ignore_index=True)
    found = found.reindex(columns=list(MISSING_CELLS))
    number = {name: place for place, name in enumerate(order)}
    return found.sort_values(
        "model", key=lambda names: names.map(number), kind="stable", ignore_index=True
    )
