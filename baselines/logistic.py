"""Logistic: multinomial regression on the dominant label, as if each row had that one alone."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from baselines.settings import check_count, check_number
from baselines.smoothed import SmoothedLearner
from features.arrays import FloatArray


class LogisticLDL(SmoothedLearner):
    """Learn the label with the largest share by multinomial regression; predict its probabilities.

    Why: this is what one does without label distribution learning. It sees one label a row, so the
    distance to SA-IIS and SA-BFGS, the same model on all shares, is what the distributions are
    worth; and its accuracy is what theirs has to be held against.

    Probabilities of being dominant are no shares: where shares are even, as on the Yeast sets, they
    are far from the distribution whatever the penalty. With a strong one the model predicts how
    often each label is dominant, not the mean distribution. Only ``smoothing`` leads there.

    Parameters
    ----------
    alpha : float, default 0.001
        Penalty: ``1/n sum_i -ln p_i(label of i) + alpha v / 2 ||W||^2`` is minimised, where v is
        the sum of the features' variances, so that the penalty does not depend on their unit. The
        intercept is not penalised.
    smoothing : float, default 0.01
        Share of the mean training distribution in every prediction.
    scaling : {"auto", "none", "standard", "minmax"}, default "auto"
        Since the penalty sees the features' units; but ``"auto"`` leaves principal components as
        they are, of which standardising would make the noise as large as the signal.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.
    max_iter : int, default 200
        Budget of iterations of L-BFGS; usually ten to fifty are done.

    Attributes
    ----------
    n_iter_ : int
        Iterations done.
    converged_ : bool
        Whether the budget was enough.
    """

    year: ClassVar[int | None] = 1958
    citation: ClassVar[str] = (
        'Cox, "The regression analysis of binary sequences", Journal of the Royal Statistical '
        "Society B 20(2), 1958"
    )

    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "smoothing": (0.99, 0.9, 0.7, 0.4, 0.1, 0.01),
        "alpha": (1.0, 0.03, 0.01, 0.001),
    }

    def __init__(
        self,
        alpha: float = 0.001,
        smoothing: float = 0.01,
        scaling: str = "auto",
        components: int | None = None,
        max_iter: int = 200,
    ):
        self.alpha = alpha
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.max_iter = max_iter

    def _learn(self, X: FloatArray, D: FloatArray) -> None:
        check_number("alpha", self.alpha, include_low=False)
        check_count("max_iter", self.max_iter)
        self.centre_ = X.mean(axis=0)
        centred = X - self.centre_
        # In units in which the variances sum to 1 the penalty is alpha itself.
        self.unit_ = float(np.sqrt((centred**2).sum() / len(X))) or 1.0
        labels = D.argmax(axis=1)
        self.labels_, self.n_labels_seen_ = np.unique(labels), D.shape[1]
        self.n_iter_, self.converged_ = 0, True
        if len(self.labels_) == 1:  # nothing to tell apart
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # `converged_` tells it
            warnings.filterwarnings("ignore", "The number of unique classes")  # labels, not numbers
            self.model_ = LogisticRegression(
                C=1 / (self.alpha * len(X)), max_iter=self.max_iter, tol=1e-5
            ).fit(centred / self.unit_, labels)
        self.n_iter_ = int(self.model_.n_iter_.max())
        self.converged_ = self.n_iter_ < self.max_iter

    def _estimate(self, X: FloatArray) -> FloatArray:
        P = np.zeros((len(X), self.n_labels_seen_))
        if len(self.labels_) == 1:
            P[:, self.labels_] = 1.0
        else:
            P[:, self.labels_] = self.model_.predict_proba((X - self.centre_) / self.unit_)
        return P
