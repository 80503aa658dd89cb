"""The noise floor of a set: how well the votes of a few people can be predicted at all.

Where the number of raters is known, the observed distribution of row i is n_i votes drawn from a
hidden one, theta_i. Two predictors show what the draw alone costs, though neither can be had:

* the *hidden distributions* themselves, which no prediction beats in expected KL divergence: what
  the oracle is where the data are drawn;
* a *fresh panel*: the shares of as many new votes, drawn from the same theta_i.

Theta_i is not known, but its distribution given the votes is, once that over all rows is: a
mixture of Dirichlet distributions, which is fitted to the votes (empirical Bayes) by
expectation-maximisation, each component by Minka's fixed point (T. Minka, "Estimating a Dirichlet
distribution", 2000, eq. 55). Theta_i is drawn from its posterior, and new votes from it. Were
theta_i set to its posterior mean, which has seen the votes, the floor would be too good; a draw
from the posterior is distributed as the true theta_i given the votes is, so that the expected
scores over the rows are right if the mixture is.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.metrics import Measure, scores
from benchmark.planning.plan import Truth
from benchmark.wording import count
from features.arrays import FloatArray

#: Names of the two rows.
HIDDEN, FRESH = "hidden distributions", "fresh panel"

#: Fewer votes in a row tell nothing of how much raters of one instance disagree.
FEWEST_RATERS = 2

#: Draws over which each score is averaged.
DRAWS = 20

# A share that is further from a whole number of votes, in votes, is none.
_ROUNDED = 0.05

# Numbers of components that are tried: Akaike's information criterion chooses.
_SIZES = (1, 2, 4, 6, 8, 12, 16)
_ROWS_PER_COMPONENT = 10
_WORSE = 2  # so many sizes in a row that are no better end the search
_ROUNDS, _STEPS = 300, 3
_CHANGE = 1e-6  # of the mean log-likelihood, at which a fit ends
_SMALLEST, _LARGEST = 1e-4, 1e6  # of the parameters of a component
_TINY = 1e-300  # of what a share is in proportion to
_START = 5.0  # sum of the parameters of a component at the start


@dataclass(frozen=True)
class Mixture:
    """A mixture of Dirichlet distributions.

    Attributes
    ----------
    weights : ndarray of shape (K,)
        Shares of the components.
    alpha : ndarray of shape (K, c)
        Their parameters.
    log_likelihood : float
        Of the votes it was fitted to, without the multinomial coefficients.
    """

    weights: FloatArray
    alpha: FloatArray
    log_likelihood: float


def has_floor(truth: Truth) -> bool:
    """Tell whether a set's noise floor can be estimated, and is not known as on drawn data."""
    known = truth.raters is not None and truth.latent is None
    return known and bool(truth.raters.min() >= FEWEST_RATERS)  # type: ignore[union-attr]


def floor_scores(
    truth: Truth, measures: Sequence[Measure]
) -> list[tuple[str, int, int, str, float]]:
    """Estimate what the two rows would score in each fold.

    Parameters
    ----------
    truth : Truth
        Data whose raters are known, and folds.
    measures : sequence of Measure

    Returns
    -------
    list of tuple
        Row, repeat, fold, measure, and the mean over `DRAWS` draws; empty without raters. The same
        for the same data, whatever else is in the run.
    """
    if not has_floor(truth) or truth.raters is None:
        return []
    rng = np.random.default_rng(np.random.SeedSequence([len(truth.D), DRAWS]))
    votes = votes_of(truth.D, truth.raters)
    mixture = fit_mixture(votes)
    drawn = [draw(mixture, votes, rng) for _ in range(DRAWS)]
    rows = []
    for which, name in enumerate((HIDDEN, FRESH)):
        for repeat in range(truth.folds.n_repeats):
            for fold in range(truth.folds.n_folds):
                test = truth.folds.test(repeat, fold)
                found = [scores(truth.D[test], one[which][test], measures) for one in drawn]
                for measure in measures:
                    mean = float(np.mean([values[measure.name] for values in found]))
                    rows.append((name, repeat, fold, measure.name, mean))
    return rows


