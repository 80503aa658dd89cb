"""Search spaces become configurations: the row's own first, then the simplest, all distinct."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.linear_model import Lasso

from benchmark.errors import UsageError
from benchmark.plugins.parameters import as_json
from benchmark.plugins.spaces import complexities, configurations, search_space, settings_text


def make_class(space, **defaults):
    parameters = {"k": 4, "scaling": "none", "rate": 0.1, **defaults}

    class Model(BaseEstimator):
        search_space = space

        def __init__(
            self, k=parameters["k"], scaling=parameters["scaling"], rate=0.1, p0=0, p1=0, p2=0, p3=0
        ):
            self.k, self.scaling, self.rate = k, scaling, rate
            self.p0, self.p1, self.p2, self.p3 = p0, p1, p2, p3

    return Model


OWN = {"k": 4, "scaling": "none", "rate": 0.1}


def test_a_space_that_fits_is_searched_whole():
    cls = make_class({"k": (50, 10, 4), "scaling": ["none", "standard"]})
    found = configurations(cls, OWN, 24, seed=0)
    assert found[0] == {}  # the row's own
    assert found[1] == {"k": 50}  # the simplest
    whole = [{**OWN, **configuration} for configuration in found]
    expected = [
        {**OWN, "k": k, "scaling": scaling}
        for k, scaling in itertools.product((50, 10, 4), ("none", "standard"))
    ]
    assert len(whole) == 6
    assert all(one in whole for one in expected)


def test_the_row_may_stand_beside_its_space():
    cls = make_class([{"k": (50, 10)}, {"rate": (0.01, 0.3), "k": (7,)}])
    found = configurations(cls, OWN, 24, seed=0)
    assert found[:3] == [{}, {"k": 50}, {"rate": 0.01, "k": 7}]
    assert len(found) == 5


sizes = st.lists(st.integers(1, 6), min_size=1, max_size=3)


@given(sizes, st.integers(2, 30), st.integers(0, 5))
def test_budget_and_distinctness(lengths, budget, seed):
    names = ("k", "rate", "scaling")
    space = {name: tuple(range(100, 100 + n)) for name, n in zip(names, lengths, strict=False)}
    cls = make_class(space)
    found = configurations(cls, OWN, budget, seed)
    total = 1
    for n in lengths:
        total *= n
    assert len(found) == min(budget, total + 1)
    assert found[0] == {}
    assert found[1] == dict.fromkeys(space, 100)
    texts = [str(sorted(configuration.items())) for configuration in found]
    assert len(set(texts)) == len(texts)
    assert found == configurations(cls, OWN, budget, seed)


def test_another_seed_draws_others_from_a_large_space():
    cls = make_class({"k": tuple(range(500)), "rate": tuple(range(100))})
    assert configurations(cls, OWN, 10, 0) != configurations(cls, OWN, 10, 1)


def test_no_space_leaves_the_row_alone():
    assert configurations(make_class({}), OWN, 24, 0) == [{}]
    assert configurations(BaseEstimator, {}, 24, 0) == [{}]


def test_values_may_stand_in_an_array_or_a_range():
    cls = make_class({"k": range(3, 1, -1), "rate": np.logspace(0, -2, 3)})
    assert search_space(cls) == [{"k": [3, 2], "rate": [1.0, 0.1, 0.01]}]
    assert {type(value) for value in search_space(cls)[0]["rate"]} == {float}


def test_complexity_counts_places():
    cls = make_class({"k": (50, 10, 4), "scaling": ("none", "standard")})
    assert complexities(cls, OWN, [{"k": 50}, {}, {"scaling": "standard"}]) == [0, 2, 3]
    assert complexities(cls, {**OWN, "k": 5}, [{}]) == [3]  # a value beside the space


def test_a_configuration_is_written_in_words():
    assert settings_text({}) == "own settings"
    assert settings_text({"r": Lasso(alpha=0.5)}).startswith("r = Lasso(alpha = 0.5, ")
    assert settings_text({"r": as_json(Lasso())}) == settings_text({"r": Lasso()})
    assert re.fullmatch(r"w = float\([0-9a-f]{8}\)", settings_text({"w": float("nan")}))
    text = settings_text({"k": None, "start": "prior", "w": [1, 2]})
    assert text == "k = none, start = prior, w = [1,2]"


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (7, "must be a mapping or a list of mappings, not int"),
        ([{"k": (1,)}, 7], "must be a mapping or a list of mappings, but has 7 in it"),
        ({"kk": (1, 2)}, "has 'kk', no parameter; did you mean 'k'"),
        ({"k": 3}, "needs a list of values for 'k', not 3"),
        ({"k": ()}, r"needs a list of values for 'k', not \(\)"),
        ({"k": "abc"}, "needs a list of values for 'k', not 'abc'"),
        ({"k": np.eye(2)}, "needs a list of values for 'k', not array"),
        ({"k": range(10**10)}, "has 10000000000 values for 'k'; list at most 10000"),
        (
            [{f"p{i}": range(10**4) for i in range(4)} | {"k": range(10**4)}],
            "more combinations than can be counted",
        ),
        ({"k": [lambda x: x, (x for x in "a")]}, "k.*cannot be pickled"),
    ],
)
def test_a_malformed_space_is_told_in_a_sentence(space, said):
    with pytest.raises(UsageError, match=said):
        search_space(make_class(space))
