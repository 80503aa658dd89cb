"""SA-CPNN: the conditional probability neural network (Geng, Yin and Zhou, 2013).

One small network sees an instance together with one label and says how well they fit; a softmax
over the labels makes a distribution of the answers. In this module c counts labels, n rows, q
features, h hidden units, and m the numbers that stand for a label (its code).
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, softmax

from baselines.backprop import rprop
from baselines.base import LDLEstimator
from baselines.settings import check_choice, check_count, check_number
from features.arrays import FloatArray

CODES = ("number", "binary", "augmented")

#: (Label, row) pairs handled at a time: their activations fit the cache, and memory is bounded.
BLOCK = 3072

#: Floating point type of the training, by the `precision` setting.
PRECISIONS = {"single": np.float32, "double": np.float64}

#: Features beyond this are refused in single precision, where squares of the gradient overflow.
LARGEST_SINGLE = 1e15

#: How many augmented distributions replace one distribution where code="augmented".
AUGMENTED_COPIES = 5


def label_codes(code: str, c: int) -> FloatArray:
    """Return what the network sees of each label, shape (c, m).

    ``"number"``: the numbers 1..c (m = 1), as published. They need no scaling: a weight and the
    bias of each hidden unit absorb any. ``"binary"``, ``"augmented"``: a one for the label, else
    zeros (m = c).
    """
    return np.arange(1.0, c + 1.0)[:, None] if code == "number" else np.eye(c)


def augment(D: FloatArray, copies: int = AUGMENTED_COPIES) -> FloatArray:
    """Return the mean of the augmented distributions of every row, shape (n, c).

    Copy r = 1..copies raises the largest degree, the first one of equals, to d_k (1 + 1/r), and
    is divided by its sum. Training on x paired with each of the copies has the same objective as
    training on x paired with their mean, because cross entropy is linear in d, and costs `copies`
    times as much; so the copies are never made.
    """
    rows, top = np.arange(len(D)), D.argmax(axis=1)
    total = np.zeros_like(D)
    for r in range(1, copies + 1):
        raised = D.copy()
        raised[rows, top] *= 1.0 + 1.0 / r
        total += raised / raised.sum(axis=1, keepdims=True)
    return total / copies


def unpack(weights: FloatArray, q: int, m: int) -> tuple[FloatArray, FloatArray]:
    """Split a weight vector into hidden weights (h, q + m + 1), bias last, and output weights (h,).

    There is no output bias: it would cancel in the softmax.
    """
    h = weights.size // (q + m + 2)
    return weights[:-h].reshape(h, q + m + 1), weights[-h:]


def hidden_activations(
    hidden: FloatArray, X: FloatArray, codes: FloatArray, out: FloatArray | None = None
) -> FloatArray:
    """Return sigmoid(W_x x_i + W_y y_j + bias) for every label j and row i.

    The argument is a sum of a part a of the row and a part b of the label, and
    exp(-(a + b)) = exp(-a) exp(-b) takes (n + c) h exponentials, not n c h. So that the product
    cannot overflow, the b of each unit are centred (the middle goes to a), and a is limited
    where the sigmoid is 0 or 1 to rounding for every label. Where the labels of a unit lie so far
    apart that this is not enough, the sigmoids are computed one by one.

    Parameters
    ----------
    hidden : ndarray of shape (h, q + m + 1)
        W_x, W_y and the bias side by side.
    X : ndarray of shape (n, q)
        Features.
    codes : ndarray of shape (c, m)
        Label codes.
    out : ndarray of shape (c, h, n), optional
        Where to put the result.

    Returns
    -------
    ndarray of shape (c, h, n)
        The order in which everything after this runs along contiguous rows.
    """
    q = X.shape[1]
    row = hidden[:, :q] @ X.T + hidden[:, -1:]
    label = codes @ hidden[:, q:-1].T
    middle = 0.5 * (label.max(axis=0) + label.min(axis=0))
    reach = label.max(axis=0) - middle
    saturated = 4.0 - np.log(np.finfo(row.dtype).eps)
    if saturated + 2.0 * reach.max() < np.log(np.finfo(row.dtype).max):
        limit = (saturated + reach)[:, None]
        row = np.clip(row + middle[:, None], -limit, limit)
        H: FloatArray = np.multiply(np.exp(-row), np.exp(middle - label)[:, :, None], out=out)
    else:
        H = np.add(row, label[:, :, None], out=out)
        with np.errstate(over="ignore"):  # infinity makes the sigmoid 0, as it should
            np.exp(np.negative(H, out=H), out=H)
    H += 1.0
    return np.divide(1.0, H, out=H)


def row_blocks(n: int, c: int) -> list[slice]:
    """Cut n rows into slices of `BLOCK` (label, row) pairs or fewer, each of one row or more."""
    size = max(1, BLOCK // c)
    return [slice(start, start + size) for start in range(0, n, size)]


def cpnn_probabilities(weights: FloatArray, X: FloatArray, codes: FloatArray) -> FloatArray:
    """Return p(y|x) = exp(f(x, y)) / sum_y exp(f(x, y)), shape (n, c) (Geng et al. 2013)."""
    hidden, out = unpack(weights, X.shape[1], codes.shape[1])
    P = np.empty((len(X), len(codes)), dtype=X.dtype)
    for rows in row_blocks(*P.shape):
        P[rows] = softmax(out @ hidden_activations(hidden, X[rows], codes), axis=0).T
    return P


def scratch(n: int, c: int, h: int, dtype: type = np.float64) -> FloatArray:
    """Return memory for `cpnn_loss` to work in; getting it anew every epoch can double the time."""
    return np.empty((2, c, h, min(n, max(1, BLOCK // c))), dtype=dtype)


def cpnn_loss(
    weights: FloatArray,
    X: FloatArray,
    codes: FloatArray,
    D: FloatArray,
    l2: float = 0.0,
    work: FloatArray | None = None,
) -> tuple[float, FloatArray]:
    """Return the training objective of CPNN and its gradient.

    With f(x, y) = sum_k v_k H_k, H_k = sigmoid(a_k)::

        T = -1/n sum_ij d_ij ln p_ij + l2/2 sum w^2
        dT/df_ij = (p_ij sum_j d_ij - d_ij) / n =: e_ij
        dT/dv_k  = sum_ij e_ij H_ijk
        dT/da_ijk = e_ij v_k H_ijk (1 - H_ijk)

    The derivative by a_ijk is summed over the labels before it meets X, and over the rows before
    it meets the codes: one product of (h, n) and (n, q) instead of c of them.

    Parameters
    ----------
    weights : ndarray of shape (h (q + m + 2),)
        See `unpack`.
    X : ndarray of shape (n, q)
        Features.
    codes : ndarray of shape (c, m)
        Label codes.
    D : ndarray of shape (n, c)
        Distributions.
    l2 : float
        Weight of the penalty, on all weights.
    work : ndarray, optional
        What `scratch` returned, overwritten.

    Returns
    -------
    value : float
    gradient : ndarray of the shape of `weights`
    """
    n, q = X.shape
    hidden, out = unpack(weights, q, codes.shape[1])
    gradient = np.zeros_like(weights)
    to_hidden, to_out = unpack(gradient, q, codes.shape[1])
    value = 0.0
    work = scratch(n, len(codes), len(hidden), X.dtype.type) if work is None else work
    for rows in row_blocks(*D.shape):
        x, d = X[rows], D[rows].T
        H, slope = work[..., : len(x)]
        hidden_activations(hidden, x, codes, out=H)
        log_p = log_softmax(out @ H, axis=0)
        value -= float(np.vdot(d, log_p))
        E = np.exp(log_p) * d.sum(axis=0) - d
        to_out += np.matmul(H, E[:, :, None])[:, :, 0].sum(axis=0)
        np.subtract(1.0, H, out=slope)
        slope *= H
        by_label = np.matmul(slope, E[:, :, None])[:, :, 0] * out
        by_row = np.einsum("jki,ji->ki", slope, E) * out[:, None]
        to_hidden[:, :q] += by_row @ x
        to_hidden[:, q:-1] += by_label.T @ codes
        to_hidden[:, -1] += by_label.sum(axis=0)
    gradient /= n
    gradient += l2 * weights
    return value / n + 0.5 * l2 * float(weights @ weights), gradient


class SACPNN(LDLEstimator):
    """Learn p(label | instance) with a network that takes instance and label as its input.

    One hidden layer of sigmoids, a linear output f(x, y), p(y|x) = exp(f(x, y)) / sum_y exp(f);
    cross entropy with the given distributions is minimised by RProp on the whole training set.
    The defaults are the published ones, among them no penalty and a fixed number of epochs. On
    small data this overfits badly, in this implementation as in others. KL on two real datasets
    (10 folds, random_state=0), where the mean training distribution alone reaches 0.61 on
    Emotion6 (1,980 rows, 168 features) and 0.073 on SJAFFE (213 rows, 243 features):

    ================================ ==============  ==============
    setting                          Emotion6        SJAFFE
                                     none  standard  none  standard
    ================================ ==============  ==============
    defaults (``code="number"``)     2.78  3.43      0.053 0.841
    ``code="binary"``                2.06  2.29      0.046 0.105
    ``code="augmented"``             2.19  2.30      0.068 0.135
    ``l2=0.01``                      0.635 0.637     0.074 0.069
    ``code="binary", l2=0.01``       0.62  0.61      0.074 0.074
    ================================ ==============  ==============

    The column is `scaling`.

    Parameters
    ----------
    n_hidden : int, default 50
        Hidden units, as published.
    epochs : int, default 400
        Steps of RProp, as in the authors' code. Stopping after 10 or 20 gives a KL of
        0.67 or 0.77 on Emotion6 (standardised): earlier is better here, and still not good.
    code : {"number", "binary", "augmented"}, default "number"
        What the network sees of a label (see `label_codes`). ``"number"`` is CPNN as published
        for ages, hence what comparisons call SA-CPNN. It treats labels as ordered and evenly
        spaced, which emotions are not: reordering the labels changes the result. ``"binary"``
        (BCPNN) removes that. ``"augmented"`` (ACPNN) is ``"binary"`` trained on five sharpened
        distributions in place of each given one, d_k (1 + 1/r) for the largest degree d_k and
        r = 1..5. The rule is that of PyLDL, which leaves these sums above 1; here each copy is
        divided by its sum, so that it is a distribution (see `augment`).
    l2 : float, default 0.0
        Weight of the penalty l2/2 sum w^2 on all weights, biases included, beside the mean cross
        entropy of a row. Not in the original; 0.01 stops the overfitting shown above, at the
        price of hardly learning more than the mean distribution.
    eta_plus, eta_minus : float, default 1.2 and 0.5
        RProp's factors, as published (see `baselines.backprop.rprop_step`; steps are bounded by
        1e-6 and 50. The authors' code has exp(-6) as the lower bound, taken for a slip).
    delta0 : float, default 0.1
        RProp's first step, as published.
    init_scale : float, default 0.5
        Weights start uniformly in [-init_scale, init_scale), as in the authors' code.
    precision : {"single", "double"}, default "single"
        Floating point type of objective and gradient; weights and predictions are double in
        both. The authors' code is double throughout. Single takes half the time and is as good:
        KL of the defaults in single and double on Emotion6 2.78 and 2.73, on SJAFFE
        both 0.053 (ten folds). Features beyond 1e15 are refused in single precision.
    scaling : {"none", "standard"}, default "none"
        ``"none"`` as in the authors' code. Standardised features are fitted faster, and so
        overfitted more (see the table). Features in large units saturate the sigmoids and are
        hardly learned from; ``"standard"`` cures that.
    random_state : int or None, default None
        Seed of the first weights.

    Attributes
    ----------
    weights_ : ndarray of shape (n_hidden (q + m + 2),)
        All weights, see `unpack`.
    codes_ : ndarray of shape (c, m)
        Label codes.
    n_iter_ : int
        Epochs run.
    converged_ : bool
        Whether the gradient vanished (no entry above 1e-6) within `epochs`. False is usual: the
        fixed number of epochs ended the training. True on features in large units often means
        saturated sigmoids: nothing learned, predictions near uniform.
    objective_ : float
        Mean cross entropy of a training row, plus the penalty, at the end.

    Notes
    -----
    The gradient is that of the objective. The authors' code uses the sum of all output weights
    in place of each unit's own one in the gradient of the hidden layer, which gives half of its
    entries the wrong sign; this is not reproduced.

    References
    ----------
    Geng, Yin and Zhou, "Facial Age Estimation by Learning from Label Distributions", IEEE TPAMI
    35(10), 2013. Yang, Sun and Sun, "Learning Visual Sentiment Distributions via Augmented
    Conditional Probability Neural Network", AAAI 2017.
    """

    def __init__(
        self,
        n_hidden: int = 50,
        epochs: int = 400,
        code: str = "number",
        l2: float = 0.0,
        eta_plus: float = 1.2,
        eta_minus: float = 0.5,
        delta0: float = 0.1,
        init_scale: float = 0.5,
        precision: str = "single",
        scaling: str = "none",
        random_state: int | None = None,
    ):
        self.n_hidden = n_hidden
        self.epochs = epochs
        self.code = code
        self.l2 = l2
        self.eta_plus = eta_plus
        self.eta_minus = eta_minus
        self.delta0 = delta0
        self.init_scale = init_scale
        self.precision = precision
        self.scaling = scaling
        self.random_state = random_state

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        self._check_settings()
        largest = float(np.abs(X).max())
        if self.precision == "single" and largest > LARGEST_SINGLE:
            raise ValueError(
                f"X has values up to {largest:.3g}, too large for single precision; "
                'use scaling="standard" or precision="double"'
            )
        dtype = PRECISIONS[self.precision]
        codes = label_codes(self.code, D.shape[1])
        size = self.n_hidden * (X.shape[1] + codes.shape[1] + 2)
        target = augment(D) if self.code == "augmented" else D
        x, y, d = X.astype(dtype), codes.astype(dtype), target.astype(dtype)
        work = scratch(len(X), len(codes), self.n_hidden, dtype)
        rng = np.random.default_rng(self.random_state)
        end = rprop(
            lambda weights: cpnn_loss(weights.astype(dtype), x, y, d, self.l2, work),
            rng.uniform(-self.init_scale, self.init_scale, size),
            self.epochs,
            self.eta_plus,
            self.eta_minus,
            self.delta0,
        )
        self.weights_, self.codes_ = end.weights, codes
        self.n_iter_, self.converged_, self.objective_ = end.epochs, end.converged, end.value

    def _predict(self, X: FloatArray) -> FloatArray:
        return cpnn_probabilities(self.weights_, X, self.codes_)

    def _check_settings(self) -> None:
        check_count("n_hidden", self.n_hidden)
        check_count("epochs", self.epochs)
        check_choice("code", self.code, CODES)
        check_number("l2", self.l2)
        check_number("eta_plus", self.eta_plus, 1.0, include_low=False)
        check_number("eta_minus", self.eta_minus, 0.0, 1.0, include_low=False)
        check_number("delta0", self.delta0, include_low=False)
        check_number("init_scale", self.init_scale, include_low=False)
        check_choice("precision", self.precision, tuple(PRECISIONS))
        if self.random_state is not None:
            check_count("random_state", self.random_state, least=0)