def floor_notes(truth: Truth) -> list[str]:
    """Say what the two rows of a set are, or why it has none though its raters are known."""
    if truth.raters is None or truth.latent is not None:
        return []
    fewest, most = truth.raters.min(), truth.raters.max()
    if not has_floor(truth):
        alone = int((truth.raters < FEWEST_RATERS).sum())
        return [
            f"No noise floor: {count(alone, 'row has', 'rows have')} fewer than {FEWEST_RATERS} "
            f"raters, which tell nothing of how much raters of one instance disagree"
        ]
    panel = f"{fewest:g}" if fewest == most else f"{fewest:g} to {most:g}"
    lines = [
        f"The noise floor, estimated from the votes of {panel} raters per row: {HIDDEN} is the "
        f"score of the distributions that the raters drew their answers from, which no prediction "
        f"beats in expected KLdiv; {FRESH} is that of as many new raters, whose shares of 0 "
        f"make KLdiv large and Clark and Canber small"
    ]
    votes = truth.D * truth.raters[:, None]
    if odd := int((np.abs(votes - np.rint(votes)).max(axis=1) > _ROUNDED).sum()):
        lines.append(
            f"{count(odd, 'row has', 'rows have')} shares that are no whole votes of so many "
            f"raters: rounded or weighted, so that the noise floor is rough"
        )
    return lines


def votes_of(D: FloatArray, raters: FloatArray) -> FloatArray:
    """Return the votes behind distributions: whole numbers where the shares are exact.

    Parameters
    ----------
    D : ndarray of shape (n, c)
        Shares.
    raters : ndarray of shape (n,)
        Number of votes of each row.

    Returns
    -------
    ndarray of shape (n, c)
        Shares that were rounded give the nearest whole numbers where these add up, else fractions.
    """
    votes = D * raters[:, None]
    whole = np.rint(votes)
    adds_up = np.abs(whole.sum(axis=1) - raters) < 0.5
    return np.where(adds_up[:, None], whole, votes)


def fit_mixture(votes: FloatArray, seed: int = 0) -> Mixture:
    """Fit mixtures of 1, 2, 4, 6, 8, 12 and 16 components, and return the one that predicts best.

    The search ends after two sizes that are no better than a smaller one.

    Parameters
    ----------
    votes : ndarray of shape (n, c)
    seed : int
        Of the clustering that each fit starts from.

    Returns
    -------
    Mixture
        That of the smallest Akaike information criterion, among those that have at least ten rows
        for each component.
    """
    counted = _Counted(votes)
    fits: list[Mixture] = []
    for size in _SIZES:
        if size > 1 and size * _ROWS_PER_COMPONENT > len(votes):
            break
        fits.append(_fit(counted, size, seed))
        found = [_criterion(fit) for fit in fits]
        if len(found) > _WORSE and min(found) < min(found[-_WORSE:]):
            break
    return min(fits, key=_criterion)


def _criterion(mixture: Mixture) -> float:
    return 2.0 * (mixture.alpha.size + len(mixture.weights) - 1 - mixture.log_likelihood)


