"""The tests of significance as tables: the best model of each dataset against all others."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from benchmark.analysis.assumptions import ACROSS, name_of_test, of_tests, why_untested
from benchmark.analysis.comparisons import NoTest, rank_across
from benchmark.analysis.statistics import ALPHA
from benchmark.metrics import Measure
from benchmark.planning.plan import Plan
from benchmark.tables.grid import Grid, captioned, text_cells
from benchmark.tables.options import TableOptions
from benchmark.wording import GAP, NO_TEST, count, effect, p_equals, p_value, percent, signed


def significance_table(
    summary: pd.DataFrame, pairs: pd.DataFrame, measure: Measure
) -> pd.DataFrame:
    """Compare the best model of every dataset with all others.

    Parameters
    ----------
    summary : DataFrame
        What `benchmark.analysis.scores.summarise` returned.
    pairs : DataFrame
        What `benchmark.analysis.comparisons.pairwise` returned.
    measure : Measure
        What is compared.

    Returns
    -------
    DataFrame
        One row per dataset and other model: the columns of `pairs`, turned so that model_a is the
        best model. Where several are best it is the first of them.
    """
    rows = []
    for dataset, part in pairs[pairs["measure"] == measure.name].groupby("dataset", sort=False):
        here = summary[(summary["dataset"] == dataset) & (summary["kind"] == "model")]
        best = here["model"][here[f"{measure.name}_rank"] == 1]
        if len(best):
            rows.append(seen_from(part, str(best.iloc[0])))
    if not rows:
        return pairs.iloc[:0]
    return pd.concat(rows, ignore_index=True)


def seen_from(pairs: pd.DataFrame, model: str) -> pd.DataFrame:
    """Turn the pairs of a model so that it is model_a."""
    first, second = pairs["model_a"] == model, pairs["model_b"] == model
    turned = pairs[second].rename(columns=_OTHER_SIDE)
    turned[["difference", "statistic", "effect_size"]] *= -1
    turned[["low", "high"]] = -turned[["high", "low"]].to_numpy()
    turned["share_won"] = 1 - turned["share_won"]
    return pd.concat([pairs[first], turned])[pairs.columns].sort_index()


_CHANCES = ("p_a_better", "p_equivalent", "p_b_better")

_OTHER_SIDE = {
    "model_a": "model_b",
    "model_b": "model_a",
    "p_a_better": "p_b_better",
    "p_b_better": "p_a_better",
}


def significance_grid(
    table: pd.DataFrame,
    summary: pd.DataFrame,
    measure: Measure,
    plan: Plan,
    options: TableOptions | None = None,
) -> Grid:
    """Write the cells; differences are positive where the best model is better."""
    options = options or TableOptions()
    measure = options.shown(measure)
    rows = []
    for row in table.to_dict("records"):
        names = [str(row[name]) for name in ("dataset", "model_a", "model_b")]
        untested = why_untested(row)
        if row["folds"] != row["expected_folds"]:
            rows.append(text_cells([*names, untested, *[GAP] * 5]))
            continue
        tested = [
            f"{signed(row['low'], measure)} to {signed(row['high'], measure)}",
            p_value(row["p_holm"]) + (" *" if row["p_holm"] < ALPHA else ""),
            " / ".join(percent(row[p], "") for p in _CHANCES),
        ]
        texts = [
            *names,
            signed(row["difference"], measure),
            *([GAP, NO_TEST, GAP] if untested else tested),
            effect(row["effect_size"]),
            percent(row["share_won"]),
        ]
        rows.append(text_cells(texts))
    notes = [
        f"Differences in {measure.title}, mean over folds: positive where the best model is "
        f"better. * significant at {ALPHA:g}.",
        "P: probability in percent that the best model is better, practically equivalent, or "
        "worse. Effect: mean difference over instances in deviations of the differences. Won: "
        "instances on which the best model is better, ties count half.",
        *untested_sentences(table),
        *of_tests(plan),
        *ranking_sentences(summary, measure),
    ]
    grid = Grid(
        caption=f"Is the difference real? The best model in {measure.title} against the others",
        headers=["Dataset", "Best", "Other", "Difference", "95 % interval", "p (Holm)",
                 "P better / equal / worse", "Effect", "Won"],
        names=3,
        cells=rows,
        notes=notes,
        legend=[
            f"Differences: means over the folds, positive where the best model is better. "
            f"p: {name_of_test(plan.truths.values())}, adjusted by Holm's method for all pairs; "
            f"* significant at "
            f"{ALPHA:g}.",
            "P: probability in percent of better, practically equivalent, worse. Effect: in "
            "deviations of the differences over instances. Won: share of the instances.",
        ],
        name="tests",
    )  # fmt: skip
    return captioned([grid], options)[0]


def untested_sentences(pairs: pd.DataFrame) -> list[str]:
    """Say how many of the pairs have no test, and why; nothing where all of them have one."""
    counts = Counter(reason for row in pairs.to_dict("records") if (reason := why_untested(row)))
    if not counts:
        return []
    why = "; ".join(f"{reason}: {number}" for reason, number in counts.items())
    return [f"No test of {sum(counts.values())} of {count(len(pairs), 'pair')} ({why})."]


def ranking_sentences(summary: pd.DataFrame, measure: Measure) -> list[str]:
    """Say what the tests across datasets tell, or why there are none."""
    ranking = rank_across(summary, measure)
    if isinstance(ranking, NoTest):
        return [f"{ranking.reason[0].upper()}{ranking.reason[1:]}."]
    friedman = ranking.friedman
    verdict = "rank differently" if friedman.p_value < ALPHA else "cannot be told apart by rank"
    return [
        f"Over {len(ranking.datasets)} datasets the {len(ranking.models)} models {verdict} in "
        f"{measure.title} (Friedman: chi square {friedman.statistic:.2f}, "
        f"{p_equals(friedman.p_value)}, Kendall's W {friedman.concordance:.2f}); mean ranks that "
        f"differ by {ranking.critical_difference:.2f} are significant (Nemenyi).",
        ACROSS,
        *ranking.remarks,
    ]
