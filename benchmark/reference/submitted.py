"""Rows of a submission, to be ranked beside those of the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import BenchmarkError, UsageError
from benchmark.metrics import ALL_MEASURES, Measure
from benchmark.reference.checking import wrong_with
from benchmark.reference.collecting import model_row
from benchmark.reference.contents import COMPLETE, Reference
from benchmark.reference.submission import SHAPE
from benchmark.wording import count
from features.storage.files import DamagedFileError, read_json


def read_submission(path: Path) -> dict[str, Any]:
    """Read a submission.

    Raises
    ------
    UsageError
        There is no such file.
    BenchmarkError
        It is damaged, or no submission.
    """
    try:
        return read_json(path, SHAPE)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}") from error
    except DamagedFileError as error:
        raise BenchmarkError(f"{error}; make it anew with: submission RUNFOLDER") from error
    except OSError as error:
        raise BenchmarkError(f"cannot read {path}: {error.strerror}") from error


def rows_of(
    path: Path, reference: Reference, measures: Sequence[Measure]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return cells, scores and models of a submission, as the reference has them.

    Raises
    ------
    UsageError
        Something is wrong with it.
    """
    content = read_submission(path)
    if wrong := wrong_with(content, reference, ALL_MEASURES):
        more = f" (and {count(len(wrong) - 1, 'thing')} more)" if len(wrong) > 1 else ""
        raise UsageError(f"{path} cannot be taken: {wrong[0]}{more}; see: submission {path}")
    known = {str(row["fingerprint"]): row["dataset"] for row in reference.sets.to_dict("records")}
    names = {entry["dataset"]: known[entry["fingerprint"]] for entry in content["datasets"]}
    models = [str(model["model"]) for model in content["models"]]
    scores = [_score(row, names, measures) for row in content["scores"] if row["model"] in models]
    cells = []
    for entry in content["datasets"]:
        expected = entry["folds"] * entry["repeats"]
        for model in models:
            spent = [row.get("fit_seconds", np.nan) for row in content["scores"]
                     if (row["dataset"], row["model"]) == (entry["dataset"], model)]  # fmt: skip
            cells.append(
                {"dataset": names[entry["dataset"]], "model": model, "state": COMPLETE,
                 "folds": expected, "expected_folds": expected, "reason": "",
                 "fit_seconds": float(np.mean(spent))}
            )  # fmt: skip
    described = [
        {**model_row(str(model["model"]), model["described"]), "group": "own", "own": True}
        for model in content["models"]
    ]
    return pd.DataFrame(cells), pd.DataFrame(scores), pd.DataFrame(described)


def _score(
    row: Mapping[str, Any], names: Mapping[str, Any], measures: Sequence[Measure]
) -> dict[str, Any]:
    keys = {key: row[key] for key in ("model", "repeat", "fold")}
    values = {measure.name: row["values"][measure.name] for measure in measures}
    return {"dataset": names[row["dataset"]], **keys, **values}
