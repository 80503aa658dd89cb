"""What fits of PT-SVM take: memory, time, and how many pairs of labels are solved together."""

from __future__ import annotations

from baselines.size import BLOCK, allowed, cost
from baselines.splitting import SINGLE_PRECISION_TOL

#: Folds behind the decision values that the sigmoids are fitted to, as in LIBSVM.
CALIBRATION_FOLDS = 5

#: Pairs of labels solved together: enough for fast matrix products, few enough for the memory.
PAIRS_AT_ONCE = 32

#: Bytes that the machines of the pairs solved together may take with an approximated kernel, where
#: there may be more rows than `PAIRS_AT_ONCE` suits.
BATCH_BYTES = 1e9


def exact_memory(n_rows: int, n_features: int, n_labels: int, tol: float = 0.01) -> float:
    """Return a bound on the bytes that an exact fit takes, a little above what was measured.

    n x n: the kernel, and in single precision once more and its inverse, which is made in double
    precision. Pairs x n: for a batch of pairs the arrays and past steps of the five folds'
    machines, in single or double precision as `tol` says, two results and a spare for all pairs.
    Features: scaled, centred and squared.
    """
    pairs = n_labels * (n_labels - 1) // 2
    batch = per_pair(tol) * min(pairs, PAIRS_AT_ONCE)
    return 8.0 * n_rows * (2.5 * n_rows + batch + 3 * pairs + 3 * n_features)


def per_pair(tol: float) -> int:
    """Return how many numbers a pair of labels takes for each row while it is solved."""
    return 190 if tol >= SINGLE_PRECISION_TOL else 280


def pairs_at_once(n_rows: int, tol: float) -> int:
    """Return how many pairs of labels are solved together with an approximated kernel."""
    return max(1, min(PAIRS_AT_ONCE, int(BATCH_BYTES / (8.0 * n_rows * per_pair(tol)))))


def approximate_memory(
    n_rows: int, n_features: int, n_labels: int, components: int, tol: float = 0.01
) -> float:
    """Return a bound on the bytes that a fit with an approximated kernel takes.

    n x components: features, once more in single precision or not, and G of `shrunk_inverse`;
    and what is made for a part of the rows. The rest is as in `exact_memory`, but for coefficients
    of features in place of rows.
    """
    pairs = n_labels * (n_labels - 1) // 2
    batch = per_pair(tol) * min(pairs, pairs_at_once(n_rows, tol))
    by_row = 2.2 * components + batch + 2 * pairs + 3 * n_features
    part = 2 * min(BLOCK, 3 * n_rows * components)
    return 8.0 * (n_rows * by_row + components * (pairs + 4 * components + n_features) + part)


def advice(n_rows: int, n_features: int, n_labels: int, components: int, tol: float) -> str:
    """Say what to do where a fit of this size needs too much memory, and what that costs."""
    m = min(components, n_rows)
    needed = approximate_memory(n_rows, n_features, n_labels, m, tol)
    if needed > allowed():
        return (
            "train on a subset of the rows, with fewer labels (each pair of them is a machine) or "
            "with fewer kernel_components"
        )
    # Iterations of a machine, as measured with 5,000 and 20,000 rows.
    iterations = max(60.0, 90.0 * (n_rows / 5000) ** 0.64)
    steps = CALIBRATION_FOLDS * n_labels * (n_labels - 1) / 2 * iterations
    exact = n_rows * n_rows * (n_rows + 2.0 * n_features + steps)
    approximate = n_rows * m * (2.0 * steps + m)
    return (
        f'set kernel_approximation="nystroem", which with kernel_components={components} takes '
        f"{cost(needed, approximate)}, in place of "
        f"{cost(exact_memory(n_rows, n_features, n_labels, tol), exact)}"
    )
