"""Chooses the settings of networks in the demo protocol, on images of another seed than the demo's.

Writes results/demo_networks.csv: ``make demo-networks``, about 8 minutes of one core. The demo's
images have seed 0; these have `SEED`. Two of five folds are fitted under every candidate. The
chosen candidate has the lowest KL of DLDL; EW-MTCNN has the same settings but for its own.

usage: python tests/perf/demo_networks.py [--out FILE.csv]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from sklearn.model_selection import StratifiedKFold

from baselines import DLDL
from baselines.early_stopping import kl_divergence
from benchmark.datasets.synthetic.dataset import EMOTION6_LABELS, load_synthetic
from ewmtcnn import EWMTCNN
from ewmtcnn.activations import activations
from features.networks import backend

OUT = Path(__file__).resolve().parents[2] / "results" / "demo_networks.csv"
SEED, FOLDS = 1, (0, 2)

_LONG: dict[str, Any] = {"dropout": 0.2, "augmentation": "flip", "weight_decay": 1e-3}

#: Model, name of the candidate, and what differs from the published settings.
CANDIDATES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("DLDL", "as published", {}),
    ("DLDL", "long", {**_LONG, "epochs": 60}),
    ("DLDL", "chosen", {**_LONG, "epochs": 40, "head_rate": 0.2}),
    ("DLDL", "fast backbone",
     {**_LONG, "epochs": 30, "head_rate": 0.1, "backbone_rate": 0.003}),
    ("DLDL", "more decay",
     {**_LONG, "epochs": 40, "head_rate": 0.5, "dropout": 0.1, "weight_decay": 2e-3}),
    ("DLDL", "no dropout", {**_LONG, "epochs": 40, "head_rate": 0.5, "dropout": 0.0}),
    ("DLDL", "crops",
     {**_LONG, "epochs": 40, "head_rate": 0.5, "dropout": 0.0, "augmentation": "crop"}),
    ("EW-MTCNN", "as published", {}),
    ("EW-MTCNN", "chosen", {**_LONG, "epochs": 40, "head_rate": 0.2}),
    ("DLDL", "frozen, as published", {"backbone_rate": 0.0, "dropout": 0.0}),
    ("DLDL", "frozen, chosen",
     {"backbone_rate": 0.0, "dropout": 0.0, "epochs": 40, "head_rate": 0.2, "weight_decay": 1e-3}),
    ("DLDL", "frozen, chosen, dropout",
     {"backbone_rate": 0.0, "dropout": 0.2, "epochs": 40, "head_rate": 0.2, "weight_decay": 1e-3}),
    ("EW-MTCNN", "no momentum", {"momentum": 0.0}),
    ("EW-MTCNN", "no wheel", {"wheel": "none"}),
)  # fmt: skip


def best_head(A: np.ndarray, D: np.ndarray, decay: float) -> np.ndarray:
    """Minimise the convex problem of a frozen head: weights and biases, (q + 1, c)."""
    n, q = A.shape
    A = np.column_stack([A, np.ones(n)])

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        W = theta.reshape(q + 1, -1)
        scores = A @ W
        log_p = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        penalised = np.concatenate([W[:q], np.zeros((1, W.shape[1]))])
        value = -(D * log_p).sum() / n + decay / 2 * (penalised**2).sum()
        return value, (A.T @ (np.exp(log_p) - D) / n + decay * penalised).ravel()

    found = minimize(
        objective, np.zeros((q + 1) * D.shape[1]), jac=True, method="L-BFGS-B",
        options={"maxiter": 2000},
    )  # fmt: skip
    return np.asarray(found.x.reshape(q + 1, -1))


def predict_head(A: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Predict with what `best_head` returned."""
    scores = A @ W[:-1] + W[-1]
    return np.asarray(np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)))


def main() -> None:
    """Fit all candidates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    backend.start(threads=1)
    data = load_synthetic(seed=SEED)
    assert data.images is not None
    assert data.latent is not None
    X, D = np.stack([data.images.load(row, 64) for row in range(len(data.D))]), data.D
    split = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, D.argmax(axis=1)))
    folds = [split[number] for number in FOLDS]
    rows: list[dict[str, Any]] = []

    def add(
        model: str, name: str, settings: dict[str, Any], scores: list[tuple[float, float]],
        seconds: float = 0.0,
    ) -> None:  # fmt: skip
        test, training = np.mean(scores, axis=0)
        written = ", ".join(f"{key}={value}" for key, value in settings.items())
        rows.append({"model": model, "name": name, "settings": written,
                     "kl_test": round(float(test), 4), "kl_training": round(float(training), 4),
                     "cpu_seconds": round(seconds / len(folds), 1)})  # fmt: skip
        print(rows[-1], flush=True)
        pd.DataFrame(rows).to_csv(out, index=False)

    def score(P: np.ndarray) -> list[tuple[float, float]]:
        return [(kl_divergence(D[b], P[b]), kl_divergence(D[a], P[a])) for a, b in folds]

    add("oracle", "", {}, score(np.asarray(data.latent)))
    means = [(kl_divergence(D[b], np.tile(D[a].mean(axis=0), (len(b), 1))),
              kl_divergence(D[a], np.tile(D[a].mean(axis=0), (len(a), 1))))
             for a, b in folds]  # fmt: skip
    add("mean distribution", "", {}, means)
    A = activations(X, "small", "bundled", "float32").astype(np.float64)
    heads = [best_head(A[a], D[a], 1e-3) for a, _ in folds]
    found = [predict_head(A, W) for W in heads]
    scores = [(kl_divergence(D[b], P[b]), kl_divergence(D[a], P[a]))
              for P, (a, b) in zip(found, folds, strict=True)]  # fmt: skip
    add("optimum of a frozen head", "", {"weight_decay": 0.001}, scores)
    for model_name, name, settings in CANDIDATES:
        before = time.process_time()
        scores = []
        for number, (a, b) in zip(FOLDS, folds, strict=True):
            model: Any = DLDL() if model_name == "DLDL" else EWMTCNN(EMOTION6_LABELS)
            model.set_params(backbone="small", weights="bundled", random_state=number, **settings)
            model.fit(X[a], D[a])
            scores.append((kl_divergence(D[b], model.predict(X[b])),
                           kl_divergence(D[a], model.predict(X[a]))))  # fmt: skip
        add(model_name, name, settings, scores, time.process_time() - before)


if __name__ == "__main__":
    main()
