"""The paper's claims, checked on our own results: a verdict for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.assumptions import why_untested
from benchmark.analysis.comparisons import fold_values
from benchmark.analysis.evidence import Evidence
from benchmark.analysis.statistics import ALPHA, corrected_t_test, holm
from benchmark.analysis.ties import without_ties
from benchmark.metrics import MEASURES, Measure
from benchmark.paper.published import ARTPHOTO, PAPER_MEASURES, Claim, Published, lead

#: The verdicts.
VERDICTS = HOLDS, FAILS, OPEN, UNJUDGED = (
    "holds", "does not hold", "not significant", "cannot be judged",
)  # fmt: skip

#: What one comparison of two rows shows.
OUTCOMES = AGREES, OPPOSES, UNDECIDED, UNTESTED, ABSENT = (
    "agrees", "opposes", "not significant", "not tested", "absent",
)  # fmt: skip


@dataclass(frozen=True)
class Ours:
    """What the run has in the place of one dataset of the paper.

    Attributes
    ----------
    dataset : str
        Name in the run.
    names : mapping
        Row of the paper to the run's name of it, where the run has it.
    pairs : DataFrame
        What `comparisons.pairwise` returned; rows of other datasets are ignored.
    """

    dataset: str
    names: Mapping[str, str]
    pairs: pd.DataFrame

    @cached_property
    def _rows(self) -> dict[tuple[str, str, str], Any]:
        mine = self.pairs[self.pairs["dataset"] == self.dataset]
        keys = zip(mine["measure"], mine["model_a"], mine["model_b"], strict=True)
        return dict(zip(keys, mine.itertuples(), strict=True))

    def pair(self, measure: str, better: str, worse: str) -> dict[str, Any]:
        """Look up a pair of the paper's rows, turned so that positive means `better` is better.

        Returns
        -------
        dict
            difference, low, high, p_holm, folds, expected_folds; empty if the run lacks a row.
        """
        a, b = self.names.get(better), self.names.get(worse)
        if a is None or b is None:
            return {}
        row = self._rows.get((measure, a, b))
        sign = 1.0
        if row is None:
            row, sign = self._rows[measure, b, a], -1.0
        low, high = (row.low, row.high) if sign > 0 else (-row.high, -row.low)
        return {
            "difference": sign * row.difference + 0.0,  # no negative zero
            "low": low,
            "high": high,
            "p_holm": row.p_holm,
            "folds": row.folds,
            "expected_folds": row.expected_folds,
        }


@dataclass(frozen=True)
class Verdict:
    """What our results say of a claim.

    Attributes
    ----------
    claim : Claim
    outcome : str
        `HOLDS`: every pair agrees, significantly. `FAILS`: a pair is significantly the other way
        round. `UNJUDGED`: neither, and a pair is absent or not tested. `OPEN`: neither, and all
        were tested.
    pairs : DataFrame
        One row per dataset, measure and pair: columns dataset (the run's name, missing if there is
        none), published_dataset, measure, better, worse; published_difference and difference
        (positive where `better` is better, whatever the measure's direction) with low, high,
        p_holm; and outcome: `AGREES`, `OPPOSES`, `UNDECIDED`, `UNTESTED` or `ABSENT`.
    obstacles : tuple of str
        What the run lacks, in words.
    reasons : tuple of str
        Why our numbers may differ from the paper's, in sentences; empty if nothing was compared.
    """

    claim: Claim
    outcome: str
    pairs: pd.DataFrame
    obstacles: tuple[str, ...]
    reasons: tuple[str, ...] = ()

    def count(self, outcome: str) -> int:
        """Return how many pairs have an outcome."""
        return int((self.pairs["outcome"] == outcome).sum())


def judge(claim: Claim, published: Published, ours: Mapping[str, Ours]) -> Verdict:
    """Hold a claim against our results.

    Parameters
    ----------
    claim : Claim
    published : Published
        Where the published differences come from.
    ours : mapping
        Dataset of the paper to what the run has in its place, where it has something.

    Returns
    -------
    Verdict
        Without reasons.
    """
    rows, obstacles = [], []
    for dataset in claim.datasets:
        here = ours.get(dataset)
        if here is None:
            obstacles.append(f"no dataset that stands for {dataset}")
        else:
            wanted = dict.fromkeys(name for pair in claim.pairs for name in pair)
            lacking = [name for name in wanted if name not in here.names]
            if lacking and len(lacking) == len(wanted):
                obstacles.append(f"{here.dataset} has no results of any of the models compared")
            elif lacking:
                obstacles.append(f"{here.dataset} has no results of {', '.join(lacking)}")
        for measure in claim.measures:
            for better, worse in claim.pairs:
                found = here.pair(measure, better, worse) if here is not None else {}
                if found and found["folds"] != found["expected_folds"]:
                    obstacles.append(
                        f"{better} and {worse} share {found['folds']} of "
                        f"{found['expected_folds']} folds of {here.dataset if here else ''}"
                    )
                elif found and (reason := why_untested(found)):
                    obstacles.append(
                        f"no test of {better} and {worse} in {PAPER_MEASURES[measure].title} on "
                        f"{here.dataset if here else ''} ({reason})"
                    )
                rows.append(
                    {
                        "dataset": here.dataset if here is not None else None,
                        "published_dataset": dataset,
                        "measure": measure,
                        "better": better,
                        "worse": worse,
                        "published_difference": lead(
                            published, claim, dataset, measure, better, worse
                        ),
                        **{key: found.get(key, np.nan) for key in _NUMBERS},
                        "outcome": _outcome(found),
                    }
                )
    pairs = pd.DataFrame(rows)
    return Verdict(claim, _verdict(set(pairs["outcome"])), pairs, tuple(dict.fromkeys(obstacles)))


_NUMBERS = ("difference", "low", "high", "p_holm")


def _outcome(found: Mapping[str, Any]) -> str:
    if not found or found["folds"] != found["expected_folds"]:
        return ABSENT
    if np.isnan(found["p_holm"]):
        return UNTESTED
    if found["p_holm"] >= ALPHA:
        return UNDECIDED
    return AGREES if found["difference"] > 0 else OPPOSES


def _verdict(outcomes: set[str]) -> str:
    if OPPOSES in outcomes:
        return FAILS
    if not outcomes.isdisjoint({ABSENT, UNTESTED}):
        return UNJUDGED
    return HOLDS if outcomes == {AGREES} else OPEN


def over_sigma(evidence: Evidence, datasets: Iterable[str], model: str, best: float) -> Ours | None:
    """Compare one model at one width of the labels with the same model at the other widths.

    The corrected resampled t-test on the folds, as within a dataset: the same images are in the
    same folds at every width. p-values are adjusted by Holm's method for all other widths.

    Parameters
    ----------
    evidence : Evidence
    datasets : iterable of str
        Datasets of the run that have the same images, at different widths.
    model : str
        Its name in the run.
    best : float
        The width that is compared with all others.

    Returns
    -------
    Ours or None
        With ``sigma 0.6`` and the like for rows; None unless the run has the model at some width.
    """
    plan = evidence.plan
    found: dict[str, str] = {}
    for name in datasets:
        sigma = plan.truths[name].sigma
        if sigma is not None and model in plan.models_of(name):
            found[f"sigma {sigma:g}"] = name
    if not found:
        return None
    title = f"{ARTPHOTO} at {len(found)} sigma"
    parts = []
    first = f"sigma {best:g}"
    others = [row for row in found if row != first]
    if first in found and others:
        parts = [
            _sigma_pairs(evidence, found, model, first, others, measure) for measure in MEASURES
        ]
    pairs = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"dataset": []})
    return Ours(title, {row: row for row in found}, pairs.assign(dataset=title))


def _sigma_pairs(
    evidence: Evidence,
    found: Mapping[str, str],
    model: str,
    first: str,
    others: list[str],
    measure: Measure,
) -> pd.DataFrame:
    plan, scores = evidence.plan, evidence.scores
    folds = plan.truths[found[first]].folds

    def values(row: str) -> np.ndarray:
        truth, here = plan.truths[found[row]], scores[scores["dataset"] == found[row]]
        if not np.array_equal(truth.folds.assignment, folds.assignment):
            return np.full(folds.n_folds * folds.n_repeats, np.nan)  # nothing to pair
        return fold_values(here, truth, [model], measure)[:, 0]

    sign = 1.0 if measure.higher_is_better else -1.0
    differences = without_ties(
        np.stack([sign * (values(first) - values(other)) for other in others], axis=1)
    )
    test = corrected_t_test(differences, folds.test_to_train)
    return pd.DataFrame(
        {
            "measure": measure.name,
            "model_a": first,
            "model_b": others,
            "difference": test.difference,
            "low": test.low,
            "high": test.high,
            "p_holm": holm(test.p_value),
            "folds": (~np.isnan(differences)).sum(axis=0),
            "expected_folds": len(differences),
        }
    )
