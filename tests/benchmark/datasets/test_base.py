"""Datasets in memory: what is refused in which words, and what tells them apart."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.datasets.base import make_dataset
from benchmark.errors import UsageError


@pytest.fixture
def data(problem):
    return problem[0][:20], problem[1][:20]


def test_fingerprint_is_of_content(data):
    X, D = data
    base = make_dataset("a", X, D)
    assert make_dataset("b", X.copy(), D.copy()).fingerprint == base.fingerprint
    others = [
        make_dataset("a", X + 1, D),
        make_dataset("a", X, D[:, ::-1]),
        make_dataset("a", X, D, label_names=list("wxyz")),
        make_dataset("a", X, D, latent=D),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 5


def refused(X, D, **more):
    with pytest.raises(UsageError) as caught:
        make_dataset("mine", X, D, **more)
    assert str(caught.value).startswith("dataset mine: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_malformed_rows_are_named(data):
    X, D = data
    nan, negative, heavy, missing = X.copy(), D.copy(), D.copy(), D.copy()
    nan[[3, 7], 1] = np.nan
    negative[5, :2] = [-0.25, D[5, 0] + D[5, 1] + 0.25]
    heavy[[1, 2, 3, 4, 5, 6, 9]] *= 1.01
    missing[2, 2] = np.inf
    assert "features has NaN or infinite values in rows 3, 7 (counted from 0)" in refused(nan, D)
    assert "labels has negative values in row 5 " in refused(X, negative)
    names = ["joy", "fear", "awe", "anger"]
    message = refused(X, negative, label_names=names)
    assert message.endswith("(the first is -0.25, in column 'joy')")
    message = refused(X, heavy)
    assert "does not sum to 1 in rows 1, 2, 3, 4, 5 and 2 more" in message
    assert "sums to 1.01" in message
    assert "labels has NaN or infinite values in row 2 " in refused(X, missing)


def test_sums_within_the_tolerance_are_kept_as_they_are(data):
    X, D = data
    assert np.array_equal(make_dataset("a", X, D * (1 + 9e-5)).D, D * (1 + 9e-5))


def test_useless_data_is_refused(data):
    X, D = data
    assert "20 rows but labels has 19" in refused(X, D[:-1])
    assert "one label only" in refused(X, np.ones((20, 1)))
    assert "one and the same label" in refused(X, np.tile([0.0, 1.0], (20, 1)))
    assert "every feature is constant" in refused(np.ones((20, 3)), D)
    assert "at least one row" in refused(X[:0], D[:0])
    assert "its shape is (20,)" in refused(X[:, 0], D)
    assert "features is not a matrix of numbers: it has complex numbers" in refused(X + 1j, D)
    assert "not a matrix of numbers" in refused([["a", "b"]] * 20, D)
    assert "different names" in refused(X, D, label_names=["a", "b", "a", "c"])


def test_a_share_that_is_negative_by_rounding_is_zero(data):
    X, D = data
    rounded = D.copy()
    rounded[3] = [1.0, -1e-17, 0.0, 0.0]
    made = make_dataset("a", X, rounded)
    assert made.D[3].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert np.array_equal(np.delete(made.D, 3, axis=0), np.delete(D, 3, axis=0))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", " a", "d"], "'a' and ' a' are one"),
        (["a", "b", "a", "d"], "'a' comes twice"),
        (["\u00e9", "b", "e\u0301", "d"], "are one"),
        (["a", " ", "c", "d"], "label 1 (counted from 0) has an empty name"),
        (["a", "b\nc", "c", "d"], "the name of label 1, 'b\\nc', is not one line of text"),
        (["a", "b", "c"], "4 labels need 4 different names, not ['a', 'b', 'c']"),
    ],
)
def test_names_of_labels_that_are_none_or_one(data, names, message):
    assert message in refused(*data, label_names=names)


def test_names_of_labels_lose_blanks_and_nothing_else(data):
    names = ["\u00a0joy ", "Joy", "\u559c\u60a6\u200b", "x\u00b2 y"]
    made = make_dataset("a", *data, label_names=names)
    assert made.label_names == ("joy", "Joy", "\u559c\u60a6", "x\u00b2 y")


def test_ids_are_one_per_row_and_repeated_ones_are_noted(data):
    ids = ["x"] * 3 + ["y"] * 2 + list(range(15))
    assert make_dataset("a", *data, ids=ids).notes == ("2 ids each name several rows: 'x', 'y'",)
    assert "ids has 3 rows but labels has 20" in refused(*data, ids=["a", "b", "c"])


def test_some_constant_features_are_said(data):
    X = data[0].copy()
    X[:, 1] = 4.0
    assert make_dataset("a", X, data[1]).notes == ("1 of 5 features are constant over all rows",)


def test_facts_are_what_settings_of_a_model_can_ask_for(data):
    facts = make_dataset("a", *data, label_names=list("wxyz"), sigma=0.3).facts
    assert facts == {"labels": ("w", "x", "y", "z"), "sigma": 0.3}
