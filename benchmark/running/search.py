"""Chooses a row's settings inside one fold, by cross-validation on its training rows alone.

scikit-learn's `GridSearchCV` goes through configurations and inner folds, keeps the books and
chooses. What it asks for are scores; these come from here, because configurations share work
(`baselines.LDLEstimator.predict_each`), and because each is kept on the disk at once, so that a
killed search goes on where it stopped. A configuration sees row numbers, not data: the input of
images is split anew for every inner fold, PCA included.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from baselines.base import Monitor
from baselines.checks import check_distributions
from benchmark.metrics import BY_NAME, TOLERANCE, Measure
from benchmark.planning.folds import Folds, stratified_folds
from benchmark.planning.grouped_folds import grouped_folds
from benchmark.planning.inputs import Input
from benchmark.planning.models import Model, Search
from benchmark.plugins.spaces import Configuration, complexities
from benchmark.running.texts import describe_error
from features.arrays import FloatArray, IntArray
from features.storage.files import DamagedFileError, read_json, write_json
from features.storage.shape import NUMBER

#: Makes an estimator with the settings of a configuration, not fitted.
Make = Callable[[Configuration], Any]

#: The file of scores of an inner fold.
_SHAPE = {"scores": [(type(None), *NUMBER)], "failed": {str: str}, "seconds": NUMBER}


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes
    ----------
    chosen : int
        Number of the best configuration.
    scores : ndarray of shape (configurations, folds)
        The measure in every inner fold; NaN for a configuration that fails there.
    failed : dict
        Number of a configuration to the reason of its first failure.
    seconds : float
        What the fits took, those before a kill included.
    """

    chosen: int
    scores: FloatArray
    failed: dict[int, str]
    seconds: float

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        scores = [[None if math.isnan(v) else float(v) for v in row] for row in self.scores]
        failed = {str(number): reason for number, reason in self.failed.items()}
        return {"chosen": self.chosen, "scores": scores, "failed": failed, "seconds": self.seconds}


@dataclass(frozen=True)
class Data:
    """The training rows of a fold.

    Attributes
    ----------
    input : Input
        What the model gets as X.
    D : ndarray of shape (n, c)
        Description degrees of the whole dataset.
    rows : ndarray of int
        Numbers of the training rows.
    groups : ndarray of shape (n,), optional
        Number of each row's group, in the whole dataset, where groups are kept apart.
    """

    input: Input
    D: Any
    rows: IntArray
    groups: IntArray | None = None


def search(model: Model, make: Make, data: Data, seed: int, monitor: Monitor) -> Found:
    """Try every configuration of a row in inner folds, and choose one.

    Parameters
    ----------
    model : Model
        With its search.
    make : callable
        Makes an estimator.
    data : Data
        What there is to learn from; the rows of the outer test fold are no part of it.
    seed : int
        Of the inner folds.
    monitor : Monitor
        Its folder keeps the scores, and what networks need to go on; it is told how far the
        search is.

    Returns
    -------
    Found
        Of configurations whose means differ by no more than `benchmark.metrics.TOLERANCE` the
        simplest is chosen, the row's own before others that are as simple.

    Raises
    ------
    ValueError
        Every configuration fails, of which it names the row's own; or there is one row only.
    """
    from sklearn.model_selection import GridSearchCV  # it loads much that other tasks do without

    assert model.search is not None  # noqa: S101 - the caller asks only for rows with a search
    wanted = model.search
    if len(data.rows) < 2:
        raise ValueError("settings cannot be chosen with a single training row")
    data = replace(data, rows=_part_of(data, wanted.rows, seed))
    D = np.asarray(data.D[data.rows])
    folds = _inner_folds(D, data, wanted.folds, seed)
    splits = [(folds.train(0, k), folds.test(0, k)) for k in range(folds.n_folds)]
    scores = _Scores(model, make, data, monitor, len(splits))
    places = complexities(model.entry.load(), model.params, wanted.configurations)

    def choose(results: dict[str, Any]) -> int:
        return _simplest_of_best(results["mean_test_score"], places)

    # GridSearchCV warns of scores that are not finite, and warns again of their mean.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = GridSearchCV(
            _Candidate(scores),
            {"number": range(len(places))},
            cv=splits,
            refit=choose,
            error_score="raise",  # an error that is none of a configuration ends the task
        )
        try:
            grid.fit(np.arange(len(D)))
        except _AllFailedError:
            raise ValueError(
                f"every configuration failed in the inner folds; the row's own: {scores.failed[0]}"
            ) from None
    sign = 1.0 if scores.measure.higher_is_better else -1.0
    found = [grid.cv_results_[f"split{k}_test_score"] for k in range(len(splits))]
    return Found(int(grid.best_index_), sign * np.array(found).T, scores.failed, scores.seconds)


