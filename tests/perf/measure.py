"""Times one learner of one library in this process and prints the figures as one line of JSON.

Every measurement is a process of its own, so that its peak of memory is its own too, with one
thread for both libraries: that is how the harness runs tasks, one per core.

usage: python tests/perf/measure.py ours|peer NAME DATA.npz
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

#: The budgets both libraries get.
IIS_ITERATIONS = 50
BFGS_ITERATIONS = 500
CPNN_EPOCHS = 400
BP_EPOCHS = 200
NEIGHBOURS = 4
HIDDEN_CPNN, HIDDEN_BP = 50, 60

Data = dict[str, np.ndarray]


def cross_entropy(X: np.ndarray, D: np.ndarray, W: np.ndarray) -> float:
    """-sum d ln p of the maximum entropy model, the scale on which both libraries are compared."""
    scores = X @ W
    scores -= scores.max(axis=1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return float(-(D * log_p).sum())


def random_start(q: int, c: int) -> np.ndarray:
    """The weights from which the peer library starts after numpy.random.seed(0)."""
    return np.random.RandomState(0).random_sample((q, c))


#: Name -> class in our library and in the peer's.
CLASSES = {
    "PT-Bayes": ("PTBayes", "PT_Bayes"),
    "PT-SVM": ("PTSVM", "PT_SVM"),
    "AA-kNN": ("AAKNN", "AA_KNN"),
    "AA-BP": ("AABP", "AA_BP"),
    "SA-IIS": ("SAIIS", "SA_IIS"),
    "SA-BFGS": ("SABFGS", "SA_BFGS"),
    "SA-CPNN": ("SACPNN", "CPNN"),
}


def _models(who: str, name: str) -> dict[str, Callable[[Data], Any]]:
    """Name -> fit a model on the training rows and return it.

    Both libraries import a class when it is asked for; that is done here for the one to be
    measured, so that it counts neither as its time nor as the memory of the others.
    """
    if who == "ours":
        import baselines as b

        getattr(b, CLASSES[name][0])
        return {
            "PT-Bayes": lambda d: b.PTBayes().fit(d["X"], d["D"]),
            "PT-SVM": lambda d: b.PTSVM().fit(d["X"], d["D"]),
            "AA-kNN": lambda d: b.AAKNN(k=NEIGHBOURS).fit(d["X"], d["D"]),
            "AA-BP": lambda d: b.AABP(n_hidden=HIDDEN_BP, epochs=BP_EPOCHS, random_state=0).fit(
                d["X"], d["D"]
            ),
            "SA-IIS": lambda d: b.SAIIS(IIS_ITERATIONS, tol=0.0, fit_intercept=False).fit(
                d["X"], d["D"]
            ),
            "SA-BFGS": lambda d: b.SABFGS(BFGS_ITERATIONS, fit_intercept=False).fit(d["X"], d["D"]),
            "SA-CPNN": lambda d: b.SACPNN(
                n_hidden=HIDDEN_CPNN, epochs=CPNN_EPOCHS, random_state=0
            ).fit(d["X"], d["D"]),
        }
    from pyldl import algorithms as peer

    getattr(peer, CLASSES[name][1])
    never = {"convergence_criterion": -np.inf}
    return {
        "PT-Bayes": lambda d: peer.PT_Bayes().fit(d["X"], d["D"]),
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


def budget(who: str, name: str, data: Data) -> dict[str, float]:
    """Seconds of fitting and predicting one fold at the common budget."""
    fit = _models(who, name)[name]
    if who == "peer":  # it imports these while fitting
        import sklearn.calibration
        import sklearn.naive_bayes
        import sklearn.neighbors
        import sklearn.svm  # noqa: F401
    np.random.seed(0)  # noqa: NPY002 - the peer library draws from the global generator
    start = time.perf_counter()
    model = fit(data)
    fitted = time.perf_counter()
    model.predict(data["X_test"])
    return {"fit": fitted - start, "predict": time.perf_counter() - fitted}


def iis(who: str, data: Data, iterations: int = 20, repeats: int = 3) -> dict[str, float]:
    """Seconds per SA-IIS iteration from the same random start, and the objective reached."""
    X, D = data["X"], data["D"]
    start = random_start(X.shape[1], D.shape[1])
    seconds = []
    for _ in range(repeats if who == "ours" else 1):
        begin = time.perf_counter()
        if who == "ours":
            from baselines import SAIIS

            weights = SAIIS(iterations, 0.0, fit_intercept=False, start=start).fit(X, D).weights_
        else:
            from pyldl.algorithms import SA_IIS

            np.random.seed(0)  # noqa: NPY002
            model = SA_IIS().fit(X, D, max_iterations=iterations, convergence_criterion=-np.inf)
            weights = model.get_weights()
        seconds.append(time.perf_counter() - begin)
    return {
        "per_iteration": min(seconds) / iterations,
        "iterations": iterations,
        "objective": cross_entropy(X, D, weights),
    }


def bfgs(who: str, data: Data, repeats: int = 5) -> dict[str, float]:
    """Seconds of SA-BFGS to the objective at which the peer library stops (``target``)."""
    X, D = data["X"], data["D"]
    if who == "peer":
        from pyldl.algorithms import SA_BFGS

        seconds = []
        for _ in range(repeats):
            np.random.seed(0)  # noqa: NPY002
            begin = time.perf_counter()
            model = SA_BFGS().fit(X, D, max_iterations=BFGS_ITERATIONS)
            seconds.append(time.perf_counter() - begin)
        objective = cross_entropy(X, D, model.get_weights())
        return {"seconds": min(seconds), "objective": objective}
    from baselines import SABFGS

    target = float(data["target"])
    found = {}
    for whiten in (False, True):
        make = partial(SABFGS, tol=0.0, whiten=whiten, fit_intercept=False)
        # The smallest budget that reaches the target, found by bisection and not timed.
        low, high = 0, 20_000 if not whiten else 500
        while high - low > 1:
            middle = (low + high) // 2
            reached = make(max_iter=middle).fit(X, D).objective_ <= target
            low, high = (low, middle) if reached else (middle, high)
        seconds = []
        for _ in range(repeats):
            begin = time.perf_counter()
            model = make(max_iter=high).fit(X, D)
            seconds.append(time.perf_counter() - begin)
        kind = "whitened" if whiten else "plain"
        found[f"{kind}_seconds"] = min(seconds)
        found[f"{kind}_iterations"] = model.n_iter_
        found[f"{kind}_objective"] = model.objective_
    return found


def cpnn(who: str, data: Data) -> dict[str, float]:
    """Seconds per SA-CPNN epoch: the slope between two numbers of epochs, start-up excluded."""
    X, D = data["X"], data["D"]
    short, long = (10, 110) if who == "ours" else (5, 35)

    def seconds(epochs: int) -> float:
        begin = time.perf_counter()
        if who == "ours":
            from baselines import SACPNN

            SACPNN(n_hidden=HIDDEN_CPNN, epochs=epochs, random_state=0).fit(X, D)
        else:
            from pyldl.algorithms import CPNN

            CPNN(n_hidden=HIDDEN_CPNN, random_state=0).fit(X, D, epochs=epochs)
        return time.perf_counter() - begin

    seconds(short)  # imports and first compilation
    slopes = [(seconds(long) - seconds(short)) / (long - short) for _ in range(3)]
    return {"per_epoch": float(np.median(slopes))}


def main() -> None:
    """Measure what the command line names."""
    who, name, path = sys.argv[1:]
    with np.load(path, allow_pickle=False) as archive:
        data = dict(archive)
    special = {"iis": iis, "bfgs": bfgs, "cpnn": cpnn}
    figures = special[name](who, data) if name in special else budget(who, name, data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**figures, "peak_mib": peak}))


if __name__ == "__main__":
    main()
