"""What a model predicted, as a DataFrame beside the true distributions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.analysis.evidence import Evidence
from benchmark.errors import UsageError
from benchmark.wording import cut
from features.names import did_you_mean, name_key


def predictions_frame(evidence: Evidence, model: str, dataset: str = "") -> pd.DataFrame:
    """Put together what a model predicted for every tested row of a dataset.

    Parameters and errors are those of `Study.predictions`.
    """
    plan = evidence.plan
    names = list(plan.truths)
    if not dataset and len(names) > 1:
        raise UsageError(f"of which dataset? the run has {', '.join(names)}")
    name = _find("dataset", dataset or names[0], names)
    truth = plan.truths[name]
    parts = []
    for repeat in range(truth.folds.n_repeats):
        found = evidence.predictions(name, repeat)
        predicted = found[_find("model", model, list(found))]
        fold = truth.folds.assignment[:, repeat]
        rows = np.flatnonzero(fold >= 0)
        about = pd.DataFrame(
            {
                "row": rows,
                "id": [truth.ids[row] for row in rows],
                "repeat": repeat,
                "fold": fold[rows],
            }
        )
        degrees = [
            pd.DataFrame(values[rows], columns=[f"{what}:{label}" for label in truth.label_names])
            for what, values in (("true", truth.D), ("predicted", predicted))
        ]
        parts.append(pd.concat([about, *degrees], axis=1))
    return pd.concat(parts, ignore_index=True)


def _find(what: str, name: str, known: list[str]) -> str:
    for one in known:
        if name_key(one) == name_key(str(name)):
            return one
    raise UsageError(
        f"the run has no {what} {name!r}{did_you_mean(str(name), known)} (it has: {cut(known, 20)})"
    )
