"""Training small networks, by momentum or RProp, on all training rows or on a batch in a step.

Both minimise an objective, a function weights (p,) -> (value, gradient (p,)), from a given start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from features.arrays import FloatArray, IntArray

#: Bounds on a weight's step in RProp (Riedmiller and Braun, 1993).
DELTA_MIN, DELTA_MAX = 1e-6, 50.0

#: Training has converged where no entry of the gradient is larger than this.
GRADIENT_TOLERANCE = 1e-6

Objective = Callable[[FloatArray], tuple[float, FloatArray]]

#: The objective of some training rows, told by their numbers or a slice.
BatchObjective = Callable[[FloatArray, Any], tuple[float, FloatArray]]

#: Is told how many epochs were made and the weights there, before every epoch and at the end.
Watch = Callable[[int, FloatArray], None]


class Trained(NamedTuple):
    """Where training ended.

    Attributes
    ----------
    weights : ndarray of shape (p,)
        The last weights, which need not be the best ones met on the way.
    value : float
        The objective at `weights`.
    epochs : int
        Steps made.
    converged : bool
        True: the gradient vanished (`GRADIENT_TOLERANCE`), be it at a minimum or because the units
        are saturated. False: all allowed steps were made.
    """

    weights: FloatArray
    value: float
    epochs: int
    converged: bool


@dataclass(frozen=True)
class Batches:
    """Training rows in batches.

    Attributes
    ----------
    n : int
        Number of rows.
    size : int or None
        Rows in a batch at most; None: all.
    rng : Generator
        Draws the order of the rows of an epoch.
    """

    n: int
    size: int | None
    rng: np.random.Generator

    @property
    def number(self) -> int:
        """How many there are in an epoch."""
        return 1 if self.size is None else -(-self.n // self.size)

    def draw(self) -> list[IntArray]:
        """Return the rows of each batch of a new epoch; sizes differ by at most one row."""
        return np.array_split(self.rng.permutation(self.n), self.number)


class Momentum:
    """Moves weights by m_t = momentum m_{t-1} - rate * gradient, m_0 = 0, for one training.

    Rumelhart, Hinton and Williams, 1986.
    """

    def __init__(self, rate: float, momentum: float):
        self.rate, self.momentum = rate, momentum
        self.move: FloatArray = np.zeros(1)

    def __call__(self, gradient: FloatArray) -> FloatArray:
        """Return what to add to the weights."""
        self.move = self.momentum * self.move - self.rate * gradient
        return self.move


class RProp:
    """Moves weights by `rprop_step`, every step size starting at `delta0`, for one training."""

    def __init__(self, eta_plus: float = 1.2, eta_minus: float = 0.5, delta0: float = 0.1):
        self.eta_plus, self.eta_minus = eta_plus, eta_minus
        self.previous: FloatArray = np.zeros(1)
        self.delta: FloatArray = np.full(1, delta0)

    def __call__(self, gradient: FloatArray) -> FloatArray:
        """Return what to add to the weights."""
        move, self.previous, self.delta = rprop_step(
            gradient, self.previous, self.delta, self.eta_plus, self.eta_minus
        )
        return move


class RMSProp:
    """Moves weights by the gradient over the root of the running mean of its squares.

    The form of RProp for batches, whose gradients change their signs by chance, which makes RProp's
    steps vanish: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012. A
    first step is as long as `rate`, as those of RProp are as long as its `delta0`.
    """

    def __init__(self, rate: float):
        self.rate = rate
        self.square: FloatArray = np.zeros(1)
        self.steps = 0

    def __call__(self, gradient: FloatArray) -> FloatArray:
        """Return what to add to the weights."""
        self.steps += 1
        self.square = 0.9 * self.square + 0.1 * gradient**2
        mean = self.square / (1.0 - 0.9**self.steps)
        return -self.rate * gradient / (np.sqrt(mean) + 1e-8)


def rprop_step(
    gradient: FloatArray,
    previous: FloatArray,
    delta: FloatArray,
    eta_plus: float = 1.2,
    eta_minus: float = 0.5,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """One step of RProp, every weight for itself.

    With g the gradient and g' the one remembered from the step before::

        g g' > 0:  delta = min(delta * eta_plus, DELTA_MAX),   move = -sign(g) delta
        g g' < 0:  delta = max(delta * eta_minus, DELTA_MIN),  move = 0, 0 is remembered for g
        g g' = 0:  delta stays,                                move = -sign(g) delta

    A change of sign (the minimum was jumped over) costs one step of rest, then the weight moves
    on with half the step. Igel and Huesken (2003) call this form iRprop-; the code published with
    CPNN uses it. It never takes a move back, as Rprop+ does.

    Parameters
    ----------
    gradient, previous, delta : ndarray of shape (p,)
        Gradient now; gradient remembered by the last step, zeros at the start; step sizes.
    eta_plus, eta_minus : float
        Factors by which a step size grows and shrinks.

    Returns
    -------
    move, remembered, delta : ndarray of shape (p,)
        What to add to the weights, what to pass as `previous` next time, the new step sizes.

    References
    ----------
    Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
    algorithm", ICNN 1993. Igel and Huesken, "Empirical evaluation of the improved Rprop learning
    algorithms", Neurocomputing 50, 2003.
    """
    agreement = np.sign(gradient * previous)
    # Looked up by 0, 1 and -1, the last of a list.
    factor = np.array([1.0, eta_plus, eta_minus])[agreement.astype(np.intp)]
    delta = np.minimum(np.maximum(delta * factor, DELTA_MIN), DELTA_MAX)
    remembered = gradient * (agreement >= 0)
    return -np.sign(remembered) * delta, remembered, delta


def train(
    objective: Objective,
    start: FloatArray,
    epochs: int,
    rule: Callable[[FloatArray], FloatArray],
    watch: Watch | None = None,
) -> Trained:
    """Minimise an objective by the moves that a rule makes of its gradient.

    Parameters
    ----------
    objective : callable
        weights (p,) -> (value, gradient (p,)).
    start : ndarray of shape (p,)
        The first weights; not changed.
    epochs : int
        Steps at most; 0 evaluates the start.
    rule : callable
        A fresh `Momentum` or `RProp`.
    watch : callable, optional
        See `Watch`; it must not change the weights, nor keep them without a copy.

    Returns
    -------
    Trained
    """
    weights = start.copy()
    for epoch in range(epochs + 1):
        if watch is not None:
            watch(epoch, weights)
        value, gradient = objective(weights)
        converged = bool(np.abs(gradient).max() <= GRADIENT_TOLERANCE)
        if converged or epoch == epochs:
            break
        weights += rule(gradient)
    return Trained(weights, value, epoch, converged)


def train_in_batches(
    objective: BatchObjective,
    batches: Batches,
    start: FloatArray,
    epochs: int,
    rule: Callable[[FloatArray], FloatArray],
    watch: Watch | None = None,
) -> Trained:
    """Minimise an objective by moves that a rule makes of the gradient of a few rows at a time.

    Every epoch goes through all rows in a new order. Where one batch holds them all, this is
    `train`, to the bit.

    Parameters
    ----------
    objective : callable
        (weights (p,), rows) -> (value, gradient (p,)), a mean over these rows.
    batches : Batches
        How many rows there are and how they are drawn.
    start, epochs, rule, watch
        See `train`.

    Returns
    -------
    Trained
        `value` and `converged` are of all rows.
    """
    everything = slice(None)
    if batches.number == 1:
        return train(lambda weights: objective(weights, everything), start, epochs, rule, watch)
    weights = start.copy()
    for epoch in range(epochs):
        if watch is not None:
            watch(epoch, weights)
        for rows in batches.draw():
            weights += rule(objective(weights, rows)[1])
    if watch is not None:
        watch(epochs, weights)
    value, gradient = objective(weights, everything)
    converged = bool(np.abs(gradient).max() <= GRADIENT_TOLERANCE)
    return Trained(weights, value, epochs, converged)
