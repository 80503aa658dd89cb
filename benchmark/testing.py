"""What the author of a method has in pytest: the checks of the contract, one test case each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, update_wrapper
from typing import Any

from benchmark.plugins.configured import class_of, with_adapter
from benchmark.plugins.contract import (
    BASIC_CHECKS,
    FURTHER_CHECKS,
    Check,
    check_name,
    find_problems,
)


def parametrize_with_checks(models: Iterable[Any]) -> Callable[[Any], Any]:
    """Make a pytest case of each model and each check of the contract, those of ``check PLUGIN``.

    Parameters
    ----------
    models : iterable
        Of what `benchmark.register` takes: classes of learners, learners with their settings, or
        plain scikit-learn regressors.

    Returns
    -------
    callable
        The decorator of a test function with the arguments ``model``, a class, and ``check``, a
        function that raises AssertionError with a sentence for everything that is wrong with it.

    Examples
    --------
    In a file such as ``test_my_method.py``::

        from benchmark.testing import parametrize_with_checks
        from my_method import MyMethod


        @parametrize_with_checks([MyMethod])
        def test_contract(model, check):
            check(model)
    """
    import pytest  # which only those who test have

    cases = []
    for model in models:
        learner = with_adapter(model)
        cls = learner if isinstance(learner, type) else class_of(learner, type(model).__name__)
        shown = (model if isinstance(model, type) else type(model)).__name__
        cases += [
            pytest.param(cls, _asserting(check), id=f"{shown}-{check_name(check)}")
            for check in (*BASIC_CHECKS, *FURTHER_CHECKS)
        ]
    return pytest.mark.parametrize(("model", "check"), cases)


def _asserting(check: Check) -> Callable[[type], None]:
    return update_wrapper(partial(_assert_that, check), check)


def _assert_that(check: Check, model: type) -> None:
    __tracebackhide__ = True  # what is wrong is not here
    problems = find_problems(check, model)
    assert not problems, "\n".join(problems)  # noqa: S101 - what pytest is for
