"""What reference results are, and the files that they lie in: ``results/reference``.

They are in the package: ``benchmark/reference/data`` is that folder. Nothing is read before a
function here is called.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.columns import as_csv, as_written
from benchmark.errors import BenchmarkError, UsageError
from benchmark.metrics import Measure
from features.storage.files import make_folder, write_atomic

#: Where the results lie that come with the package.
INCLUDED = Path(__file__).parent / "data"

#: The word for them on the command line.
NAME = "reference"

#: The data, and how they are split.
SETS = {
    "dataset": "name of the set",
    "rows": "number of its instances",
    "labels": "names of its labels, as a list in JSON",
    "fingerprint": "SHA-256 of its content, which tells the set whatever its file is called",
    "protocol": "name of the protocol",
    "seed": "of the folds and of the models",
    "folds": "number of folds of a repeat",
    "repeats": "number of repeats",
    "folds_version": "of the rule by which rows are split",
    "splits": "SHA-256 of the training and test rows of each fold, repeat by repeat",
}

#: The rows of the tables, with all that determines their results.
MODELS = {
    "model": "name of the row",
    "group": "paper, extended, newer, peer or own; trivial for what looks at no instance",
    "tuned": "whether each fold chooses the settings on its training rows",
    "result_version": "goes up where predictions change under the same settings",
    "year": "of its publication",
    "citation": "who published it, and where",
    "about": "what it does, in a sentence",
    "described": "settings, code and what tuning tries, as JSON",
}

#: Every method on every set: what came of it.
CELLS = {
    "dataset": "name of the set",
    "model": "name of the row",
    "state": "complete, over budget, failed or missing",
    "folds": "number of folds that have a result",
    "expected_folds": "number of folds that there should be",
    "fit_seconds": "to learn from a fold, choosing settings included; mean over folds",
    "predict_seconds": "to predict a fold; mean over folds",
    "reason": "why there is no result",
    "environment": "number of what it was computed with",
}

#: With what results were computed.
ENVIRONMENTS = {
    "environment": "its number",
    "versions": "of libraries and of this package, as JSON",
    "machine": "processor, instruction sets, BLAS and its kernels, threads, as JSON",
}

#: The measures.
MEASURES = {
    "measure": "name of the measure",
    "higher_is_better": "its direction",
    "probe": "its value on a fixed matrix, which tells a measure of the same name apart",
}

#: When, and by which code, the results were collected: one row.
COLLECTED = {
    "date": "day on which it was done",
    "version": "version of this package",
    "commit": "commit of the code, where it is known",
}

#: The columns of ``scores.parquet`` before those of the measures, which have their means over the
#: rows of a test fold.
SCORES = {
    "dataset": "name of the set",
    "model": "name of the row",
    "repeat": "number of the repeat, from 0",
    "fold": "number of the test fold, from 0",
    "chosen": "number of the configuration that a tuned row chose, from 0; else missing",
    "fit_seconds": "to learn, choosing settings included",
}

_TABLES = {
    "sets": SETS,
    "models": MODELS,
    "cells": CELLS,
    "environments": ENVIRONMENTS,
    "measures": MEASURES,
    "collected": COLLECTED,
}

_NUMBERS = ("rows", "year", "seed", "folds", "repeats", "folds_version", "result_version",
            "expected_folds", "fit_seconds", "predict_seconds", "environment", "probe")  # fmt: skip
_FLAGS = ("tuned", "higher_is_better")

#: States of a cell.
COMPLETE, OVER_BUDGET, FAILED, MISSING = "complete", "over budget", "failed", "missing"


@dataclass(frozen=True)
class Reference:
    """Reference results, as tables whose columns this module lists.

    Attributes
    ----------
    sets, models, cells, environments, measures, collected : DataFrame
        `SETS`, `MODELS`, `CELLS`, `ENVIRONMENTS`, `MEASURES`, `COLLECTED`.
    scores : DataFrame
        `SCORES`, and a column for each measure.
    folder : Path, optional
        Where they were read from.
    """

    sets: pd.DataFrame
    models: pd.DataFrame
    cells: pd.DataFrame
    environments: pd.DataFrame
    measures: pd.DataFrame
    collected: pd.DataFrame
    scores: pd.DataFrame
    folder: Path | None = field(default=None, compare=False)

    @property
    def measure_names(self) -> list[str]:
        """Names of the measures."""
        return [str(name) for name in self.measures["measure"]]

    def described(self, model: str) -> dict[str, Any]:
        """Return what determines the results of a row, see `planning.models.Model.describe`."""
        found = self.models.set_index("model")["described"][model]
        return dict(json.loads(str(found)))

    def rows_of(self, dataset: str) -> list[str]:
        """Names of the rows on a set, in the order of the tables, trivial ones last."""
        here = set(self.cells["model"][self.cells["dataset"] == dataset])
        return [str(model) for model in self.models["model"] if model in here]

    def long_scores(self, dataset: str, measures: list[str]) -> pd.DataFrame:
        """Return a set's scores a row per value, as `benchmark.columns.SCORES`."""
        here = self.scores[self.scores["dataset"] == dataset]
        keys = ["dataset", "model", "repeat", "fold"]
        return here.melt(keys, measures, var_name="measure", value_name="value")