def _part_of(data: Data, most: int | None, seed: int) -> IntArray:
    """Return the training rows, or a stratified part of them where there are more than `most`."""
    n = len(data.rows)
    if most is None or n <= most:
        return data.rows
    parts = stratified_folds(np.asarray(data.D[data.rows]), math.ceil(n / most), 1, seed)
    return data.rows[parts.test(0, 0)]


def _inner_folds(D: FloatArray, data: Data, wanted: int, seed: int) -> Folds:
    """Split the training rows as the outer folds are: by groups, where there are two or more."""
    if data.groups is not None:
        numbers = np.unique(data.groups[data.rows], return_inverse=True)[1].reshape(-1)
        if numbers.max() > 0:
            return grouped_folds(D, numbers, min(wanted, int(numbers.max()) + 1), 1, seed)
    return stratified_folds(D, min(wanted, len(D)), 1, seed)


class _AllFailedError(Exception):
    """No configuration has a score in every inner fold."""


def _simplest_of_best(means: FloatArray, places: Sequence[int]) -> int:
    """Choose among the configurations whose score, the greater the better, is the best."""
    if np.isnan(means).all():
        raise _AllFailedError
    best = np.flatnonzero(means >= np.nanmax(means) - TOLERANCE)
    return min(map(int, best), key=lambda number: (places[number], number))


