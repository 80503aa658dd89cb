"""The algorithms of the peer library python-ldl as models, ``PyLDL:NAME``.

A model's class is an attribute of this module, made when it is first asked for. The library itself,
and TensorFlow with it, is imported only where a model is fitted.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import random
from collections.abc import Iterator
from functools import cache
from inspect import Parameter, Signature
from typing import Any, ClassVar

import numpy as np

from baselines.base import LDLEstimator
from benchmark.plugins.peer_methods import METHODS, NOT_KNOWN, PREFIX, VERSION, Method, missing
from features.arrays import FloatArray

# On which of Keras' backends the library has code of its own.
_BACKENDS = ("tensorflow", "torch")

# Settings of StructRF and LDLogitBoost that belong to their trees.
_OF_TREES = ("max_depth", "min_to_split", "alpha", "beta")


class PeerLearner(LDLEstimator):
    """An algorithm of python-ldl, run as it is, with its own defaults.

    Its random draws are numpy's and Keras' global ones, which are seeded from ``random_state``
    before a fit; numpy's are put back as they were. What it predicts is taken as it is: a row that
    is no distribution is an error, see `baselines.checks.check_distributions`. Of the classifiers
    LDL4C, LDL-HR and LDLM it is what their ``predict_proba`` returns.

    A subclass has the settings of its method as parameters: those of the library's constructor and
    of its ``fit``, and these.

    Parameters
    ----------
    scaling, components
        See `baselines.preprocessing.fit_preprocessing`.
    random_state : int, optional
        Seed.
    """

    method: ClassVar[Method]

    @classmethod
    def load_libraries(cls) -> None:
        """Import the library with what it needs, which takes seconds.

        Raises
        ------
        ImportError
            Something is not installed or cannot be used here; says what to do.
        """
        _algorithm(cls.method)

    def _fit(self, X: FloatArray, D: FloatArray) -> None:
        algorithm = _algorithm(self.method)
        settings = self.get_params(deep=False)
        given = {name: settings[name] for name in self.method.given}
        fitting = {name: settings[name] for name in self.method.fitting}
        with _quiet(), _seeded(settings["random_state"], self.method.is_network):
            self._model = _make(self.method, algorithm, given)
            self._model.fit(X.copy(), D.copy(), **fitting)

    def _predict(self, X: FloatArray) -> FloatArray:
        predict = self._model.predict_proba if self.method.probabilities else self._model.predict
        with _quiet():
            return np.asarray(predict(X.copy()), dtype=float)


def __getattr__(name: str) -> type[PeerLearner]:
    """Return the class of a method."""
    if name not in METHODS:
        raise AttributeError(f"python-ldl has no method {name!r}")
    return _class_of(name)


@cache
def _class_of(name: str) -> type[PeerLearner]:
    """Make the class of a method, with its settings as parameters."""
    method = METHODS[name]
    own = {"scaling": "none", "components": None, "random_state": None}
    settings = {**method.given, **method.fitting, **own}

    def __init__(self: Any, **given: Any) -> None:  # noqa: N807 - it is that of the class
        if unknown := [key for key in given if key not in settings]:
            raise TypeError(f"{PREFIX}{method.name} has no setting {unknown[0]!r}")
        for key, value in {**settings, **given}.items():
            setattr(self, key, value)

    # scikit-learn reads the names of the parameters from the signature.
    __init__.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter("self", Parameter.POSITIONAL_OR_KEYWORD),
            *(Parameter(key, Parameter.KEYWORD_ONLY, default=v) for key, v in settings.items()),
        ]
    )
    about: dict[str, Any] = {
        "__init__": __init__,
        "__doc__": f"{method.name} of python-ldl: {method.citation}.",
        "__module__": __name__,
        "method": method,
        "year": method.year,
        "citation": method.citation,
        "search_space": {name: tuple(values) for name, values in method.space.items()},
    }
    return type(method.name, (PeerLearner,), about)


def _algorithm(method: Method) -> Any:
    """Import the class of the library.

    Raises
    ------
    ImportError
        See `PeerLearner.load_libraries`.
    """
    if lacking := missing(method):
        raise ImportError(f"{PREFIX}{method.name} cannot run here: {lacking}")
    if method.is_network:
        _start_keras(method)
    with _quiet():
        library = importlib.import_module("pyldl.algorithms")
        try:
            return getattr(library, method.name)
        except AttributeError as error:
            raise ImportError(
                f"{PREFIX}{method.name} cannot run here: this python-ldl has no {method.name}, as "
                f"{VERSION} has"
            ) from error


def _start_keras(method: Method) -> None:
    from features.networks import backend

    chosen = os.environ.get("KERAS_BACKEND", _BACKENDS[0])
    if chosen not in _BACKENDS:
        raise ImportError(
            f"{PREFIX}{method.name} cannot run here: KERAS_BACKEND is {chosen}, and python-ldl "
            f"works with {' and '.join(_BACKENDS)} only"
        )
    backend.start(threads=1)


def _make(method: Method, algorithm: Any, given: dict[str, Any]) -> Any:
    """Make an object of the library, with what its constructor wants."""
    if method.name == "LDL_DVS":
        if given["pos"] is None or given["neg"] is None:
            raise ValueError(f"{PREFIX}LDL_DVS cannot run: {NOT_KNOWN[method.name]}")
        given |= {side: np.asarray(given[side], dtype=float) for side in ("pos", "neg")}
    if method.name in ("StructRF", "LDLogitBoost"):
        of_tree = {name: given.pop(name) for name in _OF_TREES if name in given}
        given["estimator"] = _tree(method, algorithm, of_tree)
    return algorithm(**given)


def _tree(method: Method, algorithm: Any, settings: dict[str, Any]) -> Any:
    if method.name == "StructRF":
        return algorithm.StructTree(**settings)
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(**settings)


@contextlib.contextmanager
def _seeded(seed: int | None, of_keras: bool) -> Iterator[None]:
    """Seed the global generators that the library draws from, and put back Python's and numpy's."""
    if seed is None:
        yield
        return
    of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    if of_keras:
        import keras

        keras.utils.set_random_seed(seed % 2**32)
    try:
        yield
    finally:
        np.random.set_state(of_numpy)  # noqa: NPY002
        random.setstate(of_python)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Drop what the library prints, such as progress bars."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
