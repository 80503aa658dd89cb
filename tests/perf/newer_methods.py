"""How long newer methods take to the same objective here and in python-ldl.

The peer fits by its own defaults of time (iterations or epochs), with the settings told below; its
objective is that of the paper, computed here of its parameters. Then ours fits, with growing
budgets, until its objective is not above it: the CPU seconds of that fit count. Written to
``results/newer_methods.csv``; needs the environment of ``make perf``.

usage: python tests/perf/newer_methods.py [--data FOLDER] [--sets SET,...] [METHOD ...]
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.io import loadmat
from scipy.special import log_softmax, softmax, xlogy

import baselines as b

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "results" / "newer_methods.csv"
COLUMNS = ["dataset", "method", "settings", "peer_seconds", "peer_objective", "our_seconds",
           "our_objective", "times_faster", "our_seconds_to_the_end", "our_last_objective",
           "converged"]  # fmt: skip

#: Budgets of iterations that are tried one after the other.
BUDGETS = (1, 2, 3, 5, 8, 12, 20, 30, 50, 100, 200, 500, 1000, 3000)

#: Objectives that differ by this share are the same: the peer computes in single precision.
SAME = 1e-6

Matrix = Any


class Case(NamedTuple):
    """A method of both libraries.

    Attributes
    ----------
    settings : str
        Which, for the table.
    peer : callable
        Takes X and D, returns the peer's fitted model.
    of_peer : callable
        Takes X, D and that model, returns the objective.
    ours : callable
        Takes a budget, returns our learner; its ``objective_`` is the objective.
    """

    settings: str
    peer: Callable[[Matrix, Matrix], Any]
    of_peer: Callable[[Matrix, Matrix, Any], float]
    ours: Callable[[int], Any]


def cases() -> dict[str, Case]:
    """Return the methods by their names in tables."""
    import pyldl.algorithms as peer

    def fitted(name: str, settings: dict[str, Any], **of_fit: Any) -> Callable[[Any, Any], Any]:
        return lambda X, D: getattr(peer, name)(random_state=0, **settings).fit(X, D, **of_fit)

    return {
        "LDLLC": Case(
            "alpha=0.01, beta=0.1 (||W||^2)",
            # There beta weighs half the squares, alpha half the sum over ordered pairs.
            fitted("LDLLC", {"alpha": 0.01, "beta": 0.2}),
            lambda X, D, m: ldllc(X, D, weights(m), 0.01, 0.1),
            lambda k: b.LDLLC(0.01, 0.1, max_iter=k),
        ),
        "LDL-LRR": Case(
            "alpha=0.001, beta=0.01",
            fitted("LDL_LRR", {"alpha": 1e-3, "beta": 0.01}),
            lambda X, D, m: ldl_lrr(X, D, weights(m), 1e-3, 0.01),
            lambda k: b.LDLLRR(1e-3, 0.01, max_iter=k),
        ),
        "LDL-SCL": Case(
            "5 clusters, barrier 0.001 per row and cluster",
            fitted("LDL_SCL", {}),
            ldl_scl,
            lambda k: b.LDLSCL(5, 0.0, 0.0, 1e-3 / 5, barrier=1e-3 / 5, max_iter=k, random_state=0),
        ),
        "LDL-LCLR": Case(
            "all weights 0.0001, no local term",
            fitted("LDL_LCLR", {"delta": 0.0}),
            lambda X, D, m: ldl_lclr(X, D, m._W, m._S),
            lambda k: b.LDLLCLR(lambda4=0.0, max_iter=k, tol=1e-8),
        ),
        "LDLSF": Case(
            "alpha=0.0001, beta=0.01, gamma=0.001, rho=0.001",
            fitted("LDLSF", {}),
            lambda X, D, m: ldlsf(X, D, m._W1, m._W2),
            lambda k: b.LDLSF(max_iter=k),
        ),
        "TLRLDL": Case(
            "alpha=0.001, beta=0.001",
            fitted("TLRLDL", {}),
            lambda X, D, m: lrldl(X, D, m),
            lambda k: b.TLRLDL(max_iter=k),
        ),
        "TKLRLDL": Case(
            "alpha=0.001, beta=0.001",
            fitted("TKLRLDL", {}),
            lambda X, D, m: lrldl(X, D, m),
            lambda k: b.TKLRLDL(max_iter=k),
        ),
        "BD-LDL": Case(
            "alpha=0.001, beta=0.01",
            fitted("BD_LDL", {}),
            lambda X, D, m: bd_ldl(X, D, m._W),
            lambda _: b.BDLDL(),
        ),
        # Their weights of means over labels make c times ours of sums; ours has intercepts.
        "LDL4C": Case(
            "alpha=0.01 c, rho=0.01",
            fitted("LDL4C", {}),
            lambda X, D, m: margins(b.LDL4C(0.01 * D.shape[1], l2=0.0), X, D, weights(m)),
            lambda k: PerLabel(b.LDL4C, k),
        ),
        "LDL-HR": Case(
            "alpha=0.01 c, beta=0.01, rho=0.01",
            fitted("LDL_HR", {}),
            lambda X, D, m: margins(b.LDLHR(0.01 * D.shape[1], l2=0.0), X, D, weights(m)),
            lambda k: PerLabel(b.LDLHR, k),
        ),
        "LDLM": Case(
            "alpha=0.01, beta=0.01, rho=0.01; 100 of its 1,000 epochs",
            fitted("LDLM", {}, epochs=100),
            lambda X, D, m: margins(b.LDLM(l2=0.0), X, D, weights(m)),
            lambda k: b.LDLM(l2=0.0, max_iter=k),
        ),
        "LDLF": Case(
            "5 trees of 64 leaves; 100 of its 1,000 epochs",
            fitted("LDLF", {}, epochs=100),
            ldlf,
            lambda k: b.LDLF(epochs=k, random_state=0),
        ),
        "Delta-LDL": Case(
            "64 hidden units; 100 of its 1,000 epochs, our rate 0.01",
            fitted("Delta_LDL", {}, epochs=100),
            delta_ldl,
            lambda k: b.DeltaLDL(epochs=k, learning_rate=0.01, scaling="none", random_state=0),
        ),
    }


class PerLabel:
    """A margin learner of ours whose weight of the margins is that of the peer, of means."""

    def __init__(self, learner: Any, budget: int):
        self.learner, self.budget = learner, budget

    def fit(self, X: Matrix, D: Matrix) -> Any:
        """Return the fitted learner."""
        return self.learner(0.01 * D.shape[1], l2=0.0, max_iter=self.budget).fit(X, D)


def weights(model: Any) -> Matrix:
    """Return the weights (q, c) of a one-layer network of the peer."""
    return np.asarray(model.get_weights()[0], float)


def divergence(D: Matrix, scores: Matrix) -> float:
    """Return the sum of the Kullback-Leibler divergences of softmax scores."""
    return float(xlogy(D, D).sum() - (D * log_softmax(scores, axis=1)).sum())


def ldllc(X: Matrix, D: Matrix, W: Matrix, alpha: float, beta: float) -> float:
    """Return the objective of LDLLC."""
    centred = W - W.mean(axis=0)
    lengths = np.linalg.norm(W[:, :, None] - W[:, None], axis=0)
    apart = 0.5 * (np.sign(centred.T @ centred) * lengths).sum()
    return float(divergence(D, X @ W) + beta * (W**2).sum() + alpha * apart)


def ldl_lrr(X: Matrix, D: Matrix, W: Matrix, alpha: float, beta: float) -> float:
    """Return the objective of LDL-LRR."""
    P = softmax(X @ W, axis=1)
    apart = D[:, :, None] - D[:, None]
    lost = np.logaddexp(0.0, -100.0 * np.sign(apart) * (P[:, :, None] - P[:, None]))
    ranking = 0.5 * (apart**2 * lost).sum()
    return (divergence(D, X @ W) + alpha * ranking) / len(D) + 0.5 * beta * float((W**2).sum())


def ldl_scl(X: Matrix, D: Matrix, model: Any) -> float:
    """Return the objective of LDL-SCL with what the peer's model holds, of sums."""
    C, V = np.asarray(model._C, float), np.asarray(model._W, float)
    centres = np.asarray(model._P, float)
    scores = X @ weights_of_layers(model) + C @ V
    far = ((softmax(scores, axis=1)[:, None] - centres) ** 2).sum(axis=2)
    return float(divergence(D, scores) + 1e-3 / 5 * ((C * far).sum() + (1 / C).sum()))


