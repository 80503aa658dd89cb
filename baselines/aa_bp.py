"""AA-BP: a back-propagation network with one output per label (Geng 2016, section 3.2)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from scipy.special import softmax

from baselines.backprop import Batches, Momentum, Trained, Watch, train_in_batches
from baselines.epochwise import EpochLearner, log_prior
from baselines.settings import check_count, check_number
from features.arrays import FloatArray

#: From so many labels on a network that has learned nothing is told what to change.
MANY_LABELS = 30


def unpack(weights: FloatArray, q: int, c: int) -> tuple[FloatArray, FloatArray]:
    """Split a weight vector into hidden weights (h, q + 1) and output weights (c, h + 1).

    The last column of both holds the biases.
    """
    h = (weights.size - c) // (q + 1 + c)
    return weights[: h * (q + 1)].reshape(h, q + 1), weights[h * (q + 1) :].reshape(c, h + 1)


def forward(weights: FloatArray, X: FloatArray, c: int) -> tuple[FloatArray, FloatArray]:
    """Return hidden activations tanh(W x + b), (n, h), and outputs softmax(V z + b'), (n, c)."""
    hidden, out = unpack(weights, X.shape[1], c)
    Z = X @ hidden[:, :-1].T
    Z += hidden[:, -1]
    np.tanh(Z, out=Z)
    P: FloatArray = softmax(Z @ out[:, :-1].T + out[:, -1], axis=1)
    return Z, P


def squared_error(weights: FloatArray, X: FloatArray, D: FloatArray) -> tuple[float, FloatArray]:
    """Return the training objective of AA-BP and its gradient, by back-propagation.

    With p the outputs, z the hidden activations, f the outputs before the softmax::

        T = 1/(2n) sum_ij (p_ij - d_ij)^2
        dT/df_ij = p_ij (e_ij - sum_k e_ik p_ik),   e_ij = (p_ij - d_ij) / n
        dT/da_ik = (1 - z_ik^2) sum_j dT/df_ij V_jk

    Parameters
    ----------
    weights : ndarray of shape (h (q + 1) + c (h + 1),)
        See `unpack`.
    X : ndarray of shape (n, q)
        Features.
    D : ndarray of shape (n, c)
        Distributions.

    Returns
    -------
    value : float
    gradient : ndarray of the shape of `weights`
    """
    (n, q), c = X.shape, D.shape[1]
    Z, P = forward(weights, X, c)
    _, out = unpack(weights, q, c)
    gradient = np.empty_like(weights)
    to_hidden, to_out = unpack(gradient, q, c)
    error = P - D
    value = 0.5 * float(np.vdot(error, error)) / n
    error /= n
    at_out = P * (error - (error * P).sum(axis=1, keepdims=True))
    to_out[:, :-1] = at_out.T @ Z
    to_out[:, -1] = at_out.sum(axis=0)
    at_hidden = at_out @ out[:, :-1]
    at_hidden *= 1.0 - Z * Z
    to_hidden[:, :-1] = at_hidden.T @ X
    to_hidden[:, -1] = at_hidden.sum(axis=0)
    return value, gradient


def is_saturated(P: FloatArray, D: FloatArray) -> bool:
    """Tell whether an output is one-hot (to 1e-5) whose distribution is not, or is another one.

    There the gradient of a row vanishes for want of slope, whatever its error.
    """
    one_hot = P.max(axis=1) > 1.0 - 1e-5
    return bool((one_hot & (np.abs(P - D).max(axis=1) > 0.01)).any())


class AABP(EpochLearner):
    """Learn all description degrees at once with a network of one hidden layer.

    60 tanh units, softmax outputs, the sum of squared errors, back-propagation: this much is
    published (Geng 2016). How the error is minimised is not, so the training here is the
    textbook's: gradient descent on the whole training set with momentum and a fixed number of
    steps. Learning rate, epochs and first weights were chosen on a fifth of the training rows of
    one fold, held out, of Emotion6, SJAFFE and SBU_3DFE, as the round values that serve all
    three; no test row took part. With a tenfold learning rate the network overfits within
    100 epochs, and with first weights of 0.5 it starts too far from any distribution.

    KL on two real datasets, means over ten folds: Emotion6 0.570 with the defaults,
    0.589 with features as they are, 0.611 for the mean training distribution; SJAFFE 0.050,
    0.073 and 0.073.

    Early stopping changes little at this learning rate: KL 0.050 without and 0.049 with it on
    SJAFFE, 0.516 and 0.518 on Painting (ten folds). Where few epochs are the better ones,
    ``start="prior"`` has them near the mean distribution, not near the uniform one.

    Parameters
    ----------
    n_hidden : int, default 60
        Hidden units, as published.
    epochs : int, default 200
        Passes over the training rows, a step each without `batch_size`. More overfit: on held-out
        Emotion6 rows the KL is least between 100 and 200 epochs.
    learning_rate : float, default 0.1
        Factor of the gradient of the error, which is a mean over rows (see `squared_error`). The
        gradient shrinks with the square of the number of labels c, since a share near 1/c is a
        factor of it and of the error. A rate for 7 labels leaves the network at its start, worse
        than the mean distribution, where there are a hundred: c^2 / 500 then does what 0.1 does
        here. `fit` warns where it was needed.
    momentum : float, default 0.9
        Share of the last step that is added to the next one.
    init_scale : float, default 0.05
        Weights start uniformly in [-init_scale, init_scale): small, so that training starts near
        the uniform distribution.
    scaling : {"none", "standard", "minmax", "auto"}, default "standard"
        ``"standard"``, because one learning rate serves all weights only where the features have
        one scale: on SJAFFE, whose features deviate by 0.0006 only, the network learns the mean
        distribution and nothing else without it.
    random_state : int or None, default None
        Seed of the first weights, and of what is held out.
    components : int, optional
        Principal components that the network sees; None: the features.
    start : {"uniform", "prior"}, default "uniform"
        ``"uniform"``: all first weights are small and random.
        ``"prior"``: the output biases are the logarithms of the mean
        distribution and the other output weights 0, so that few epochs stay near the mean
        distribution whatever the labels.
    early_stopping : bool, default False
        Whether to hold out training rows (see `baselines.early_stopping`), and to train for the
        number of epochs, 0 to `epochs`, after which their KL is least.
    validation_fraction : float, default 0.2
        Share of the training rows held out, of every label about the same.
    refit : bool, default True
        Whether then to train on all rows for so many epochs; False leaves the held-out rows out.
    batch_size : int, optional
        Make a step after so many rows, which every epoch draws anew, and not after all of them:
        for 10,000 rows and more, where few epochs in batches of some hundred do better than
        `epochs` steps do. None: all rows.

    Attributes
    ----------
    weights_ : ndarray of shape (n_hidden (q + 1) + c (n_hidden + 1),)
        All weights, see `unpack`.
    n_iter_ : int
        Epochs run.
    converged_ : bool
        Whether the gradient vanished (no entry above 1e-6) within `epochs`. False is usual: the
        fixed number of epochs ended the training. False with `n_iter_` below `epochs`: it vanished
        because outputs are saturated at 0 and 1 (see `is_saturated`), as a far too large
        `learning_rate` brings about.
    validation_curve_ : ndarray of shape (epochs + 1,)
        With `early_stopping`: KL of the held-out rows after 0, 1, ... epochs.
    objective_ : float
        Half the squared error of a training row, on average, at the end.

    References
    ----------
    Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016. Rumelhart, Hinton and Williams,
    "Learning representations by back-propagating errors", Nature 323, 1986.
    """

    year: ClassVar[int | None] = 2016
    citation: ClassVar[str] = 'Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016'

    later_settings: ClassVar[Sequence[str]] = ("batch_size",)

    # claim: 0.570 = results/quoted/settings.csv[dataset=emotion6, row=AA-BP].kl_divergence;
    # 0.589 = [dataset=emotion6, row=AA-BP, scaling none];
    # 0.611 = [dataset=emotion6, row=mean distribution];
    # 0.050 = [dataset=SJAFFE, row=AA-BP];
    # 0.073 = [dataset=SJAFFE, row=AA-BP, scaling none];
    # 0.073 = [dataset=SJAFFE, row=mean distribution];
    # 0.049 = [dataset=SJAFFE, row=AA-BP, early stopping];
    # 0.516 = [dataset=Painting, row=AA-BP];
    # 0.518 = [dataset=Painting, row=AA-BP, early stopping]

    search_space: ClassVar[Sequence[Mapping[str, Sequence[Any]]]] = (
        {  # "auto", since components of whitened components are any directions
            "start": ("prior",),
            "scaling": ("auto",),
            "components": (8, 32),
            "epochs": (5, 20, 60, 120, 240),
        },
        {"start": ("prior",), "scaling": ("standard",), "epochs": (5, 20, 60, 120, 240)},
        {
            "start": ("prior",),
            "scaling": ("minmax",),
            "learning_rate": (0.3,),
            "epochs": (10, 40, 80, 120, 200, 300, 450, 600),
        },
    )

    def __init__(
        self,
        n_hidden: int = 60,
        epochs: int = 200,
        learning_rate: float = 0.1,
        momentum: float = 0.9,
        init_scale: float = 0.05,
        scaling: str = "standard",
        random_state: int | None = None,
        components: int | None = None,
        start: str = "uniform",
        early_stopping: bool = False,
        validation_fraction: float = 0.2,
        refit: bool = True,
        batch_size: int | None = None,
    ):
        self.n_hidden = n_hidden
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.init_scale = init_scale
        self.scaling = scaling
        self.random_state = random_state
        self.components = components
        self.start = start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.batch_size = batch_size

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        super()._fit(X, D)
        self.converged_ = self.converged_ and not is_saturated(self._predict(X), D)
        c = D.shape[1]
        if c >= MANY_LABELS and self.objective_ >= 0.5 * float(D.var(axis=0).sum()):
            warnings.warn(
                f"AA-BP has not learned to predict its {len(D)} training rows better than their "
                f"mean distribution does: its gradient shrinks with the square of the number of "
                f"labels ({c}); give learning_rate={0.002 * c * c:.3g}, or more epochs, or "
                f"start='prior'",
                stacklevel=3,
            )

    def _train(
        self, X: FloatArray, D: FloatArray, epochs: int, watch: Watch | None = None
    ) -> Trained:
        q, c = X.shape[1], D.shape[1]
        size = self.n_hidden * (q + 1) + c * (self.n_hidden + 1)
        rng = np.random.default_rng(self.random_state)
        first = rng.uniform(-self.init_scale, self.init_scale, size)
        if self.start == "prior":
            out = unpack(first, q, c)[1]
            out[:, :-1] = 0.0
            out[:, -1] = log_prior(D)
        rule = Momentum(self.learning_rate, self.momentum)

        def objective(weights: FloatArray, rows: Any) -> tuple[float, FloatArray]:
            return squared_error(weights, X[rows], D[rows])

        batches = Batches(len(X), self.batch_size, rng)
        return train_in_batches(objective, batches, first, epochs, rule, watch)

    def _outputs(self, weights: FloatArray, X: FloatArray) -> FloatArray:
        return forward(weights, X, self.n_labels_)[1]

    def _check_settings(self) -> None:
        super()._check_settings()
        check_count("n_hidden", self.n_hidden)
        check_number("learning_rate", self.learning_rate, include_low=False)
        check_number("momentum", self.momentum, 0.0, 1.0)
        check_number("init_scale", self.init_scale, include_low=False)
