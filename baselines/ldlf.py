"""LDLF, label distribution learning forests: soft trees whose leaves are distributions (2017)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from baselines.adam import AdamLearner
from baselines.backprop import Objective, Watch
from baselines.settings import check_count
from features.arrays import FloatArray

#: Least predicted share that a division sees.
SMALLEST = 1e-12


class LDLF(AdamLearner):
    """A forest of soft decision trees, learnt as a whole; the shallow form, sLDLF, of the paper.

    A split node sends a row to the left with probability ``s = sigmoid(f(x))`` (equation 1), f one
    of the outputs of a linear map of the features that all trees share, drawn for each node; the
    probability of a leaf is the product along its path (equation 2), and a tree predicts the mean
    of the leaves' distributions under it (equation 3). The loss of the forest is the mean over its
    trees of the cross entropy ``-1/n sum_ij d_ij ln g_ij`` (section 3.3). It is minimised in turns:
    by steps of the linear map, with the derivative of a tree at a node of ``1/n`` times ``s`` times
    what falls to its right less ``1 - s`` times what falls to its left (section 3.2), and by
    `leaf_updates` of the leaves, each of which lowers the loss (variational bounding)::

        q_lc <- q_lc sum_i d_ic P(l | x_i) / g_ic,  divided by its sum over c

    A prediction is the mean over the trees.

    Parameters
    ----------
    n_trees : int, default 5
        Number of trees.
    depth : int, default 7
        Levels of nodes, the leaves included: a tree has ``2 ** (depth - 1)`` leaves.
    units : int, default 64
        Outputs of the linear map. A tree has a unit of its own for each split where there are
        enough.
    leaf_updates : int, default 20
        Iterations of each update of the leaves.
    leaf_every : int, default 20
        Steps of the linear map between two updates of the leaves.
    epochs : int, default 300
        Steps of the linear map, each on the whole training set.
    learning_rate : float, default 0.01
        Of Adam.
    smoothing : float, default 0.0
        Share of the mean training distribution in every prediction; none in the original.
    scaling : {"standard", "none", "minmax", "auto"}, default "standard"
        Since sigmoids saturate on large features.
    components : int, optional
        See `baselines.preprocessing.fit_preprocessing`.
    random_state : int, optional
        Seed of the first weights and of which unit serves which node.

    Attributes
    ----------
    weights_ : ndarray of shape (units * (q + 1),)
        The linear map, unit by unit, the constants last.
    leaves_ : ndarray of shape (n_trees, leaves, c)
        Distributions of the leaves.
    objective_ : float
        The loss of the forest.
    n_iter_ : int
        Steps made.
    converged_ : bool
        Whether the gradient vanished; training usually ends before.

    Notes
    -----
    Number and depth of trees, units and leaf updates are the paper's. Departures: Adam on the whole
    training set in place of 25,000 steps on mini-batches, with the leaves updated from all rows in
    place of the last 100 mini-batches; standardised features. PyLDL has a network in place of the
    linear map, and applies a softmax to the leaves after each of their updates, which takes them
    off the published iteration and near the uniform distribution.

    References
    ----------
    Shen, Zhao, Guo and Yuille, "Label distribution learning forests", NIPS 2017.
    """

    year: ClassVar[int | None] = 2017
    citation: ClassVar[str] = (
        'Shen, Zhao, Guo and Yuille, "Label distribution learning forests", NIPS, 2017'
    )

    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "epochs": (1, 20, 50, 100, 200, 300),
        "smoothing": (0.5, 0.2, 0.05, 0.0),
    }

    def __init__(
        self,
        n_trees: int = 5,
        depth: int = 7,
        units: int = 64,
        leaf_updates: int = 20,
        leaf_every: int = 20,
        epochs: int = 300,
        learning_rate: float = 0.01,
        smoothing: float = 0.0,
        scaling: str = "standard",
        components: int | None = None,
        random_state: int | None = None,
    ):
        self.n_trees = n_trees
        self.depth = depth
        self.units = units
        self.leaf_updates = leaf_updates
        self.leaf_every = leaf_every
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.smoothing = smoothing
        self.scaling = scaling
        self.components = components
        self.random_state = random_state

    def _begin(self, X: FloatArray, D: FloatArray) -> tuple[FloatArray, Objective]:
        for name in ("n_trees", "units", "leaf_updates", "leaf_every"):
            check_count(name, getattr(self, name))
        check_count("depth", self.depth, least=2)
        (q, c), leaves = (X.shape[1], D.shape[1]), 2 ** (self.depth - 1)
        rng = np.random.default_rng(self.random_state)
        few = self.units < leaves - 1
        self._nodes = np.stack(
            [rng.choice(self.units, leaves - 1, replace=few) for _ in range(self.n_trees)]
        )
        self.leaves_ = np.full((self.n_trees, leaves, c), 1.0 / c)
        features, targets = np.column_stack((X, np.ones(len(X)))), np.ascontiguousarray(D.T)
        start = rng.normal(size=(self.units, q + 1)) / np.sqrt(q)
        start[:, -1] = 0.0
        self._training = features, targets
        return start.ravel(), lambda weights: self._loss(weights, features, targets)

    def _train(self, X: FloatArray, D: FloatArray, watch: Watch | None = None) -> None:
        super()._train(X, D, watch)
        del self._training  # what is fitted keeps no rows

    def _between(self, epoch: int, weights: FloatArray) -> None:
        if epoch % self.leaf_every == 0:
            features, targets = self._training
            splits = self._splits(weights, features)
            for tree, nodes in enumerate(self._nodes):
                paths = path_probabilities(splits[nodes])
                for _ in range(self.leaf_updates):
                    self.leaves_[tree] = updated(self.leaves_[tree], paths, targets)

    def _splits(self, weights: FloatArray, features: FloatArray) -> FloatArray:
        """Return the probability of each unit to send a row to the left, (units, n)."""
        return np.asarray(expit(weights.reshape(self.units, -1) @ features.T))

    def _loss(
        self, weights: FloatArray, features: FloatArray, targets: FloatArray
    ) -> tuple[float, FloatArray]:
        """Return the loss of the forest and its gradient in the linear map."""
        splits = self._splits(weights, features)
        value, slope = 0.0, np.zeros(splits.shape)
        for nodes, leaves in zip(self._nodes, self.leaves_, strict=True):
            own = splits[nodes]
            paths = path_probabilities(own)
            P = np.maximum(leaves.T @ paths, SMALLEST)
            value -= float(np.vdot(targets, np.log(P)))
            fallen = paths * (leaves @ (targets / P))
            for node, unit in zip(node_slopes(own, fallen), nodes, strict=True):
                slope[unit] += node
        share = 1.0 / (len(features) * self.n_trees)
        return share * value, share * (slope @ features).ravel()

    def _outputs(self, weights: FloatArray, X: FloatArray) -> FloatArray:
        splits = self._splits(weights, np.column_stack((X, np.ones(len(X)))))
        total = np.zeros((len(X), self.leaves_.shape[2]))
        for nodes, leaves in zip(self._nodes, self.leaves_, strict=True):
            total += path_probabilities(splits[nodes]).T @ leaves
        return total / total.sum(axis=1, keepdims=True)


def path_probabilities(splits: FloatArray) -> FloatArray:
    """Return the probability of each leaf, the leftmost first, (leaves, n).

    Parameters
    ----------
    splits : ndarray of shape (leaves - 1, n)
        Probability to go left at each split node, level by level from the root.
    """
    nodes, n = splits.shape
    paths, level = np.ones((1, n)), 1
    while level <= nodes:
        both = np.empty((level, 2, n))
        np.multiply(paths, splits[level - 1 : 2 * level - 1], out=both[:, 0])
        np.subtract(paths, both[:, 0], out=both[:, 1])
        level *= 2
        paths = both.reshape(level, n)
    return paths


def node_slopes(splits: FloatArray, fallen: FloatArray) -> FloatArray:
    """Return the derivative of ``-sum_l fallen_l ln P(l)`` in the node functions f.

    Parameters
    ----------
    splits : ndarray of shape (leaves - 1, n)
        As of `path_probabilities`.
    fallen : ndarray of shape (leaves, n)
        What of each row falls into each leaf.

    Returns
    -------
    ndarray of shape (leaves - 1, n)
    """
    n, level = splits.shape[1], len(fallen) // 2
    slopes, below = np.empty(splits.shape), fallen
    while level >= 1:
        halves = below.reshape(level, 2, n)
        rows = slice(level - 1, 2 * level - 1)
        below = halves[:, 0] + halves[:, 1]
        np.multiply(splits[rows], below, out=slopes[rows])
        slopes[rows] -= halves[:, 0]
        level //= 2
    return slopes


def updated(leaves: FloatArray, paths: FloatArray, targets: FloatArray) -> FloatArray:
    """Return the leaves' distributions after one update; a leaf without rows stays.

    Parameters
    ----------
    leaves : ndarray of shape (leaves, c)
    paths : ndarray of shape (leaves, n)
    targets : ndarray of shape (c, n)
    """
    moved = leaves * (paths @ (targets / np.maximum(leaves.T @ paths, SMALLEST)).T)
    total = moved.sum(axis=1, keepdims=True)
    return np.where(total > SMALLEST, moved / np.maximum(total, SMALLEST), leaves)
