"""The least that a fit of one fold must compute, as calls of the same libraries on the same data.

Each limit is measured, beside the learner and in turn with it: products of matrices, functions
(exponentials, hyperbolic tangents) and passes over arrays without which the method cannot do. What
a learner takes beyond that is its own: copies, checks, what the solution of small equations and the
interpreter cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from measure import CPNN_EPOCHS, HIDDEN_CPNN, IIS_ITERATIONS, Data, our_fits
from scipy.linalg import lapack

from baselines import PTSVM, pt_svm
from baselines.iis_moments import Moments
from baselines.weighted_svm import rbf_kernel

Measured = Callable[[], dict[str, Any]]


def seconds(work: Callable[[], None], repeats: int) -> float:
    """CPU seconds of doing the work so often."""
    begin = time.process_time()
    for _ in range(repeats):
        work()
    return time.process_time() - begin


def cpnn(data: Data) -> Measured:
    """SA-CPNN, 400 epochs: for n rows, q features, c labels, h hidden units and an epoch

    - two products, W X' of (h, q) and (q, n), and of (h, n) and (n, q) for the gradient:
      2 x 2 h q n operations in single precision;
    - c h n hyperbolic tangents of sums (row + label): a pass that adds, and one that takes them;
    - v'T (2 c h n operations), and, with e the derivative by the outputs, three sums of as many:
      T e over rows and labels for v, and (1 - T^2) e over labels for the rows, over rows for the
      labels, after a pass for 1 - T^2.

    All of it a block of rows at a time that fits the cache; the softmax (c n exponentials, 1/h of
    the tangents) is left out.
    """
    n, q = data["X"].shape
    c, h = data["D"].shape[1], HIDDEN_CPNN
    rng = np.random.default_rng(0)
    X = data["X"].astype(np.float32)
    W = rng.random((h, q), dtype=np.float32) - 0.5
    row, label = W @ X.T, rng.random((c, h, 1), dtype=np.float32)
    v, E = rng.random(h, dtype=np.float32), rng.random((c, n), dtype=np.float32)
    gradient, by_row = np.empty_like(W), np.empty_like(row)
    size = max(1, 3072 // c)
    work = np.empty((c, h, size), np.float32)

    def epoch() -> None:
        np.matmul(W, X.T, out=row)
        for begin in range(0, n, size):
            rows = slice(begin, begin + size)
            T, e = work[:, :, : len(range(n)[rows])], E[:, rows]
            np.add(row[:, rows], label, out=T)
            np.tanh(T, out=T)
            _ = v @ T
            _ = T @ e[:, :, None]
            np.multiply(T, T, out=T)
            _ = T @ e[:, :, None]
            np.einsum("jki,ji->ki", T, e, out=by_row[:, rows])
        np.matmul(by_row, X, out=gradient)

    return lambda: {"seconds": seconds(epoch, CPNN_EPOCHS)}


def iis(data: Data, name: str) -> Measured:
    """SA-IIS, 50 iterations: for n rows, q features, c labels and an iteration

    - the scores, a product of (c, q) and (q, n), and c n exponentials;
    - the moments of r powers, a product of (r c, n) and (n, q), for which the predictions are
      multiplied by powers of g: 2 r c n q operations and r passes over c n numbers;
    - two Newton steps on the r coefficients of c q cells: 2 x 4 r c q operations.

    How many powers of how many features an iteration needs for the accuracy of a step is taken
    from the learner.
    """
    X, D = data["X"], data["D"]
    (n, q), c = X.shape, D.shape[1]
    asked: list[tuple[int, int]] = []
    compute = Moments.of

    def counting(self: Moments, P: Any, g: Any, first: int, power: int) -> Any:
        asked.append((power + 1 - first, self.features.shape[1]))
        return compute(self, P, g, first, power)

    Moments.of = counting  # type: ignore[method-assign]
    try:
        our_fits()[name](data)
    finally:
        Moments.of = compute  # type: ignore[method-assign]
    g, weights = np.random.default_rng(0).random(n), np.zeros((c, q))
    X_of = {m: np.ascontiguousarray(X[:, :m]) for _, m in asked}
    weighted = np.empty((max(r for r, _ in asked), c, n))
    weighted[0] = D.T

    def iterations() -> None:
        for _ in range(IIS_ITERATIONS):
            scores = weights @ X.T
            np.exp(scores, out=scores)
        for r, m in asked:
            for i in range(1, r):
                np.multiply(weighted[i - 1], g, out=weighted[i])
            moments = (weighted[:r].reshape(-1, n) @ X_of[m]).reshape(r, c, m)
            t = moments[0]
            for _ in range(2):
                value, slope = moments[-1].copy(), np.zeros((c, m))
                for i in range(r - 2, -1, -1):
                    slope *= t
                    slope += value
                    value *= t
                    value += moments[i]

    powers = sum(r * m for r, m in asked) / IIS_ITERATIONS / q
    return lambda: {"seconds": seconds(iterations, 1), "powers": powers}


def svm(data: Data) -> Measured:
    """PT-SVM: for n rows and as many iterations of as many machines as the solver needs

    - the kernel matrix: a product of (n, q) and (q, n), and n^2 exponentials;
    - one inverse of n^3 operations from a Cholesky factor;
    - for every machine and iteration the product of a vector and an (n, n) matrix in single
      precision, 2 n^2 operations, done for all machines of a batch together.
    """
    X = data["X"] - data["X"].mean(axis=0)
    X /= np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    n = len(X)
    done: list[int] = []
    solve = pt_svm.solve_machines

    def counting(*arguments: Any, **named: Any) -> Any:
        machines = solve(*arguments, **named)
        done.append(int(machines.n_iter.sum()))
        return machines

    pt_svm.solve_machines = counting
    try:
        PTSVM().fit(data["X"], data["D"])
    finally:
        pt_svm.solve_machines = solve
    pairs = data["D"].shape[1] * (data["D"].shape[1] - 1) // 2
    machines = 5 * pairs
    times = round(sum(done) / machines)
    points = np.random.default_rng(0).random((machines, n), dtype=np.float32)

    def fold() -> None:
        K = rbf_kernel(X, X, 1.0 / X.shape[1])
        K.flat[:: n + 1] += 4.0
        factor, _ = lapack.dpotrf(K.T, lower=1, overwrite_a=1)
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
        single = inverse.astype(np.float32)
        for _ in range(times):
            np.matmul(points, single)

    return lambda: {"seconds": seconds(fold, 1), "machine_iterations": sum(done)}


#: Name of the learner -> prepares the measurement of its limit on these data.
LIMITS: dict[str, Callable[[Data], Measured]] = {
    "SA-CPNN": cpnn,
    "SA-IIS": partial(iis, name="SA-IIS"),
    "SA-IIS, default": partial(iis, name="SA-IIS, default"),
    "PT-SVM": svm,
}
