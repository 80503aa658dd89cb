"""Our values beside the published ones: which rows belong together, differences, rank agreement."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from benchmark.analysis.reference import MEAN
from benchmark.analysis.ties import levelled
from benchmark.columns import COMPARE
from benchmark.errors import UsageError
from benchmark.paper.published import ARTPHOTO, EMOTION6, PAPER_MEASURES, TABLE3, TABLE4, Published
from benchmark.paper.reasons import stands_in
from benchmark.planning.plan import Plan
from features.names import did_you_mean

#: Fewest common models for a rank correlation.
FEWEST_MODELS = 3


def match_datasets(plan: Plan, published: Published, dataset: str = "") -> dict[str, str]:
    """Find the run's datasets that stand for those of the paper.

    Parameters
    ----------
    plan : Plan
        The run.
    published : Published
    dataset : str
        What stands for Emotion6; by default the dataset of that name. Case does not matter.

    Returns
    -------
    dict
        Dataset of the paper to dataset of the run. Of ArtPhoto at several sigma the one without a
        sigma in its name is taken, else the one at the paper's sigma. Empty if the run has none of
        them, and none is given.

    Raises
    ------
    UsageError
        The run has no dataset of the name that is given.
    """
    by_name = {name.casefold(): name for name in plan.truths}
    matches = {}
    wanted = by_name.get((dataset or EMOTION6).casefold())
    if wanted is not None:
        matches[EMOTION6] = wanted
    elif dataset:
        raise UsageError(
            f"this run has no dataset {dataset!r} (it has: {', '.join(plan.truths)})"
            f"{did_you_mean(dataset, plan.truths)}"
        )
    usual = published.settings["datasets"][ARTPHOTO]["sigma"]
    art = sorted(
        art_photos(plan),
        key=lambda name: (name.casefold() != ARTPHOTO.casefold(), plan.truths[name].sigma != usual),
    )
    if art:
        matches[ARTPHOTO] = art[0]
    return matches


def art_photos(plan: Plan) -> list[str]:
    """List the run's datasets that are ArtPhoto, at whatever sigma."""
    return [name for name, truth in plan.truths.items() if not stands_in(truth, ARTPHOTO)]


def match_rows(rows: Iterable[str], models: Iterable[str]) -> dict[str, str]:
    """Find the run's models of the same names as rows of the paper; case does not matter."""
    by_name = {model.casefold(): model for model in models}
    return {row: by_name[row.casefold()] for row in rows if row.casefold() in by_name}


def side_by_side(
    summary: pd.DataFrame, published: Published, table: str, paper_dataset: str, dataset: str
) -> pd.DataFrame:
    """Put one of the paper's tables on one dataset beside ours.

    Parameters
    ----------
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.
    published : Published
    table, paper_dataset : str
        Which table, and which of its datasets.
    dataset : str
        The run's dataset that stands for it.

    Returns
    -------
    DataFrame
        Columns `benchmark.columns.COMPARE`: the paper's rows, then models that only the run
        has, then the mean training distribution. Models of the paper's other table are left out.
        Empty if the run has none of the paper's rows; Table 3 also takes a run of new models only.
    """
    ours = summary[summary["dataset"] == dataset].set_index("model")
    models = list(ours.index[ours["kind"] == "model"])
    rows = published.rows(table)
    names = match_rows(rows, models)
    known = match_rows([*published.rows(TABLE3), *published.rows(TABLE4)], models).values()
    new = [model for model in models if model not in known]
    if not names and (table != TABLE3 or not new):
        return pd.DataFrame(columns=list(COMPARE))
    order = {row: names.get(row, "") for row in rows} | {model: model for model in [*new, MEAN]}
    found = ours.reindex(list(order.values()))
    beaten = found["not_better_than_mean"].fillna("").str.split()
    theirs = published.cells.query("table == @table and dataset == @paper_dataset")
    parts = []
    for measure in (name for name in PAPER_MEASURES if name in set(theirs["measure"])):
        column = theirs[theirs["measure"] == measure].set_index("model").reindex(list(order))
        sign = 1.0 if PAPER_MEASURES[measure].higher_is_better else -1.0
        values = found[measure].to_numpy(dtype=np.float64)
        part = pd.DataFrame({"model": list(order), "measure": measure, "ours": values})
        part["published"] = column["value"].to_numpy()
        part["difference"] = sign * (part["ours"] - part["published"])
        part["our_rank"] = found[f"{measure}_rank"].to_numpy(dtype=np.float64)
        printed = "printed_rank" if table == TABLE3 else "rank"
        part["published_rank"] = column[printed].to_numpy()
        beats = pd.array([measure not in lost for lost in beaten], dtype="boolean")
        beats[part["our_rank"].isna().to_numpy()] = pd.NA
        part["ours_beats_mean"] = beats
        part["published_beats_mean"] = column["beats_mean"].array
        parts.append(part)
    cells = pd.concat(parts, ignore_index=True)
    return cells.assign(table=table, published_dataset=paper_dataset, dataset=dataset)[
        list(COMPARE)
    ]


def rank_correlation(ours: ArrayLike, published: ArrayLike) -> tuple[float | None, int]:
    """Compare how two tables rank the same models: Kendall's tau-b.

    Parameters
    ----------
    ours, published : array-like of shape (n,)
        Values in one measure, so that its direction does not matter; NaN where there is none.

    Returns
    -------
    tau : float or None
        1 for the same order, -1 for the opposite. None for fewer than three common models, or if
        either side has the same value for all of them.
    models : int
        Number of common models.
    """
    from scipy.stats import kendalltau

    a, b = np.asarray(ours, dtype=np.float64), np.asarray(published, dtype=np.float64)
    common = ~np.isnan(a) & ~np.isnan(b)
    a, b = levelled(a[common]), levelled(b[common])  # tied as in the tables
    n = len(a)
    if n < FEWEST_MODELS or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None, n
    return float(kendalltau(a, b).statistic), n


def agreement(cells: pd.DataFrame) -> pd.DataFrame:
    """Give `rank_correlation` for every table, dataset and measure of `side_by_side`.

    Returns
    -------
    DataFrame
        Columns table, published_dataset, dataset, measure, tau (None where there is none), models.
    """
    keys = ["table", "published_dataset", "dataset", "measure"]
    rows = [
        (*key, *rank_correlation(part["ours"].to_numpy(), part["published"].to_numpy()))
        for key, part in cells.groupby(keys, sort=False)
    ]
    frame = pd.DataFrame(rows, columns=[*keys, "tau", "models"], dtype=object)
    return frame.astype({"models": int})
