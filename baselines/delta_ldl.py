"""Delta-LDL: as many rows as possible approximately right, however near that is (2025)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, softmax, xlogy

from baselines.adam import AdamLearner
from baselines.backprop import Objective
from baselines.epochwise import STARTS, log_prior
from baselines.settings import check_choice, check_count
from features.arrays import FloatArray

#: Least predicted share of which the logarithm is taken.
SMALLEST = 1e-12


class DeltaLDL(AdamLearner):
    """A small network that makes the share of rows that are not approximately right small.

    A row is right to within delta where the Kullback-Leibler divergence k_i of its prediction is
    at most delta. With a sigmoid in place of that step, and the mean over all delta up to that of
    a prediction that knows nothing, the objective is::

        int_0^Delta 1/n sum_i sigmoid(k_i - delta) d delta
            = 1/n sum_i [ln(1 + exp(k_i)) - ln(1 + exp(k_i - Delta))]

    where Delta is the mean divergence of the uniform distribution from the training rows. A row
    that is far off counts little, other than in the mean divergence. There is no weight to choose.
    The network has one hidden layer of sigmoids and a softmax.

    Parameters
    ----------
    hidden : int, default 64
        Number of hidden units.
    epochs : int, default 1000
        Steps of Adam on the whole training set.
    learning_rate : float, default 0.001
        Of Adam.
    start : {"uniform", "prior"}, default "uniform"
        ``"prior"``: the output weights start at zero and the output biases at the logarithms of the
        mean distribution, so that few epochs leave the prediction near it.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction; none in the original.
    scaling : {"standard", "none", "minmax", "auto"}, default "standard"
        Since sigmoids saturate on large features.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.
    random_state : int, optional
        Seed of the first weights.

    Attributes
    ----------
    weights_ : ndarray
        See `unpack`.
    objective_ : float
        The objective at `weights_`.
    n_iter_ : int
        Epochs made.
    converged_ : bool
        Whether the gradient vanished; training usually ends before.

    Notes
    -----
    The network, its training and Delta are those of the implementation in PyLDL, where the integral
    is a sum over 33 nodes; here it is exact. Departure: features are standardised.

    References
    ----------
    Li, Wu, Lu and Jia, "Approximately correct label distribution learning", ICML 2025.
    """

    year: ClassVar[int | None] = 2025
    citation: ClassVar[str] = (
        'Li, Wu, Lu and Jia, "Approximately correct label distribution learning", ICML, 2025'
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "epochs": (5, 20, 50, 100, 200),
            "smoothing": (0.3, 0.1, 0.01),
            "start": ("prior",),
            "learning_rate": (0.01,),
            "scaling": ("auto",),
        },
        {
            "epochs": (10, 40, 100, 200),
            "smoothing": (0.1, 0.01),
            "start": ("prior",),
            "learning_rate": (0.01,),
            "scaling": ("auto",),
            "components": (20,),
        },
    )

    def __init__(
        self,
        hidden: int = 64,
        epochs: int = 1000,
        learning_rate: float = 0.001,
        start: str = "uniform",
        smoothing: float = 0.0,
        scaling: str = "standard",
        components: int | None = None,
        random_state: int | None = None,
    ):
        self.hidden = hidden
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.start = start
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.random_state = random_state

    def _begin(self, X: FloatArray, D: FloatArray) -> tuple[FloatArray, Objective]:
        check_count("hidden", self.hidden)
        check_choice("start", self.start, STARTS)
        q, c, h = X.shape[1], D.shape[1], int(self.hidden)
        self._n_labels = c
        rng = np.random.default_rng(self.random_state)
        first = np.sqrt(6 / (q + h)) * rng.uniform(-1, 1, (h, q))  # Glorot and Bengio 2010
        second = np.sqrt(6 / (h + c)) * rng.uniform(-1, 1, (c, h))
        bias = np.zeros(c)
        if self.start == "prior":
            second, bias = np.zeros((c, h)), log_prior(D)
        parts: list[Any] = [first, np.zeros(h), second, bias]
        delta = float((xlogy(D, D).sum(axis=1) + np.log(c)).mean())
        start = np.concatenate([part.ravel() for part in parts])
        return start, lambda weights: objective(weights, X, D, delta)

    def _outputs(self, weights: FloatArray, X: FloatArray) -> FloatArray:
        return forward(weights, X, self._n_labels)[1]


def unpack(
    weights: FloatArray, q: int, c: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Split a vector into hidden weights (h, q) and biases (h,), output weights (c, h) and biases.

    They lie one after the other.
    """
    h = (weights.size - c) // (q + 1 + c)
    ends = np.cumsum([h * q, h, c * h])
    first, hidden_bias, second, bias = np.split(weights, ends)
    return first.reshape(h, q), hidden_bias, second.reshape(c, h), bias


def forward(weights: FloatArray, X: FloatArray, c: int) -> tuple[FloatArray, FloatArray]:
    """Return hidden activations (n, h) and outputs (n, c)."""
    first, hidden_bias, second, bias = unpack(weights, X.shape[1], c)
    Z = expit(X @ first.T + hidden_bias)
    P: FloatArray = softmax(Z @ second.T + bias, axis=1)
    return Z, P


def objective(
    weights: FloatArray, X: FloatArray, D: FloatArray, delta: float
) -> tuple[float, FloatArray]:
    """Return the objective of `DeltaLDL` and its gradient, by back-propagation.

    The derivative in k_i is ``(sigmoid(k_i) - sigmoid(k_i - Delta)) / n``, that of k_i in the
    scores ``p_i sum_j d_ij - d_i``.
    """
    n, q = X.shape
    _, _, second, _ = unpack(weights, q, D.shape[1])
    Z, P = forward(weights, X, D.shape[1])
    k = (xlogy(D, D) - D * np.log(np.maximum(P, SMALLEST))).sum(axis=1)
    value = float((np.logaddexp(0.0, k) - np.logaddexp(0.0, k - delta)).mean())
    slope = ((expit(k) - expit(k - delta)) / n)[:, None]
    scores = slope * (P * D.sum(axis=1, keepdims=True) - D)
    inner = (scores @ second) * Z * (1.0 - Z)
    parts = [inner.T @ X, inner.sum(axis=0), scores.T @ Z, scores.sum(axis=0)]
    return value, np.concatenate([part.ravel() for part in parts])
