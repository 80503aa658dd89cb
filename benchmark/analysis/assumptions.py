"""What the tests assume, which of them fit the splits of a run, and why a pair has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from benchmark.analysis.resampling import FEWEST_UNITS
from benchmark.analysis.statistics import FEWEST_FOLDS
from benchmark.metrics import TOLERANCE
from benchmark.planning.folds import GIVEN, HOLD_OUT, ONE_OUT, ROWS
from benchmark.planning.plan import Plan, Truth
from benchmark.wording import listed

#: What the tests across datasets assume.
ACROSS = (
    "Across datasets: Friedman's test, then Nemenyi's on mean ranks and Wilcoxon's signed-rank "
    "test with Holm's adjustment (Demšar 2006); they assume independent datasets."
)

_T_TEST = (
    "Within a dataset: corrected resampled t-test over the folds (Nadeau and Bengio 2003), which "
    "share training rows; it assumes normal differences that correlate with the share of rows in "
    "a test fold."
)
_ADJUSTED = (
    "p-values are adjusted by Holm's method for all pairs of models of the dataset and measure; "
    "intervals of differences are not adjusted."
)
_NONE = (
    f"There is no test of fewer than {FEWEST_FOLDS} folds, nor of differences that are the same in "
    f"all folds (within {TOLERANCE:g}), for they have no spread to compare the mean with."
)
_EQUIVALENT = (
    "equivalent means a difference below 1 % of the measure's range, for KLdiv, which has none, "
    "below 0.01."
)
_BAYES = (
    "P(better), P(equivalent), P(worse): Bayesian correlated t-test with a flat prior (Benavoli "
    f"and others 2017); {_EQUIVALENT}"
)


def assumptions(plan: Plan) -> list[str]:
    """Say what the tests and intervals of a run assume, in sentences."""
    return [*of_tests(plan), *of_means(plan), ACROSS]


def of_t_test(truths: Iterable[Truth]) -> str:
    """Say what the test over folds assumes."""
    return " ".join([_T_TEST, *_of_splits(truths)])


def of_tests(plan: Plan) -> list[str]:
    """Say which tests within a dataset there are, and what they assume; in sentences."""
    several, single = _by_number(plan)
    if not single:
        return [" ".join([_T_TEST, *_of_splits(several), _ADJUSTED, _NONE]), _BAYES]
    draws = (
        f"{listed([truth.name for truth in single])}: one split, so no t-test, for nothing tells "
        f"how scores vary from split to split. Bootstrap over the test {_units(single)} alone, the "
        f"trained models held fixed: it tells what other test {_units(single)} would change, not "
        f"what other training rows would; interval and p-value by Student's t with the "
        f"bootstrap's standard error. There is no test of fewer than {FEWEST_UNITS} of them. "
        f"P(better), P(equivalent), P(worse) are shares of its draws; {_EQUIVALENT}"
    )
    if not several:
        return [f"{draws} {_ADJUSTED}"]
    return [" ".join([_T_TEST, *_of_splits(several), _ADJUSTED, _NONE]), _BAYES, draws]


def of_means(plan: Plan) -> list[str]:
    """Say how the intervals of means come about."""
    grouped = [truth.name for truth in plan.truths.values() if truth.groups is not None]
    plain = "Intervals of means: percentile bootstrap over the test instances"
    if not grouped:
        return [f"{plain}, the trained models held fixed."]
    if len(grouped) == len(plan.truths):
        return [
            "Intervals of means: percentile bootstrap over the groups of the test instances, the "
            "trained models held fixed."
        ]
    return [f"{plain}, of {listed(grouped)} over their groups, the trained models held fixed."]


def name_of_test(truths: Iterable[Truth]) -> str:
    """Name the test within a dataset."""
    found = list(truths)
    single = [truth for truth in found if truth.folds.is_single]
    names = ["corrected resampled t-test"] if len(single) < len(found) else []
    names += [f"bootstrap over the test {_units(single)}"] if single else []
    return listed(names, "or")


def why_untested(row: Mapping[Any, Any]) -> str:
    """Say why a pair of models has no test, in a clause; empty if it has one.

    Parameters
    ----------
    row : mapping
        A row of `benchmark.analysis.comparisons.pairwise`.
    """
    if not np.isnan(row["p_holm"]):
        return ""
    if row["folds"] != row["expected_folds"]:
        return f"{row['folds']} of {row['expected_folds']} folds"
    if row["expected_folds"] == 1:
        if np.isnan(row.get("share_won", 0.0)):
            return "one split, and a measure that single rows have no value of"
        few = f"one split with fewer than {FEWEST_UNITS} test rows or groups"
        return f"{few}, or tied in all" if row["difference"] == 0 else f"{few}, or the same in all"
    if row["folds"] < FEWEST_FOLDS:
        return f"fewer than {FEWEST_FOLDS} folds"
    return "tied in all folds" if row["difference"] == 0 else "the same difference in all folds"


def _by_number(plan: Plan) -> tuple[list[Truth], list[Truth]]:
    truths = list(plan.truths.values())
    single = [truth for truth in truths if truth.folds.is_single]
    return [truth for truth in truths if not truth.folds.is_single], single


def _units(truths: Iterable[Truth]) -> str:
    grouped = {truth.groups is not None for truth in truths}
    return "rows" if grouped == {False} else "groups" if grouped == {True} else "rows or groups"


def _of_splits(truths: Iterable[Truth]) -> list[str]:
    """Say what the test over folds takes of splits other than folds of rows."""
    kinds = {truth.folds.kind for truth in truths}
    sentences = []
    if kinds - {ROWS, HOLD_OUT}:
        sentences.append(
            "Where folds differ in size, that share is the mean over the folds, and every fold "
            "counts alike."
        )
    if ONE_OUT in kinds:
        sentences.append(
            "Where each group is a fold, this is a test over groups, each of which counts alike; "
            "its interval is about 1.4 times as wide as that of a paired t-test over groups, which "
            "would take models that share nearly all training rows for independent."
        )
    if HOLD_OUT in kinds:
        sentences.append("A hold-out that is drawn several times counts as so many folds.")
    if GIVEN in kinds:
        sentences.append("Folds that come with the data are taken as if drawn at random.")
    return sentences