def weights_of_layers(model: Any) -> Matrix:
    """Return the weights of the network within a model that has further ones."""
    return np.asarray(model._model.get_weights()[0], float)


def ldl_lclr(X: Matrix, D: Matrix, W: Matrix, S: Matrix) -> float:
    """Return the objective of LDL-LCLR without its local term, norms smoothed as ours."""
    E = D - softmax(X @ W, axis=1) @ S
    wrong = np.sqrt((E**2).sum(axis=0) + 1e-8 * len(D)).sum()
    rank = np.sqrt(np.linalg.svd(S, compute_uv=False) ** 2 + 1e-4).sum()
    return float(divergence(D, X @ W) + 1e-4 * ((W**2).sum() + wrong + rank))


def ldlsf(X: Matrix, D: Matrix, W1: Matrix, W2: Matrix) -> float:
    """Return the objective of LDLSF."""
    F, R = X @ (W1 + W2), np.corrcoef(D.T)
    related = (F * (F @ (np.diag(R.sum(axis=1)) - R))).sum()
    squares = ((F - D) ** 2).sum() + 1e-3 * ((F.sum(axis=1) - 1) ** 2).sum()
    sparse = 1e-4 * np.abs(W1).sum() + 1e-2 * np.linalg.norm(W2, axis=1).sum()
    return float(0.5 * squares + sparse + 1e-3 * related)


