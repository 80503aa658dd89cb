"""A truth comes back from its arrays, and arrays of something else do not pass for one."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.datasets.base import make_dataset
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import make_truth
from benchmark.planning.protocol import Protocol
from benchmark.planning.splits import make_folds
from benchmark.store.truths import MisfitError, folds_as_csv, from_arrays, to_arrays


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


SUBJECTS = tuple(f"s{i // 5}" for i in range(60))


@pytest.mark.parametrize("split", ["groups", "leave-one-group-out", "hold-out", "given", "rows"])
def test_every_kind_of_split_comes_back(problem, split):
    X, D = problem
    given = np.where(np.arange(60) < 9, -1, np.arange(60) % 2)
    data = make_dataset("data", X, D, groups=SUBJECTS, given_folds=given)
    truth = make_truth(data, make_folds(data, Protocol("p", split=split, folds=3)))
    entry = {"name": "data", "fingerprint": truth.fingerprint, "source": ""}
    if split != "rows":  # as in a run.json that knows of no other kind
        entry["split"] = truth.folds.kind
    back = from_arrays(entry, to_arrays(truth))
    assert back.groups == SUBJECTS
    assert back.folds.kind == split
    assert back.folds.notes == truth.folds.notes
    assert np.array_equal(back.folds.assignment, truth.folds.assignment)
    if split == "rows":
        assert back.folds.groups is None
    else:
        assert np.array_equal(back.folds.groups, truth.folds.groups)
    lines = folds_as_csv(truth).splitlines()
    assert lines[0] == "row,id,group,version,repeat0"
    only_learned = [line.endswith(",train") for line in lines[1:]]
    assert only_learned == (~truth.folds.tested).tolist()
    with pytest.raises(MisfitError, match="59 groups for 60 rows"):
        from_arrays(entry, {**to_arrays(truth), "groups": np.array(SUBJECTS[1:])})
