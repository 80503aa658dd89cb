"""The predictors that look at no instance: what every model has to beat, and the oracle."""

from __future__ import annotations

import numpy as np

from benchmark.planning.plan import Truth
from features.arrays import FloatArray

MEAN, UNIFORM, ORACLE = TRIVIAL = "mean distribution", "uniform", "oracle"


def trivial_predictions(truth: Truth, repeat: int, fold: int) -> dict[str, FloatArray]:
    """Predict the test rows of a fold without looking at them.

    Parameters
    ----------
    truth : Truth
        Data and folds.
    repeat, fold : int
        Which fold is tested.

    Returns
    -------
    dict of str to ndarray of shape (n_test, c)
        ``mean distribution``: the mean of the training rows' distributions. ``uniform``: equal
        shares. ``oracle``, where the data tells it: the latent distribution itself, which
        simulated raters drew from. It has the lowest expected KL divergence of all predictions;
        in other measures another one may be better, in Clark and Canberra a sparser one (see
        `benchmark.metrics`).
    """
    train, test = truth.folds.train(repeat, fold), truth.folds.test(repeat, fold)
    shape = (len(test), truth.D.shape[1])
    predictions = {
        MEAN: np.broadcast_to(truth.D[train].mean(axis=0), shape),
        UNIFORM: np.full(shape, 1.0 / shape[1]),
    }
    if truth.latent is not None:
        predictions[ORACLE] = truth.latent[test]
    return predictions
