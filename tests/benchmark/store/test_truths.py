"""A truth comes back from its arrays, and arrays of something else do not pass for one."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.datasets.base import make_dataset
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import make_truth
from benchmark.store.truths import MisfitError, from_arrays, to_arrays


def test_there_and_back(problem):
    X, D = problem
    names = ("a", "情感", "c", "d")
    data = make_dataset("data", X, D, names, latent=D, sigma=0.5, source="s", notes=["n"])
    truth = make_truth(data, stratified_folds(D, 3))
    entry = {"name": "data", "fingerprint": truth.fingerprint, "source": "s", "sigma": 0.5}
    arrays = to_arrays(truth)
    back = from_arrays(entry, arrays)
    assert (back.label_names, back.ids, back.notes) == (names, truth.ids, ("n",))
    assert np.array_equal(back.D, D)
    assert np.array_equal(back.folds.assignment, truth.folds.assignment)
    assert back.folds.version == 1  # of runs whose run.json does not tell it
    assert from_arrays({**entry, "folds_version": 7}, arrays).folds.version == 7
    for name in arrays.keys() - {"latent"}:
        with pytest.raises(MisfitError, match=f"it has no {name}"):
            from_arrays(entry, {key: array for key, array in arrays.items() if key != name})
    with pytest.raises(MisfitError, match="other data"):
        from_arrays({**entry, "fingerprint": "another"}, arrays)
    with pytest.raises(MisfitError, match="60 ids and 4 labels for 59 x 4"):
        from_arrays(entry, {**arrays, "D": D[1:], "latent": D[1:]})