def lrldl(X: Matrix, D: Matrix, model: Any) -> float:
    """Return the objective of TLRLDL and TKLRLDL."""
    A, O = X @ model._W, model._O  # noqa: E741 - the paper's name
    led = O.T @ A
    rank = np.linalg.svd(led, compute_uv=False).sum()
    squares = ((A - D) ** 2).sum() + ((led - model._L) ** 2).sum()
    return float(0.5 * squares + 1e-3 * (rank + (model._W**2).sum() + (O**2).sum()))


def bd_ldl(X: Matrix, D: Matrix, W: Matrix) -> float:
    """Return the objective of BD-LDL."""
    back = 1e-3 * ((X - D @ W.T) ** 2).sum()
    return float(0.5 * (((X @ W - D) ** 2).sum() + back + 1e-2 * (W**2).sum()))


def margins(judge: Any, X: Matrix, D: Matrix, W: Matrix) -> float:
    """Return the objective of LDL4C, LDL-HR or LDLM, as their tests have checked it."""
    judge._prepare(D)
    return float(judge._loss(softmax(X @ W, axis=1))[0])


def ldlf(X: Matrix, D: Matrix, model: Any) -> float:
    """Return the mean over the trees of their cross entropy, per row."""
    losses = []
    for tree, leaves in enumerate(model._pi):
        P = np.asarray(model._call(X, tree), float) @ np.asarray(leaves, float)
        losses.append(-(D * np.log(np.maximum(P, 1e-12))).sum() / len(D))
    return float(np.mean(losses))


def delta_ldl(X: Matrix, D: Matrix, model: Any) -> float:
    """Return the objective of Delta-LDL."""
    P = np.maximum(np.asarray(model.predict(X), float), 1e-12)
    k = (xlogy(D, D) - D * np.log(P)).sum(axis=1)
    uniform = float((xlogy(D, D).sum(axis=1) + np.log(D.shape[1])).mean())
    return float((np.logaddexp(0.0, k) - np.logaddexp(0.0, k - uniform)).mean())


def measured(case: Case, X: Matrix, D: Matrix) -> dict[str, Any]:
    """Fit the peer, then ours until its objective is not above the peer's, then to its end."""
    start = time.process_time()
    model = case.peer(X, D)
    peer_seconds = time.process_time() - start
    goal = case.of_peer(X, D, model)
    found = {"settings": case.settings, "peer_seconds": peer_seconds, "peer_objective": goal}
    for budget in BUDGETS:
        start = time.process_time()
        ours = case.ours(budget).fit(X, D)
        seconds = time.process_time() - start
        if ours.objective_ <= goal + SAME * abs(goal) and "our_seconds" not in found:
            found |= {"our_seconds": seconds, "our_objective": ours.objective_,
                      "times_faster": peer_seconds / seconds}  # fmt: skip
        if ours.converged_:
            break
    return found | {
        "our_seconds_to_the_end": seconds,
        "our_last_objective": ours.objective_,
        "converged": ours.converged_,
    }


def main() -> None:
    """Measure and write what was asked for, beside what the file has of others."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--sets", default="SJAFFE", help="names, with commas")
    parser.add_argument("methods", nargs="*", metavar="METHOD")
    given = parser.parse_args()
    known = cases()
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    if PATH.exists():
        with PATH.open(newline="") as file:
            rows = {(row["dataset"], row["method"]): row for row in csv.DictReader(file)}
    for name in given.sets.split(","):
        content = loadmat(given.data / f"{name}.mat")
        X, D = (np.ascontiguousarray(content[key], float) for key in ("features", "labels"))
        for method in given.methods or known:
            try:
                row = measured(known[method], X, D)
            except Exception as error:  # what the peer raises is a result
                row = {"settings": f"the peer fails: {type(error).__name__}: {error}"[:200]}
            rows[name, method] = {"dataset": name, "method": method, **row}
            print(rows[name, method], flush=True)
            with PATH.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows[key] for key in sorted(rows))


if __name__ == "__main__":
    main()
