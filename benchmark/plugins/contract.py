"""Checks that a model keeps the contract: our tests run them on ours, users on their plugins.

A check gets a model class and yields a sentence for everything it finds wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin, clone

from baselines.base import LDLEstimator
from baselines.checks import check_distributions
from benchmark.errors import UsageError
from benchmark.plugins.measure_contract import check_measure
from benchmark.plugins.measures import measures_of
from benchmark.plugins.parameters import CONSUMES, check_params, default_params
from benchmark.plugins.registry import load_plugin, models
from benchmark.plugins.spaces import Configuration, search_space, settings_text
from benchmark.wording import count, listed
from features.arrays import FloatArray

#: Shares predicted together with others may differ so much from those predicted alone, since both
#: are optima to a tolerance.
_AS_GOOD = 0.02

Check = Callable[[type], Iterator[str]]


def check_plugin(path: str | Path) -> list[str]:
    """Find everything that is wrong with the models and measures of a plugin file.

    Parameters
    ----------
    path : str or Path
        The plugin.

    Returns
    -------
    list of str
        One sentence per problem, empty if there is none.

    Raises
    ------
    UsageError
        The file is missing or cannot be loaded at all.
    """
    problems: list[str] = []
    names = load_plugin(path, problems)
    known = models()
    for name in names:
        problems += [f"{name}: {problem}" for problem in check_model(known[name].load(), name)]
    for measure in measures_of(str(Path(path).resolve())):
        problems += [f"{measure.name}: {problem}" for problem in check_measure(measure)]
    return problems


def check_model(cls: type, name: str = "NAME") -> list[str]:
    """Find everything that breaks the contract of a model class.

    Parameters
    ----------
    cls : type
        The class; it must be constructible without arguments.
    name : str
        Its name in tables, for a line that is to be written.

    Returns
    -------
    list of str
        One sentence per problem. Of a class that cannot be made, fitted and asked for a prediction
        only those problems are told.
    """
    problems: list[str] = []
    for stage in (BASIC_CHECKS, FURTHER_CHECKS):
        problems += [problem for check in stage for problem in find_problems(check, cls)]
        if problems:
            break
    return [*problems, *_adapter_for(cls, name)] if problems else []


def find_problems(check: Check, cls: type) -> list[str]:
    """Find what one check has to say of a model class, whatever the model raises."""
    problems: list[str] = []
    try:
        problems += check(cls)
    except (Exception, SystemExit) as error:  # a user's model may raise anything
        what = check_name(check).replace("_", " ")
        problems.append(f"{what}: {type(error).__name__}: {error}")
    return problems


def check_name(check: Check) -> str:
    """Return the short name of a check, such as ``single_row``."""
    return check.__name__.removeprefix("_check_")


def _adapter_for(cls: type, name: str) -> Iterator[str]:
    """Tell what to write if a class is a plain regressor, of which the adapter makes a learner."""
    methods = [hasattr(cls, method) for method in ("fit", "predict")]
    if issubclass(cls, LDLEstimator) or not all(methods):
        return
    plain = issubclass(cls, RegressorMixin) and hasattr(cls, "get_params")
    own = cls.__name__
    yield (
        f"if it predicts any numbers, "
        f"{'' if plain else 'derive it from sklearn.base.RegressorMixin and BaseEstimator, '}"
        f'remove its decorator and write below it: register("{name}", from_regressor({own}())); '
        f"the adapter (from baselines import from_regressor) checks the input and makes "
        f"distributions of the predictions"
    )


# --- The problems the checks pose ----------------------------------------------------------------


_SIDE = 32  # pixels per side of the images, for models that take images


def _problem(
    cls: type, n: int = 60, q: int = 6, c: int = 4, seed: int = 0
) -> tuple[NDArray[Any], FloatArray]:
    """Draw features and distributions that depend on them, with exact zeros among the shares.

    A class that consumes images gets some whose colours are the first three features.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, q))
    D = np.exp(X @ rng.normal(size=(q, c)))
    D[D < 0.3 * D.mean(axis=1, keepdims=True)] = 0.0
    D /= D.sum(axis=1, keepdims=True)
    if not _takes_images(cls):
        return X, D
    grain = rng.normal(scale=20.0, size=(n, _SIDE, _SIDE, 3))
    return np.clip(128 + 40 * X[:, None, None, :3] + grain, 0, 255).astype(np.uint8), D


