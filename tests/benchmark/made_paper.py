"""Truths, plans and claims made up for the tests of the comparison with the paper."""

from __future__ import annotations

import numpy as np

from benchmark.paper.published import Claim
from benchmark.planning.folds import Folds
from benchmark.planning.plan import Plan, Truth

#: A name of a model that no format may take for markup.
HOSTILE = "a & b_c <script>"

FOLDS = Folds((np.arange(20) % 10)[:, None])
NETWORK = {
    "backbone": "vgg16", "weights": "imagenet", "loss_weight": 0.7, "sigma": 0.6,
    "wheel": "prior", "wheel_trainable": False, "backbone_rate": 0.001, "head_rate": 0.01,
    "dropout": 0.5, "batch_size": 32, "epochs": 20, "momentum": 0.9, "weight_decay": 0.0,
    "augmentation": "none", "reading": "mixture", "neutral": "isolated",
}  # fmt: skip


def truth(name, sigma=None, labels=7, rows=1980, folds=None, **more):
    D = np.eye(labels)[np.arange(rows) % labels]
    split = folds or Folds((np.arange(rows) % 10)[:, None])
    names = tuple(f"label{j}" for j in range(labels))
    return Truth(
        name=name, fingerprint=name, label_names=names, ids=tuple(map(str, range(rows))), D=D,
        sigma=sigma, folds=split, **more,
    )  # fmt: skip


def plan_of(*truths, models=None, seed=0, key="f"):
    models = models if models is not None else {"AA-kNN": {"params": {"k": 4}}}
    return Plan(
        "p", seed, {t.name: t for t in truths}, models, {t.name: dict.fromkeys(models, key)
                                                         for t in truths},
    )  # fmt: skip


def claim_of(*pairs, measure="kl_divergence", table="3"):
    return Claim("c", "A claim", "section 3", table, ("Emotion6",), (measure,), pairs)
