"""A paragraph for the text of a paper: what was compared, by which test, and what came of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.assumptions import name_of_test, why_untested
from benchmark.analysis.comparisons import NoTest, rank_across
from benchmark.analysis.evidence import Evidence
from benchmark.analysis.statistics import ALPHA
from benchmark.metrics import Measure
from benchmark.planning.plan import Truth
from benchmark.planning.splits import name_split
from benchmark.tables.significance import seen_from
from benchmark.wording import count, effect, listed, p_equals, signed, value


def paragraphs(evidence: Evidence, measure: Measure) -> list[str]:
    """Write a paragraph per dataset, and one across them where there are enough.

    Parameters
    ----------
    evidence : Evidence
        With the measure among its own.
    measure : Measure
        By which models are compared.

    Returns
    -------
    list of str
        Plain text; models that lack folds are named and take no part.
    """
    found = [
        _of_dataset(evidence, measure, truth)
        for truth in evidence.plan.truths.values()
        if evidence.plan.models_of(truth.name)
    ]
    across = rank_across(evidence.summary, measure)
    if len(evidence.plan.truths) > 1:
        if isinstance(across, NoTest):
            found.append(f"{across.reason[0].upper()}{across.reason[1:]}.")
        else:
            found.append(_across(evidence, measure))
    return found


def _of_dataset(evidence: Evidence, measure: Measure, truth: Truth) -> str:
    here = evidence.summary
    here = here[(here["dataset"] == truth.name) & (here["kind"] == "model")]
    ranks = here.set_index("model")[f"{measure.name}_rank"]
    means = here.set_index("model")[measure.name]
    deviations = here.set_index("model")[f"{measure.name}_std"]
    size = f"{count(len(truth.D), 'instance')}, {count(truth.D.shape[1], 'label')}"
    sentences = [
        f"On {truth.name} ({size}) {count(len(ranks), 'method')} {_was(len(ranks))} compared in "
        f"{measure.title} ({'higher' if measure.higher_is_better else 'lower'} is better); split: "
        f"{name_split(truth, truth.folds)}."
    ]
    if lacking := [str(name) for name in ranks.index[ranks.isna()]]:
        sentences.append(f"Without results in all folds, and so left out: {listed(lacking)}.")
    order = ranks.dropna().sort_values(kind="stable")
    if not len(order):
        return " ".join(sentences)
    leaders = [str(name) for name in order.index[order == 1]]

    def mean(name: str) -> str:
        text = f"{name} ({value(means[name], measure)}"
        known = not np.isnan(deviations[name])
        return f"{text} ± {value(deviations[name], measure)})" if known else f"{text})"

    what = "mean and standard deviation over the folds"
    said = f"{listed(map(mean, leaders))} {_has(len(leaders))} the best value ({what})"
    others = [str(name) for name in order.index[order > 1]]
    sentences.append(f"{said}, followed by {mean(others[0])}." if others else f"{said}.")
    sentences.append(
        f"Mean ranks over the measures: "
        f"{listed(_ranks(here.set_index('model')['mean_rank']))} (lower is better)."
    )
    pairs = evidence.pairs
    pairs = pairs[(pairs["dataset"] == truth.name) & (pairs["measure"] == measure.name)]
    if others:
        sentences += _tests(seen_from(pairs, leaders[0]), leaders, measure, truth)
    return " ".join(sentences)


def _tests(pairs: pd.DataFrame, leaders: list[str], measure: Measure, truth: Truth) -> list[str]:
    """Say which differences from the best are significant."""
    rows = [row for row in pairs.to_dict("records") if row["model_b"] not in leaders]
    tested = [row for row in rows if not why_untested(row)]
    if not tested:
        reasons = dict.fromkeys(why_untested(row) for row in rows)
        return [f"Differences from {leaders[0]} were not tested ({listed(reasons)})."]
    sentences = [
        f"Differences from {leaders[0]} were tested with the {name_of_test([truth])}, two-sided, "
        f"with p-values, but not intervals, adjusted by Holm's method for all pairs of methods "
        f"(level {ALPHA:g}); positive differences are in its favour, d is the mean difference over "
        f"instances in standard deviations of the differences."
    ]

    def told(row: dict[Any, Any]) -> str:
        low, high = signed(row["low"], measure), signed(row["high"], measure)
        size = row["effect_size"]
        behind = "" if np.isnan(size) else f", d = {effect(size)}"
        return (
            f"{row['model_b']} ({signed(row['difference'], measure)}, "
            f"95 % interval {low} to {high}, {p_equals(row['p_holm'])}{behind})"
        )

    better = [told(row) for row in tested if row["p_holm"] < ALPHA and row["difference"] > 0]
    worse = [told(row) for row in tested if row["p_holm"] < ALPHA and row["difference"] < 0]
    open_ = [told(row) for row in tested if not row["p_holm"] < ALPHA]
    if better:
        sentences.append(f"It is significantly better than {listed(better)}.")
    if worse:
        sentences.append(f"The test favours {listed(worse)} over it, though the means do not.")
    if open_:
        sentences.append(f"The test does not tell it from {listed(open_)}.")
    if left := [str(row["model_b"]) for row in rows if why_untested(row)]:
        sentences.append(f"Not tested: {listed(left)}.")
    return sentences


def _across(evidence: Evidence, measure: Measure) -> str:
    ranking = rank_across(evidence.summary, measure)
    assert not isinstance(ranking, NoTest)  # noqa: S101 - the caller has looked
    friedman = ranking.friedman
    ranks = pd.Series(friedman.mean_ranks, index=ranking.models)
    best = str(ranks.idxmin())
    apart = ranks[ranks - ranks.min() > ranking.critical_difference].sort_values()
    verdict = (
        f"significantly worse than {best}, the best, are {listed(map(str, apart.index))}"
        if len(apart)
        else f"none differs significantly from {best}, the best"
    )
    return (
        f"Over {count(len(ranking.datasets), 'dataset')} the {len(ranking.models)} methods were "
        f"compared by their ranks in {measure.title} with Friedman's test (chi square "
        f"{friedman.statistic:.2f}, {p_equals(friedman.p_value)}, Kendall's W "
        f"{friedman.concordance:.2f}) and Nemenyi's post-hoc test (level {ALPHA:g}, critical "
        f"difference of mean ranks {ranking.critical_difference:.2f}). Mean ranks: "
        f"{listed(_ranks(ranks))}. "
        + (
            f"By Nemenyi's test {verdict}."
            if friedman.p_value < ALPHA
            else "Friedman's test does not tell the methods apart, so no pair is taken to differ."
        )
    )


def _ranks(ranks: pd.Series) -> list[str]:
    return [f"{name} {rank:.2f}" for name, rank in ranks.dropna().sort_values().items()]


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _has(number: int) -> str:
    return "has" if number == 1 else "share"