def _takes_images(cls: type) -> bool:
    return getattr(cls, "consumes", "features") == "images"


def _make(cls: type, seed: int = 0) -> Any:
    estimator = cls()
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=seed)
    return estimator


def _predict(cls: type, X: NDArray[Any], D: FloatArray, test: NDArray[Any]) -> FloatArray:
    estimator = _make(cls)
    estimator.fit(X, D)
    return np.asarray(estimator.predict(test))


# --- First stage: a model that fails here cannot be checked any further --------------------------


def _check_construction(cls: type) -> Iterator[str]:
    estimator = cls()
    for method in ("fit", "predict", "get_params", "set_params"):
        if not callable(getattr(estimator, method, None)):
            yield f"has no method {method}; derive from baselines.LDLEstimator"
    consumes = getattr(cls, "consumes", "features")
    if consumes not in CONSUMES:
        yield f"consumes must be {listed(CONSUMES, 'or')}, not {consumes!r}"


def _check_fit_and_predict(cls: type) -> Iterator[str]:
    X, D = _problem(cls)
    estimator = _make(cls)
    if estimator.fit(X[:40], D[:40]) is not estimator:
        yield "fit must return self"
    yield from _judge(estimator.predict(X[40:]), (20, D.shape[1]), "on a small problem")


def _judge(predicted: Any, shape: tuple[int, int], where: str) -> Iterator[str]:
    if np.shape(predicted) != shape:
        yield f"predict must return shape {shape} {where}, it returned {np.shape(predicted)}"
        return
    try:
        check_distributions(predicted, f"{where}, the prediction")
    except ValueError as error:
        yield str(error)


# --- Second stage --------------------------------------------------------------------------------


def _check_clone(cls: type) -> Iterator[str]:
    estimator = cls()
    clone(estimator)  # raises where __init__ does more than assign
    fitted = [name for name in vars(estimator) if name.endswith("_") and not name.startswith("_")]
    if fitted:
        yield f"__init__ sets {listed(fitted)}: fitted state belongs into fit"


def _check_parameters(cls: type) -> Iterator[str]:
    try:
        check_params(cls.__name__, default_params(cls))
    except UsageError as error:
        yield str(error)


def _check_search_space(cls: type) -> Iterator[str]:
    try:
        space = search_space(cls)
    except UsageError as error:
        yield str(error)
        return
    X, D = _problem(cls, n=45)
    # What the search asks for: the simplest configuration of each mapping, and the last one.
    tried = [{name: values[end] for name, values in part.items()} for part in space
             for end in (0, -1)]  # fmt: skip
    alone = []
    for configuration in tried:
        estimator = _make(cls).set_params(**configuration)
        where = f"with {settings_text(configuration)} of its search space"
        try:
            predicted = estimator.fit(X[:30], D[:30]).predict(X[30:])
        except (Exception, SystemExit) as error:  # a user's model may raise anything
            yield f"{where} it raises {type(error).__name__}: {error}"
        else:
            problems = list(_judge(predicted, (15, D.shape[1]), where))
            yield from problems
            alone += [predicted] * (not problems)
    if tried and len(alone) == len(tried) and hasattr(cls, "predict_each"):
        yield from _compare_each(cls, tried, alone)


def _compare_each(cls: type, tried: list[Configuration], alone: list[Any]) -> Iterator[str]:
    X, D = _problem(cls, n=45)
    together = list(_make(cls).predict_each(tried, X[:30], D[:30], X[30:]))
    if len(together) != len(tried):
        yield (
            f"predict_each returns {count(len(together), 'prediction')} for "
            f"{count(len(tried), 'configuration')}"
        )
        return
    for configuration, one, other in zip(tried, together, alone, strict=True):
        where = f"predict_each and fit disagree with {settings_text(configuration)}"
        if np.shape(one) != np.shape(other):
            yield f"{where}: the shapes are {np.shape(one)} and {np.shape(other)}"
        elif np.abs(one - other).max() > _AS_GOOD:
            yield f"{where}: shares differ by up to {np.abs(one - other).max():.2g}"