def probe(measure: Measure) -> float:
    """Return a measure's mean on a fixed matrix of true and predicted distributions."""
    import numpy as np

    rng = np.random.default_rng(12)
    D, P = rng.dirichlet(np.full(5, 0.8), size=(2, 40))
    return measure.mean(D, P)


def reference_results(folder: str | Path = NAME) -> Reference:
    """Read the reference results: per-fold scores and settings of every method on every set.

    Parameters
    ----------
    folder : str or Path
        Those that come with the package, or a folder that `collect` has filled.

    Returns
    -------
    Reference
        Tables (DataFrames): ``scores`` has a row per set, method and fold, with a column for each
        measure; ``cells`` tells what is complete, over budget or failed; ``sets`` the data and
        their folds; ``models`` the settings.

    Raises
    ------
    UsageError
        There are none in the folder.
    BenchmarkError
        A file is damaged.

    Examples
    --------
    >>> scores = benchmark.reference_results().scores  # doctest: +SKIP
    >>> scores.groupby(["dataset", "model"])["kl_divergence"].mean()  # doctest: +SKIP
    """
    place = INCLUDED if str(folder) == NAME else Path(folder)
    if not (place / "sets.csv").is_file():
        hint = "" if place != INCLUDED else ", which should have come with the package"
        raise UsageError(f"{place} holds no reference results (it has no sets.csv){hint}")
    tables: dict[str, pd.DataFrame] = {}
    try:
        for name, columns in _TABLES.items():
            text = pd.read_csv(place / f"{name}.csv", dtype=str, keep_default_na=False)
            tables[name] = _typed(_checked(text, columns, name))
        scores = _checked(pd.read_parquet(place / "scores.parquet"), SCORES, "scores")
        names = [str(name) for name in tables["measures"]["measure"]]
        _checked(scores, dict.fromkeys(names, ""), "scores")
    except (OSError, ValueError, KeyError) as error:
        raise BenchmarkError(f"the reference results in {place} cannot be read: {error}") from error
    return Reference(**tables, scores=scores, folder=place)


def write_reference(reference: Reference, folder: Path) -> None:
    """Write reference results into a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    make_folder(folder)
    for name in _TABLES:
        write_atomic(folder / f"{name}.csv", as_csv(getattr(reference, name)))
    scores = reference.scores.copy()
    for column in ("dataset", "model"):
        scores[column] = scores[column].astype(object)
    numbers = [str(c) for c in scores if scores[c].dtype.kind == "f"]
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_pandas(scores, preserve_index=False),
        sink,
        compression="zstd",
        compression_level=19,
        use_dictionary=["dataset", "model"],
        use_byte_stream_split=numbers,
    )
    write_atomic(folder / "scores.parquet", sink.getvalue().to_pybytes())


def _checked(frame: pd.DataFrame, columns: Mapping[str, str], name: str) -> pd.DataFrame:
    if absent := [column for column in columns if column not in frame]:
        raise ValueError(f"{name} has no column {absent[0]!r}")
    return frame


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Make numbers and truth values of the texts that stand for them."""
    for column in frame:
        if column in _NUMBERS:
            frame[column] = pd.to_numeric(frame[column].replace("", None))
        elif column in _FLAGS:
            frame[column] = frame[column] == "True"
        else:
            frame[column] = frame[column].map(as_written)
    return frame
