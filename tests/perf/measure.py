"""Runs one learner of one library, or the arithmetic that it cannot do without, when told to.

Every line read is answered with a line of JSON: the CPU seconds of a fit and prediction of the
test rows, and how good that prediction was. So two processes can be measured in turn, each with
one thread (that is how the harness runs tasks, one per core) and with a peak of memory of its own.

usage: python tests/perf/measure.py ours|peer|limit NAME DATA.npz
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmark.metrics import accuracy, kl_divergence

#: The budgets both libraries get.
IIS_ITERATIONS = 50
BFGS_ITERATIONS = 500
CPNN_EPOCHS = 400
BP_EPOCHS = 200
NEIGHBOURS = 4
HIDDEN_CPNN, HIDDEN_BP = 50, 60
SHRINKAGE = 0.5

Data = dict[str, np.ndarray]


def cross_entropy(X: np.ndarray, D: np.ndarray, W: np.ndarray) -> float:
    """-sum d ln p of the maximum entropy model, the scale on which both libraries are compared."""
    scores = X @ W
    scores -= scores.max(axis=1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return float(-(D * log_p).sum())


def random_start(data: Data) -> np.ndarray:
    """The weights from which the peer library starts after numpy.random.seed(0)."""
    return np.random.RandomState(0).random_sample((data["X"].shape[1], data["D"].shape[1]))


def our_fits() -> dict[str, Callable[[Data], Any]]:
    """Name -> fit a model of this project on the training rows and return it."""
    import baselines as b

    def maximum_entropy(learner: type, iterations: int, **settings: Any) -> Callable[[Data], Any]:
        def fit(d: Data) -> Any:
            # As the peer: no intercepts, the same random start.
            model = learner(iterations, fit_intercept=False, start=random_start(d), **settings)
            return model.fit(d["X"], d["D"])

        return fit

    def fitted(make: Callable[[], Any]) -> Callable[[Data], Any]:
        return lambda d: make().fit(d["X"], d["D"])

    return {
        "PT-Bayes": fitted(lambda: b.PTBayes()),
        "PT-Bayes, fixed": fitted(lambda: b.PTBayes(shrinkage=SHRINKAGE)),
        "PT-SVM": fitted(lambda: b.PTSVM()),
        "AA-kNN": fitted(lambda: b.AAKNN(k=NEIGHBOURS)),
        "AA-BP": fitted(lambda: b.AABP(n_hidden=HIDDEN_BP, epochs=BP_EPOCHS, random_state=0)),
        "SA-IIS": maximum_entropy(b.SAIIS, IIS_ITERATIONS, tol=0.0),
        "SA-IIS, default": fitted(lambda: b.SAIIS(IIS_ITERATIONS, tol=0.0)),
        "SA-BFGS": maximum_entropy(b.SABFGS, BFGS_ITERATIONS),
        "SA-CPNN": fitted(
            lambda: b.SACPNN(n_hidden=HIDDEN_CPNN, epochs=CPNN_EPOCHS, random_state=0)
        ),
    }


def peer_fits() -> dict[str, Callable[[Data], Any]]:
    """Name -> fit a model of the peer library on the training rows and return it."""
    # It imports these while fitting, which shall not count.
    import sklearn.calibration
    import sklearn.naive_bayes
    import sklearn.neighbors
    import sklearn.svm  # noqa: F401
    from pyldl import algorithms as peer
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    def full_covariances(d: Data) -> Any:
        # The peer's transformation into single labels with a model that does our work.
        class FullBayes(peer.PT_Bayes):
            def _get_default_model(self) -> Any:
                return QuadraticDiscriminantAnalysis(reg_param=SHRINKAGE)

        return FullBayes().fit(d["X"], d["D"])

    never = {"convergence_criterion": -np.inf}
    return {
        "PT-Bayes": lambda d: peer.PT_Bayes().fit(d["X"], d["D"]),
        "PT-Bayes, fixed": full_covariances,
        "PT-SVM": lambda d: peer.PT_SVM().fit(d["X"], d["D"]),
        "AA-kNN": lambda d: peer.AA_KNN(k=NEIGHBOURS).fit(d["X"], d["D"]),
        "AA-BP": lambda d: peer.AA_BP(n_hidden=HIDDEN_BP).fit(d["X"], d["D"], epochs=BP_EPOCHS),
        "SA-IIS": lambda d: peer.SA_IIS().fit(
            d["X"], d["D"], max_iterations=IIS_ITERATIONS, **never
        ),
        "SA-BFGS": lambda d: peer.SA_BFGS().fit(d["X"], d["D"], max_iterations=BFGS_ITERATIONS),
        "SA-CPNN": lambda d: peer.CPNN(n_hidden=HIDDEN_CPNN).fit(
            d["X"], d["D"], epochs=CPNN_EPOCHS
        ),
    }


def run(fit: Callable[[Data], Any], data: Data) -> dict[str, Any]:
    """Fit, predict the test rows, and say how long both took and how good the prediction is.

    What takes milliseconds is repeated for a tenth of a second: the other process has just had
    the processor's caches.
    """
    seconds: list[float] = []
    while not seconds or sum(seconds) < 0.1:
        np.random.seed(0)  # noqa: NPY002 - the peer library draws from the global generator
        begin = time.process_time()
        model = fit(data)
        P = model.predict(data["X_test"])
        seconds.append(time.process_time() - begin)
    P = np.asarray(P, dtype=float)
    figures = {
        "seconds": float(np.median(seconds)),
        "kl": float(kl_divergence(data["D_test"], P).mean()),
        "accuracy": float(accuracy(data["D_test"], P).mean()),
        "iterations": getattr(model, "n_iter_", None),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if hasattr(model, "_W"):
        figures["objective"] = cross_entropy(data["X"], data["D"], model.get_weights())
    elif hasattr(model, "objective_"):
        figures["objective"] = model.objective_
    return figures


def main() -> None:
    """Measure what the command line names, once for every line of the input."""
    who, name, path = sys.argv[1:]
    with np.load(path, allow_pickle=False) as archive:
        data = dict(archive)
    if who == "limit":
        from limits import LIMITS

        once = LIMITS[name](data)
    else:
        fit = (our_fits if who == "ours" else peer_fits)()[name]

        def once() -> dict[str, Any]:
            return run(fit, data)

    for _ in sys.stdin:
        print(json.dumps(once()), flush=True)


if __name__ == "__main__":
    main()
