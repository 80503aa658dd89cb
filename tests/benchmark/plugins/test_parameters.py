"""Hyper-parameters: different ones look different in keys, and each reaches a worker process."""

from __future__ import annotations

import threading
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from benchmark.errors import UsageError
from benchmark.planning.models import choose_models
from benchmark.planning.protocol import Protocol
from benchmark.plugins.registry import register
from features.storage.files import canonical_json


class Holder:
    """A model with one hyper-parameter."""

    params: ClassVar = {}

    def get_params(self, deep=True):
        return dict(self.params)


def described(value):
    register("Holder")(Holder)
    Holder.params = {"value": value}
    (model,) = choose_models(Protocol("x"), ["Holder"])
    return canonical_json(model.describe()["params"]["value"])


def large(last):
    return np.arange(5000.0) * [*[1.0] * 4999, last]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([large(1), "x"], [large(2), "x"]),
        ({"a": large(1)}, {"a": large(2)}),
        (pd.DataFrame({"a": large(1)}), pd.DataFrame({"a": large(2)})),
        (SVC(C=1.0, gamma=large(1)), SVC(C=1.0, gamma=large(2))),
        ({1: "a"}, {"1": "a"}),
        ({1: "a", "b": 2}, {1: "b", "b": 2}),
        (float("nan"), float("inf")),
        (np.mean, np.median),
        ({1, 2}, {1, 3}),
        (1, True),
    ],
)
def test_different_hyper_parameters_look_different(clean_registry, one, other):
    assert described(one) != described(other)


def test_equal_hyper_parameters_look_equal(clean_registry):
    assert described(SVC(C=2.0)) == described(SVC(C=2.0))
    assert described({1: "a", 2: "b"}) == described({2: "b", 1: "a"})
    assert described((1, np.float64(2.0))) == described([1, 2.0]) == "[1,2.0]"
    assert described({"b": np.arange(2)}) == '{"b":[0,1]}'


@pytest.mark.parametrize("value", [threading.Lock(), [threading.Lock()], lambda x: x])
def test_what_cannot_be_pickled_is_refused(clean_registry, value):
    with pytest.raises(
        UsageError, match=r"model 'Holder': the value of value, .* cannot be pickled"
    ):
        described(value)