class _Candidate(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A configuration as GridSearchCV sees one: it fits on row numbers, and has a score."""

    def __init__(self, scores: _Scores, number: int = 0):
        self.scores = scores
        self.number = number

    def fit(self, rows: IntArray, _: None = None) -> Self:
        """Keep the numbers of the rows."""
        self.rows_ = rows
        return self

    def score(self, rows: IntArray, _: None = None) -> float:
        """Return the score on other rows, the greater the better."""
        return self.scores.of(self.number, self.rows_, rows)


class _Scores:
    """Scores of all configurations in an inner fold, computed when the first is asked for."""

    def __init__(self, model: Model, make: Make, data: Data, monitor: Monitor, n_folds: int):
        assert model.search is not None  # noqa: S101 - see `search`
        self.search: Search = model.search
        self.measure: Measure = BY_NAME[model.search.measure]
        self.failed: dict[int, str] = {}
        self.seconds = 0.0
        self._total = n_folds * len(self.search.configurations)
        self._is_network = model.is_network
        self._make, self._data, self._monitor = make, data, monitor
        self._known: dict[tuple[int, ...], FloatArray] = {}

    def __sklearn_clone__(self) -> Self:
        """Stay the same object in every candidate."""
        return self

    def of(self, number: int, train: IntArray, test: IntArray) -> float:
        """Return the score of a configuration, the greater the better."""
        fold = tuple(test)
        if fold not in self._known:
            self._known[fold] = self._compute(len(self._known), train, test)
        sign = 1.0 if self.measure.higher_is_better else -1.0
        return sign * float(self._known[fold][number])

    def _compute(self, fold: int, train: IntArray, test: IntArray) -> FloatArray:
        rows, configurations = self._data.rows, self.search.configurations
        scores = np.full(len(configurations), np.nan)
        X: tuple[Any, Any] | None = None
        for numbers in self._groups():
            name = f"tuning-{fold}-{numbers[0]}.json"
            kept = self._kept(name, len(numbers))
            if kept is None:
                done = fold * len(configurations) + numbers[0]
                self._monitor.tell(f"tuning: {done} of {self._total} fits")
                if X is None:
                    X = self._data.input.split(rows[train], rows[test])
                D, truth = (np.asarray(self._data.D[rows[part]]) for part in (train, test))
                start = time.perf_counter()
                kept = self._try(numbers, fold, (X[0], D, X[1]), truth)
                kept["seconds"] = time.perf_counter() - start
                self._keep(name, kept)
            self.seconds += kept["seconds"]
            scores[numbers] = [math.nan if v is None else v for v in kept["scores"]]
            for number, reason in kept["failed"].items():
                self.failed.setdefault(int(number), reason)
        return scores

    def _groups(self) -> list[list[int]]:
        """Say which configurations are computed, and kept, together.

        Those of a model on features; of a network, whose trainings are long, only those that leave
        the backbone as it is, so that it looks at each image once.
        """
        numbers = list(range(len(self.search.configurations)))
        if not hasattr(self._make({}), "predict_each"):
            return [[number] for number in numbers]
        if not self._is_network:
            return [numbers]
        tried = [self._make(configuration) for configuration in self.search.configurations]
        frozen = [number for number in numbers if getattr(tried[number], "is_frozen", False)]
        alone = [[number] for number in numbers if number not in frozen]
        return [frozen, *alone] if frozen else alone

    def _try(
        self, numbers: list[int], fold: int, given: tuple[Any, Any, Any], truth: FloatArray
    ) -> dict[str, Any]:
        """Score configurations; where they cannot be computed together, each by itself."""
        if len(numbers) > 1:
            # Of whichever it is, the others are computed all the same.
            with suppress(Exception, SystemExit):
                tried = [self.search.configurations[number] for number in numbers]
                made = list(self._make({}).predict_each(tried, *given))
                if len(made) == len(tried):
                    return {"scores": [self._score(truth, P) for P in made], "failed": {}}
        scores: list[float | None] = []
        failed: dict[str, str] = {}
        for number in numbers:
            try:
                scores.append(self._score(truth, self._predict(number, fold, given)))
            except (Exception, SystemExit) as error:  # a model may raise anything
                scores.append(None)
                failed[str(number)] = describe_error(error)[0]
        return {"scores": scores, "failed": failed}

    def _predict(self, number: int, fold: int, given: tuple[Any, Any, Any]) -> Any:
        X, D, X_new = given
        estimator = self._make(self.search.configurations[number])
        if self._is_network:
            place = self._monitor.folder
            own = place / f"inner-{fold}-{number}" if place else None
            if own:
                own.mkdir(parents=True, exist_ok=True)
            prefix = f"tuning, {fold * len(self.search.configurations) + number} of {self._total}: "
            estimator.monitor = Monitor(own, lambda line: self._monitor.tell(prefix + line))
        estimator.fit(X, D)
        return estimator.predict(X_new)

    def _score(self, truth: FloatArray, P: Any) -> float:
        predicted = check_distributions(P, "the prediction")
        if predicted.shape != truth.shape:
            raise ValueError(f"the prediction has shape {predicted.shape}, not {truth.shape}")
        return self.measure.mean(truth, predicted)

    def _kept(self, name: str, number: int) -> dict[str, Any] | None:
        if self._monitor.folder is None:
            return None
        try:
            kept = read_json(self._monitor.folder / name, _SHAPE)
        except (OSError, DamagedFileError):
            return None
        return kept if len(kept["scores"]) == number else None

    def _keep(self, name: str, content: dict[str, Any]) -> None:
        if self._monitor.folder is not None:
            with suppress(OSError):  # a score that cannot be kept is computed again after a kill
                write_json(self._monitor.folder / name, content)