def _check_random_state(cls: type) -> Iterator[str]:
    params = cls().get_params(deep=False)
    if params.get("random_state") is not None:
        yield "random_state must default to None: the run derives it for every task"


def _check_repeatability(cls: type) -> Iterator[str]:
    X, D = _problem(cls)
    first, second = (_predict(cls, X[:40], D[:40], X[40:]) for _ in range(2))
    if not np.array_equal(first, second):
        yield (
            "two fits on the same data give different predictions: take every random draw from "
            "numpy.random.default_rng(self.random_state), with a parameter random_state=None"
        )
        return  # the next check could not tell memory from chance
    again = _make(cls)
    again.fit(*_problem(cls, n=50, q=5, c=3, seed=1))
    again.fit(X[:40], D[:40])
    if not np.array_equal(first, np.asarray(again.predict(X[40:]))):
        yield "a second fit remembers the first: fit must start anew"


def _check_unchanged_inputs(cls: type) -> Iterator[str]:
    X, D = _problem(cls)
    train, target, test = X[:40].copy(), D[:40].copy(), X[40:].copy()
    estimator = _make(cls)
    estimator.fit(train, target)
    estimator.predict(test)
    for name, now, then in (("X", train, X[:40]), ("D", target, D[:40]), ("X", test, X[40:])):
        if not np.array_equal(now, then):
            yield f"{name} is changed in place by {'predict' if now is test else 'fit'}; copy it"


def _check_single_row(cls: type) -> Iterator[str]:
    X, D = _problem(cls)
    yield from _judge(_predict(cls, X[:40], D[:40], X[40:41]), (1, D.shape[1]), "on one test row")


def _check_awkward_data(cls: type) -> Iterator[str]:
    X, D = _problem(cls)
    if _takes_images(cls):
        return
    constant = X.copy()
    constant[:, 0] = 3.0
    absent = D.copy()
    absent[:, 0] = 0.0
    absent /= np.maximum(absent.sum(axis=1, keepdims=True), 1e-12)
    absent[absent.sum(axis=1) < 0.5, 1] = 1.0
    wide_X, wide_D = _problem(cls, n=30, q=50)
    for where, features, target in (
        ("with a constant feature", constant, D),
        ("with a label that never occurs", X, absent),
        ("with more features than rows", wide_X, wide_D),
        ("with features of the size of 1e4", X * 1e4, D),
    ):
        n = len(features) - 10
        try:
            predicted = _predict(cls, features[:n], target[:n], features[n:])
        except (Exception, SystemExit) as error:  # a user's model may raise anything
            yield f"{where} it raises {type(error).__name__}: {error}"
        else:
            yield from _judge(predicted, (10, target.shape[1]), where)


def _check_bad_input(cls: type) -> Iterator[str]:
    X, D = _problem(cls)
    wrong, negative, heavy = X.astype(np.float64), D.copy(), D * 1.5
    wrong[3, 0] = np.nan
    negative[3] = [-0.5, 0.5, 0.5, 0.5]
    for what, features, target in (
        ("numbers in place of images" if _takes_images(cls) else "NaN in X", wrong, D),
        ("a negative row of D", X, negative),
        ("rows of D that do not sum to 1", X, heavy),
        ("fewer rows in D than in X", X, D[:-1]),
    ):
        try:
            _make(cls).fit(features, target)
        except ValueError:
            continue
        except (Exception, SystemExit) as error:  # a user's model may raise anything
            yield f"{what} must raise ValueError, it raised {type(error).__name__}: {error}"
        else:
            yield f"{what} must raise ValueError; baselines.LDLEstimator checks it for you"


#: A model that fails one of these cannot be checked any further.
BASIC_CHECKS: tuple[Check, ...] = (_check_construction, _check_fit_and_predict)
#: Everything else that `check` checks; `benchmark.testing` makes a test case of each.
FURTHER_CHECKS: tuple[Check, ...] = (
    _check_clone,
    _check_parameters,
    _check_search_space,
    _check_random_state,
    _check_repeatability,
    _check_unchanged_inputs,
    _check_single_row,
    _check_awkward_data,
    _check_bad_input,
)
