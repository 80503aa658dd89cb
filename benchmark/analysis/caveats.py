"""What the reader of a table has to know of weak rows: it is the published method, not an error."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmark.analysis.reference import UNIFORM
from benchmark.analysis.ties import beats
from benchmark.metrics import BY_NAME
from benchmark.planning.plan import Plan
from benchmark.wording import listed

#: Settings that are weak and stay, since they are what was published: by model, the settings with
#: which the sentence is true, and the sentence.
WEAK: dict[str, tuple[dict[str, Any], str]] = {
    "AA-kNN": (
        {"k": 4},
        "averages 4 neighbours, as published, where more would do better on most data",
    ),
    "SA-CPNN": (
        {"code": "number", "epochs": 400, "l2": 0.0, "early_stopping": False},
        "sees labels as the numbers 1, 2, 3, ... and trains for 400 epochs without a penalty, as "
        "published, and overfits",
    ),
    "SA-BFGS": (
        {"l2": 0.0},
        "has no penalty, as published, and overfits where features are many or tell little",
    ),
}


def published_but_weak(plan: Plan) -> list[str]:
    """Say of which rows the settings are weak, and kept because they are the published ones."""
    said = []
    for name, described in plan.models.items():
        if described["model"] not in WEAK or "search" in described:
            continue
        settings, sentence = WEAK[described["model"]]
        params = described["params"]
        if all(params.get(key) == value for key, value in settings.items()):
            said.append(f"{name} {sentence}")
    if not said:
        return []
    tuned = any("search" in described for described in plan.models.values())
    hint = "" if tuned else " --tune adds tuned rows."
    return [f"Kept as published although weak: {'; '.join(said)}.{hint}"]


def worse_than_uniform(summary: pd.DataFrame) -> list[str]:
    """Say which rows are worse than equal shares in KLdiv, if it is chosen, and what that means."""
    measure, found = BY_NAME["kl_divergence"], []
    if measure.name not in summary:
        return []
    for dataset, part in summary.groupby("dataset", sort=False):
        values = part.set_index("model")[measure.name]
        models = part["model"][part["kind"] == "model"]
        lost = [str(m) for m in models if beats(values[UNIFORM], values[m], measure)]
        if lost:
            found.append(f"{listed(lost)} on {dataset}")
    if not found:
        return []
    return [
        f"Worse than equal shares in KLdiv: {'; '.join(found)}. Such a row gives hardly any share "
        f"to labels that have one, as a method does that fits the training rows too closely or "
        f"predicts exact zeros."
    ]
