"""Measures that tell of the same: a mean rank over all of them would count some several times."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.metrics import PAPERS_MEASURES, Measure

#: Title of the group by which rows are placed: the measures of the paper.
PAPER = "the paper's seven"

#: Title to names of measures, as far as they are chosen.
_GROUPS = {
    "distances": (
        "chebyshev", "clark", "canberra", "kl_divergence", "jensen_shannon", "euclidean",
        "squared_chi_square", "sorensen", "mean_absolute_error",
    ),
    "distances along the labels": ("earth_movers_distance", "circular_emd"),
    "similarities": ("cosine", "intersection", "fidelity"),
    "order of labels": (
        "accuracy", "tie_aware_accuracy", "top_2_accuracy", "top_3_accuracy", "spearman",
        "kendall",
    ),
    "calibration": ("expected_calibration_error",),
}  # fmt: skip


def groups_of(measures: Sequence[Measure]) -> dict[str, tuple[Measure, ...]]:
    """Put measures into groups: title to measures, the one that rows are placed by first.

    That is the paper's seven where all of them are chosen, else all chosen ones together.
    """
    chosen = {measure.name: measure for measure in measures}
    paper = [measure.name for measure in PAPERS_MEASURES]
    if all(name in chosen for name in paper):
        found = {PAPER: tuple(chosen[name] for name in paper)}
    else:
        found = {"all chosen measures": tuple(measures)}
    grouped = {name for names in _GROUPS.values() for name in names}
    others = tuple(measure for measure in measures if measure.name not in grouped)
    for title, names in _GROUPS.items():
        if mine := tuple(chosen[name] for name in names if name in chosen):
            found[title] = mine
    return {**found, **({"others": others} if others else {})}
