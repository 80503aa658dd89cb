"""Evidence made up in memory: datasets, folds, and models that predict the truth with errors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from images_in_memory import ImagesInMemory

from benchmark.analysis.evidence import Evidence
from benchmark.datasets import Dataset
from benchmark.datasets.base import Labelled
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import Plan, Result, Truth
from benchmark.planning.protocol import Protocol
from benchmark.planning.splits import make_folds
from benchmark.store.pictures import keep_pictures
from benchmark.store.run_folder import RunFolder


def make_evidence(
    path: Path,
    models: dict[str, float],
    datasets: dict[str, int],
    *,
    labels: tuple[str, ...] = ("anger", "joy", "sadness"),
    folds: int = 5,
    repeats: int = 1,
    missing: int = 0,
    oracle: bool = False,
    params: dict[str, dict] | None = None,
    seed: int = 0,
    split: str = "auto",
    groups: int = 0,
) -> Evidence:
    """Make evidence of models (name -> error, 0 is perfect) on datasets (name -> rows).

    The last `missing` tasks have no result. Every prediction mixes the truth with a random
    distribution, by a share that is the model's error. Each row is of one of so many
    `groups`.
    """
    rng = np.random.default_rng(seed)
    truths = {}
    for number, (name, rows) in enumerate(datasets.items()):
        D = rng.dirichlet(np.full(len(labels), 0.7), size=rows)
        data = Labelled(
            name=name,
            label_names=labels,
            ids=tuple(f"{name}/{row}.jpg" for row in range(rows)),
            D=D,
            latent=0.9 * D + 0.1 / len(labels) if oracle else None,
            groups=tuple(f"g{row % groups}" for row in range(rows)) if groups else None,
        )
        wanted = Protocol("paper", folds=folds, repeats=repeats, seed=seed, split=split)
        drawn = make_folds(data, wanted)
        if split == "auto" and not groups:  # notes of its own would be in every table
            drawn = stratified_folds(D, folds, repeats, seed)
        truths[name] = Truth(**vars(data), fingerprint=f"{number:064x}", folds=drawn)
    described = {
        name: {"model": name, "params": (params or {}).get(name, {}), "source": ""}
        for name in models
    }
    plan = Plan(
        "paper", seed, truths, described, {name: dict.fromkeys(models, "") for name in truths}
    )
    results = {}
    for task in plan.tasks:
        truth = truths[task.dataset]
        test = truth.folds.test(task.repeat, task.fold)
        noise = rng.dirichlet(np.ones(len(labels)), size=len(test))
        error = models[task.model]
        record = {
            "fit_seconds": 0.1 + error,
            "predict_seconds": 0.01,
            "n_iter": 7,
            "warnings": [],
            "versions": {"numpy": "2.0"},
        }
        results[task] = Result((1 - error) * truth.D[test] + error * noise, record)
    kept = dict(list(results.items())[: len(results) - missing])
    folder = RunFolder(path)
    folder.make_for_outputs()
    about = {
        "command": "python -m benchmark run --all",
        "written": "today",
        "machine": {"cores": 2},
    }
    return Evidence(plan, kept, missing, (folder,), (about,), folder)


def make_pictures(evidence: Evidence, name: str, rows: Iterable[int]) -> None:
    """Keep a small picture of some rows of a dataset, as a run does."""
    truth = evidence.plan.truths[name]
    pixels = np.random.default_rng(0).integers(0, 256, size=(len(truth.D), 8, 8, 3))
    images = ImagesInMemory(pixels.astype("u1"))
    data = Dataset(
        name=name, label_names=truth.label_names, ids=truth.ids, D=truth.D, images=images
    )
    # The pictures belong to this truth, whatever fingerprint the images would give it.
    data.__dict__["fingerprint"] = truth.fingerprint
    keep_pictures(evidence.target, data, rows)
