"""LDLM, the label distribution learning machine: margins for the highest label and for the rest."""

from __future__ import annotations

import numpy as np

from baselines.ldl_hr import LDLHR
from baselines.margins import Loss, absolute, margin, ranked
from features.arrays import FloatArray


class LDLM(LDLHR):
    """Learn the highest label as a support vector machine, the rest within an adaptive margin.

    The objective of the paper's sections 3 and 4, over softmax probabilities p of linear scores,
    with label 1 and l_i as of `baselines.ldl_hr.LDLHR`, and r_i the difference of the second and
    the third share of a row (of two labels: the second share)::

        sum_i max(0, sum_j |p_ij - l_ij| - rho)
            + alpha sum_i sum_{k > 1} max(0, 1 - (p_i1 - p_ik) / rho)
            + beta sum_i max(0, sum_{k > 1} |p_ik - d_ik| - r_i) + l2/2 ||W||^2

    Parameters
    ----------
    alpha : float, default 0.01
        Weight of the margins of the highest label.
    beta : float, default 0.01
        Weight of the rest of the shares.
    rho : float, default 0.01
        Margin, as a difference of shares; and how far the highest label may be from 1.
    l2, l2_unit, smoothing, scaling, components, max_iter
        As of `baselines.ldl4c.LDL4C`, as are the attributes.

    Notes
    -----
    The paper chooses the weights by cross-validation; `alpha`, `beta` and `rho` are those of PyLDL,
    which trains by 1,000 steps of gradient descent, far from the minimum, without intercepts, and
    fails on two labels. The authors' code, which this follows but for the intercepts, which are not
    penalised here, uses L-BFGS, and has the margins times `rho`, see `LDLHR`.

    References
    ----------
    Wang and Geng, "Label distribution learning machine", ICML 2021, sections 3 and 4.
    """

    citation = 'Wang and Geng, "Label distribution learning machine", ICML, 2021'

    def _prepare(self, D: FloatArray) -> None:
        super()._prepare(D)
        order = ranked(D * self._rest)
        rows = np.arange(len(D))
        rest = D * self._rest
        self._allowed = rest[rows, order[:, 0]] - rest[rows, order[:, 1]]

    def _loss(self, P: FloatArray) -> Loss:
        highest, slope = absolute(P, self._highest, np.ones((len(P), 1)), self.rho)
        lead, lead_slope = margin(P, self._top, self._rest, self.rho)
        rest, rest_slope = absolute(P, self._true, self._rest, self._allowed)
        value = highest + self.alpha * lead + self.beta * rest
        return value, slope + self.alpha * lead_slope + self.beta * rest_slope
