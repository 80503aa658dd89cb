"""The contract's checks as pytest cases of a plugin's author: one each, the same as `check` has."""

from __future__ import annotations

from sklearn.linear_model import Ridge

from baselines import AAKNN
from benchmark.plugins.contract import BASIC_CHECKS, FURTHER_CHECKS, check_name
from benchmark.testing import parametrize_with_checks

CHECKS = [check_name(check) for check in (*BASIC_CHECKS, *FURTHER_CHECKS)]


@parametrize_with_checks([AAKNN(k=3), Ridge()])
def test_good_ones_pass(model, check):
    check(model)


def test_there_is_a_case_of_each_model_and_check():
    cases = parametrize_with_checks([AAKNN, Ridge()]).args[1]
    assert [case.id for case in cases] == [f"AAKNN-{name}" for name in CHECKS] + [
        f"Ridge-{name}" for name in CHECKS
    ]


def test_a_bad_one_fails_where_it_is_bad_with_a_sentence():
    class Careless(AAKNN):
        search_space = ()

        def _predict(self, X):
            X[0] = 0.0
            return super()._predict(X)

    failed = {}
    for model, check in (case.values for case in parametrize_with_checks([Careless]).args[1]):
        try:
            check(model)
        except AssertionError as error:
            failed[check_name(check)] = str(error)
    assert list(failed) == ["unchanged_inputs"]
    assert failed["unchanged_inputs"] == "X is changed in place by predict; copy it"
