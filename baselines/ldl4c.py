"""LDL4C: absolute loss weighted by entropy, and a margin between the first two labels (2019)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.special import entr

from baselines.margins import Loss, MarginLearner, absolute, margin, ranked
from features.arrays import FloatArray


class LDL4C(MarginLearner):
    """Label distribution learning for classification: the first label must lead the second.

    The objective of the paper's section 3, over softmax probabilities p of linear scores, where
    label 1 of a row is the one with its greatest share, label 2 the next::

        sum_i E_i sum_j |p_ij - d_ij| + alpha sum_i max(0, 1 - (p_i1 - p_i2) / rho) + l2/2 ||W||^2

    E_i is the entropy of the row's distribution: a row that says clearly which label it has needs
    its margin only. The prediction is sharper than the distributions are, which Kullback-Leibler
    divergence punishes and accuracy does not.

    Parameters
    ----------
    alpha : float, default 0.01
        Weight of the margins.
    rho : float, default 0.01
        Margin, as a difference of shares.
    l2 : float, default 1e-6
        Penalty of the weights; intercepts are not penalised.
    l2_unit : {"one", "data"}, default "one"
        ``"data"``: `l2` counts in units of n times the mean variance of the features.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction; none in the original.
    scaling : {"none", "standard", "minmax", "auto"}, default "none"
        As in the original.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.
    max_iter : int, default 1000
        Budget of iterations.

    Attributes
    ----------
    weights_, intercept_ : ndarray of shape (q, c) and (c,)
        Fitted weights and intercepts.
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether the search ended before its budget: at a vanishing gradient, or where none of its
        steps led down, as at a kink.
    objective_ : float
        The objective there.

    Notes
    -----
    The paper chooses the weights by cross-validation; `alpha` and `rho` are those of PyLDL, which
    has the mean in place of the sum over labels in the first term, and no intercepts. Departure:
    the intercepts are not penalised.

    References
    ----------
    Wang and Geng, "Classification with label distribution learning", IJCAI 2019, section 3.
    """

    year: ClassVar[int | None] = 2019
    citation: ClassVar[str] = (
        'Wang and Geng, "Classification with label distribution learning", IJCAI, 2019'
    )

    search_space: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "smoothing": (0.99, 0.9, 0.7, 0.4, 0.1),
            "l2": (1.0, 0.1, 0.01, 0.001),
            "l2_unit": ("data",),
            "max_iter": (200,),
            "scaling": ("auto",),
        },
        {
            "smoothing": (0.9, 0.6, 0.2),
            "l2": (0.01,),
            "l2_unit": ("data",),
            "max_iter": (200,),
            "scaling": ("auto",),
            "components": (20,),
        },
    )

    def __init__(
        self,
        alpha: float = 0.01,
        rho: float = 0.01,
        l2: float = 1e-6,
        l2_unit: str = "one",
        smoothing: float = 0.0,
        scaling: str = "none",
        components: int | None = None,
        max_iter: int = 1000,
    ):
        self.alpha = alpha
        self.rho = rho
        self.l2 = l2
        self.l2_unit = l2_unit
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.max_iter = max_iter

    def _prepare(self, D: FloatArray) -> None:
        self._check_margins(alpha=self.alpha, rho=self.rho)
        order = ranked(D)
        self._top, self._true = order[:, 0], D
        self._second = np.zeros(D.shape)
        self._second[np.arange(len(D)), order[:, 1]] = 1.0
        self._entropy = entr(D).sum(axis=1, keepdims=True)

    def _loss(self, P: FloatArray) -> Loss:
        error, slope = absolute(P, self._true, self._entropy)
        lead, lead_slope = margin(P, self._top, self._second, self.rho)
        return error + self.alpha * lead, slope + self.alpha * lead_slope
