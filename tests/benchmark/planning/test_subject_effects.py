"""On data with subject effects folds of rows flatter, and folds of groups do not.

Every subject has an offset in the features and a leaning in the distributions. What a model is
worth on new subjects is known here, for the same process draws any number of them.
"""

from __future__ import annotations

import numpy as np
import pytest

from baselines import AAKNN, RidgeLDL, WeightedKNN
from benchmark.metrics import BY_NAME
from benchmark.planning.folds import stratified_folds
from benchmark.planning.grouped_folds import grouped_folds

KL = BY_NAME["kl_divergence"].function
MODELS = (AAKNN, RidgeLDL, WeightedKNN)
SUBJECTS, ROWS = 30, 8


def drawn(rng, subjects, effect, weights):
    """Features, distributions and subjects of so many new subjects."""
    groups = np.repeat(np.arange(subjects), ROWS)
    signal = rng.normal(size=(len(groups), 6))
    X = signal + effect * rng.normal(size=(subjects, 6))[groups]
    leaning = effect * 0.7 * rng.normal(size=(subjects, 4))[groups]
    logits = signal @ weights + leaning + 0.3 * rng.normal(size=(len(groups), 4))
    D = np.exp(logits)
    return X, D / D.sum(axis=1, keepdims=True), groups


def estimated(model, X, D, folds):
    """The KL divergence that cross-validation gives."""
    values = []
    for fold in range(folds.n_folds):
        train, test = folds.train(0, fold), folds.test(0, fold)
        values.append(KL(D[test], model().fit(X[train], D[train]).predict(X[test])).mean())
    return np.mean(values)


def ratios(effect, draws):
    """KL divergence that folds of rows and of groups give, by that on new subjects, by model.

    Means over several draws of the data: what a single one gives varies by a tenth.
    """
    sums = np.zeros((3, len(MODELS)))
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        weights = 0.4 * rng.normal(size=(6, 4))
        X, D, groups = drawn(rng, SUBJECTS, effect, weights)
        new_X, new_D, _ = drawn(rng, 100, effect, weights)
        rows, of_groups = stratified_folds(D, 5, 1, draw), grouped_folds(D, groups, 5, 1, draw)
        for number, model in enumerate(MODELS):
            sums[0, number] += estimated(model, X, D, rows)
            sums[1, number] += estimated(model, X, D, of_groups)
            sums[2, number] += KL(new_D, model().fit(X, D).predict(new_X)).mean()
    return sums[:2] / sums[2]


def test_folds_of_rows_flatter_and_folds_of_groups_do_not():
    of_rows, of_groups = ratios(effect=1.5, draws=20)
    assert (of_rows < 0.85).all()
    assert of_rows[0] < 0.65  # the neighbours of a row are rows of its subject
    assert of_groups == pytest.approx(1, abs=0.1)


def test_without_subject_effects_either_is_right():
    assert np.array(ratios(effect=0.0, draws=6)) == pytest.approx(1, abs=0.1)
