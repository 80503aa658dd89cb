"""LDL-HR: the highest label with a margin, and the rest of the shares (Wang and Geng 2021)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from baselines.margins import Loss, MarginLearner, absolute, margin, ranked
from features.arrays import FloatArray


class LDLHR(MarginLearner):
    """Learn the highest label as a class of its own, and the shares of the other labels besides.

    The objective of the paper's section 3, over softmax probabilities p of linear scores, where
    label 1 of a row is the one with its greatest share and l_i the distribution that is all 1's::

        sum_i sum_j |p_ij - l_ij| + alpha sum_i sum_{k > 1} max(0, 1 - (p_i1 - p_ik) / rho)
            + beta sum_i sum_{k > 1} |p_ik - d_ik| + l2/2 ||W||^2

    It is made for accuracy: with small weights of the rest predictions are nearly one label each,
    which Kullback-Leibler divergence punishes.

    Parameters
    ----------
    alpha : float, default 0.01
        Weight of the margins.
    beta : float, default 0.01
        Weight of the rest of the shares.
    rho : float, default 0.01
        Margin, as a difference of shares.
    l2, l2_unit, smoothing, scaling, components, max_iter
        As of `baselines.ldl4c.LDL4C`, as are the attributes.

    Notes
    -----
    The paper chooses the weights by cross-validation; `alpha`, `beta` and `rho` are those of PyLDL,
    which has the mean in place of the sum over labels in the first and last term, and no
    intercepts. The authors' code has ``max(0, rho - p_i1 + p_ik)`` for the margin, which is this
    one times `rho`. Departure: the intercepts are not penalised.

    References
    ----------
    Wang and Geng, "Learn the highest label and rest label description degrees", IJCAI 2021,
    section 3.
    """

    year: ClassVar[int | None] = 2021
    citation: ClassVar[str] = (
        'Wang and Geng, "Learn the highest label and rest label description degrees", IJCAI, 2021'
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
        beta: float = 0.01,
        rho: float = 0.01,
        l2: float = 1e-6,
        l2_unit: str = "one",
        smoothing: float = 0.0,
        scaling: str = "none",
        components: int | None = None,
        max_iter: int = 1000,
    ):
        self.alpha = alpha
        self.beta = beta
        self.rho = rho
        self.l2 = l2
        self.l2_unit = l2_unit
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.max_iter = max_iter

    def _prepare(self, D: FloatArray) -> None:
        self._check_margins(alpha=self.alpha, beta=self.beta, rho=self.rho)
        self._top, self._true = ranked(D)[:, 0], D
        self._highest = np.zeros(D.shape)
        self._highest[np.arange(len(D)), self._top] = 1.0
        self._rest = 1.0 - self._highest

    def _loss(self, P: FloatArray) -> Loss:
        highest, slope = absolute(P, self._highest, np.ones((len(P), 1)))
        lead, lead_slope = margin(P, self._top, self._rest, self.rho)
        rest, rest_slope = absolute(P, self._true, self._rest)
        value = highest + self.alpha * lead + self.beta * rest
        return value, slope + self.alpha * lead_slope + self.beta * rest_slope