def draw(
    mixture: Mixture, votes: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw the hidden distribution of each row given its votes, and the shares of new votes.

    Parameters
    ----------
    mixture : Mixture
        Distribution of the hidden distributions over the rows.
    votes : ndarray of shape (n, c)
    rng : Generator

    Returns
    -------
    hidden, fresh : ndarray of shape (n, c)
        Both are distributions. A new panel has as many raters as the row's own.
    """
    from scipy.special import logsumexp

    counted = _Counted(votes)
    log_joint = counted.log_joint(mixture.weights, mixture.alpha)[counted.row]
    posterior = np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))
    chosen = (rng.random((len(votes), 1)) > posterior.cumsum(axis=1)).sum(axis=1)
    chosen = np.minimum(chosen, len(mixture.weights) - 1)
    # The smallest shares would be rounded to 0, which Clark and Canberra reward.
    gammas = np.maximum(rng.standard_gamma(mixture.alpha[chosen] + votes), _TINY)
    hidden = gammas / gammas.sum(axis=1, keepdims=True)
    raters = np.maximum(np.rint(votes.sum(axis=1)).astype(np.int64), 1)
    return hidden, rng.multinomial(raters, hidden) / raters[:, None]


class _Counted:
    """Different rows of votes, and what is seen in them: so many votes for this label.

    Of whole votes these are few; functions of them are computed once for each.
    """

    def __init__(self, given: FloatArray) -> None:
        from scipy.sparse import csr_array

        votes, row, self.times = np.unique(given, axis=0, return_inverse=True, return_counts=True)
        self.votes, self.row = votes, row.ravel()  # the different rows, and which one each is
        self.raters = votes.sum(axis=1)
        n, c = votes.shape
        rows, labels = np.nonzero(votes)  # no vote adds nothing to a likelihood
        of_rows = np.stack([labels, votes[rows, labels]], axis=1)
        seen, places = np.unique(of_rows, axis=0, return_inverse=True)
        self.labels, self.values = seen[:, 0].astype(np.int64), seen[:, 1]
        ones = np.ones(len(rows))
        self.seen = csr_array((ones, (rows, places.ravel())), shape=(n, len(seen)))
        by_label = (np.ones(len(seen)), (self.labels, np.arange(len(seen))))
        self.of_label = csr_array(by_label, shape=(c, len(seen)))
        self.panels, self.panel = np.unique(self.raters, return_inverse=True)

    def log_joint(self, weights: FloatArray, alpha: FloatArray) -> FloatArray:
        """Return ln(weight_k p(votes_i | alpha_k)) of every different row and component."""
        from scipy.special import gammaln

        total, mine = alpha.sum(axis=1), alpha[:, self.labels].T
        whole = (gammaln(total) - gammaln(self.panels[:, None] + total))[self.panel]
        of_seen = gammaln(self.values[:, None] + mine) - gammaln(mine)
        return np.log(weights) + whole + self.seen @ of_seen

    def step(self, alpha: FloatArray, belongs: FloatArray) -> FloatArray:
        """Take steps towards the maximum likelihood of each component (Minka's eq. 55)."""
        from scipy.special import psi

        often = self.seen.T @ belongs
        panels = np.stack([np.bincount(self.panel, one) for one in belongs.T], axis=1)
        for _ in range(_STEPS):
            mine, total = alpha[:, self.labels].T, alpha.sum(axis=1)
            above = self.of_label @ (often * (psi(self.values[:, None] + mine) - psi(mine)))
            below = (panels * (psi(self.panels[:, None] + total) - psi(total))).sum(axis=0)
            alpha = alpha * above.T / np.maximum(below, 1e-300)[:, None]
            alpha = np.clip(alpha, _SMALLEST, _LARGEST)
        return alpha


def _fit(counted: _Counted, size: int, seed: int) -> Mixture:
    """Fit a mixture of so many components by expectation-maximisation."""
    from scipy.special import logsumexp
    from sklearn.cluster import KMeans  # which few sets need, and which loads much
    from sklearn.exceptions import ConvergenceWarning

    times = counted.times[:, None].astype(np.float64)
    n = times.sum()
    shares = counted.votes / counted.raters[:, None]
    with warnings.catch_warnings():  # of fewer different rows than clusters: the others stay empty
        warnings.simplefilter("ignore", ConvergenceWarning)
        kmeans = KMeans(min(size, len(shares)), n_init=1, random_state=seed)
        clusters = kmeans.fit_predict(shares, sample_weight=counted.times)
    belongs = times * np.eye(size)[clusters]
    mean = (times * shares).sum(axis=0) / n
    sums = belongs.T @ shares + mean  # no cluster is empty, no share is 0
    alpha = np.clip(sums / sums.sum(axis=1, keepdims=True) * _START, _SMALLEST, _LARGEST)
    weights = np.full(size, 1 / size)
    before = now = -np.inf
    for _ in range(_ROUNDS):
        log_joint = counted.log_joint(weights, alpha)
        evidence = logsumexp(log_joint, axis=1, keepdims=True)
        now = float((times * evidence).sum())
        if now - before < _CHANGE * n:
            break
        before = now
        belongs = times * np.exp(log_joint - evidence)
        weights = np.maximum(belongs.sum(axis=0) / n, 1e-12)
        weights /= weights.sum()
        alpha = counted.step(alpha, belongs)
    return Mixture(weights, alpha, now)
