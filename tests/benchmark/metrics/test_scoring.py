"""Measures as scorers of scikit-learn's model selection."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_validate

from baselines import AAKNN
from benchmark.metrics import BY_NAME, expected_calibration_error, known, scorer
from benchmark.metrics.base import Measure


@pytest.mark.parametrize("name", ["chebyshev", "cosine", "expected_calibration_error"])
def test_higher_is_better(name, problem):
    X, D = problem
    learner = AAKNN().fit(X, D)
    sign = 1 if BY_NAME[name].higher_is_better else -1
    value = sign * np.mean(BY_NAME[name].function(D, learner.predict(X)))
    assert scorer(name)(learner, X, D) == pytest.approx(value)
    assert pickle.loads(pickle.dumps(scorer(name)))(learner, X, D) == pytest.approx(value)  # noqa: S301


def test_all_measures_choose_settings(problem):
    X, D = problem
    found = cross_validate(AAKNN(), X, D, cv=2, scoring={name: scorer(name) for name in BY_NAME})
    assert {name.removeprefix("test_") for name in found} >= BY_NAME.keys()
    search = GridSearchCV(AAKNN(), {"k": [1, 20]}, cv=2, scoring=scorer("kl_divergence"))
    assert search.fit(X, D).best_score_ == pytest.approx(
        GridSearchCV(AAKNN(), {"k": [1, 20]}, cv=2).fit(X, D).best_score_
    )


def test_own_measures_are_found_and_misspelt_ones_told(monkeypatch, problem):
    X, D = problem
    own = Measure("mine", "Mine", expected_calibration_error, False, per_row=False)
    monkeypatch.setitem(known.REGISTERED, "mine", own)
    assert scorer("mine")(AAKNN().fit(X, D), X, D) <= 0
    X, D = X[:5], D[:5]
    learner = AAKNN(k=1).fit(X[::-1], D)
    for name in ("KL", "KLdiv", "KL_Divergence"):  # as tables take them
        assert scorer(name)(learner, X, D) == scorer("kl_divergence")(learner, X, D) < 0
    with pytest.raises(ValueError, match="no measure named \\['KL'\\]"):
        scorer(["KL"])
    with pytest.raises(ValueError, match="no measure named 'chebychev'; did you mean 'chebyshev'"):
        scorer("chebychev")
