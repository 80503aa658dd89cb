"""Settings chosen inside a fold: as two plain loops choose them, from training rows alone."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from baselines.base import LDLEstimator, Monitor
from benchmark.metrics import BY_NAME
from benchmark.planning.folds import stratified_folds
from benchmark.planning.inputs import Matrix
from benchmark.planning.models import Model, Search
from benchmark.planning.tasks import Task
from benchmark.plugins.registry import Entry
from benchmark.running.execute import Work, execute
from benchmark.running.search import Data, _Scores, search


class Shrunk(LDLEstimator):
    """A mixture of softmax(X W) by least squares on logarithms, and the mean distribution."""

    search_space: ClassVar[dict] = {"share": (0.0, 0.3, 0.7, 1.0), "power": (1.0, 2.0)}
    calls: ClassVar[list] = []

    def __init__(self, share=0.5, power=1.0):
        self.share = share
        self.power = power

    def _fit(self, X, D):
        Shrunk.calls.append((self.share, self.power))
        if self.share == 0.7:
            raise ValueError("seven tenths")
        self.mean_ = D.mean(axis=0)
        self.W_ = np.linalg.lstsq(X, np.log(D + 1e-3), rcond=None)[0]

    def _predict(self, X):
        P = np.exp(X @ self.W_) ** self.power
        P /= P.sum(axis=1, keepdims=True)
        return self.share * P + (1 - self.share) * self.mean_


class Alone(Shrunk):
    """The same, one configuration at a time, as a plugin that has no `predict_each`."""

    predict_each = None

    def __getattribute__(self, name):
        if name == "predict_each":
            raise AttributeError(name)
        return super().__getattribute__(name)


GRID = tuple(
    {"share": share, "power": power} for share, power in itertools.product(
        (0.0, 0.3, 0.7, 1.0), (1.0, 2.0)
    )
)  # fmt: skip


def make_model(cls=Shrunk, measure="kl_divergence", tried=({}, *GRID)):
    params = {"share": 0.5, "power": 1.0}
    return Model("m", Entry("m", cls), params, 1, search=Search(tried, measure, 3))


def run_search(problem, model, folder=None, rows=None, seed=5):
    X, D = problem
    rows = np.arange(40) if rows is None else rows
    cls = model.entry.target

    def make(configuration):
        return cls().set_params(**{**model.params, **configuration})

    return search(model, make, Data(Matrix(X), D, rows), seed, Monitor(folder))


def by_hand(problem, model, rows, seed=5):
    """Return the scores by two plain loops."""
    X, D = problem
    folds = stratified_folds(D[rows], 3, 1, seed)
    measure = BY_NAME[model.search.measure]
    scores = np.full((len(model.search.configurations), 3), np.nan)
    for number, configuration in enumerate(model.search.configurations):
        for fold in range(3):
            train, test = rows[folds.train(0, fold)], rows[folds.test(0, fold)]
            learner = Shrunk(**{**model.params, **configuration})
            if learner.share != 0.7:
                P = learner.fit(X[train], D[train]).predict(X[test])
                scores[number, fold] = measure.function(D[test], P).mean()
    return scores


@pytest.mark.parametrize("cls", [Shrunk, Alone])
@pytest.mark.parametrize("measure", ["kl_divergence", "cosine"])
def test_it_chooses_what_two_loops_choose(problem, cls, measure):
    model, rows = make_model(cls, measure), np.arange(3, 50)
    found = run_search(problem, model, rows=rows)
    expected = by_hand(problem, model, rows)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-12)
    means = expected.mean(axis=1)
    best = np.nanargmax(means) if measure == "cosine" else np.nanargmin(means)
    assert found.chosen == best
    assert set(found.failed) == {5, 6}
    assert found.failed[5] == "ValueError: seven tenths"


@pytest.mark.parametrize(("kept", "folds"), [(40, 3), (12, 2), (5, 3)])
def test_inner_folds_keep_groups_apart(problem, monkeypatch, kept, folds):
    """Groups of six rows: seven, two and one of them in the training rows."""
    X, D = problem
    groups, seen = np.arange(60) // 6, []

    class Watching(_Scores):
        def of(self, number, train, test):
            seen.append((groups[rows[train]], groups[rows[test]]))
            return super().of(number, train, test)

    monkeypatch.setattr("benchmark.running.search._Scores", Watching)
    model, rows = make_model(), np.arange(kept)

    def make(configuration):
        return Shrunk().set_params(**{**model.params, **configuration})

    found = search(model, make, Data(Matrix(X), D, rows, groups), 5, Monitor(None))
    assert found.scores.shape == (len(model.search.configurations), folds)
    shared = [set(train) & set(test) for train, test in seen]
    assert any(shared) == (kept == 5)  # a single group cannot be kept apart


def test_of_equals_the_simplest_is_chosen(problem):
    # With share 0 the power does nothing; the row's own settings are a point of the space here.
    tried = ({"power": 2.0, "share": 0.0}, {"share": 0.0}, {"share": 0.0, "power": 2.0})
    X, D = problem
    noise = np.random.default_rng(0).normal(size=X.shape)
    assert run_search((noise, D), make_model(tried=tried)).chosen == 1


def test_nothing_of_the_test_rows_is_looked_at(problem, tmp_path):
    X, D = problem
    train, test = np.arange(0, 60, 2), np.arange(1, 60, 2)
    poisoned_X, poisoned_D = X.copy(), D.copy()
    poisoned_X[test] += 50
    poisoned_D[test] = np.nan  # would be refused by whoever looks
    found = []
    for features, distributions in ((X, D), (poisoned_X, poisoned_D)):
        task = Task("d", "m", 0, 0, None, "0" * 64, 7)
        work = Work(make_model(), Matrix(features), distributions, train, test)
        outcome = execute(task, tmp_path / "marker", work)
        assert outcome.error == ""
        found.append({k: v for k, v in outcome.tuning.items() if k != "seconds"})
    assert found[0] == found[1]


def test_where_labels_are_noise_nothing_is_gained():
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(300, 8)), rng.dirichlet(np.full(4, 2.0), 300)
    folds = stratified_folds(D, 5, 1, 0)
    measure, gains = BY_NAME["kl_divergence"], []
    for fold in range(5):
        train, test = folds.train(0, fold), folds.test(0, fold)
        model = make_model()
        chosen = model.search.configurations[run_search((X, D), model, rows=train).chosen]
        P = Shrunk(**{**model.params, **chosen}).fit(X[train], D[train]).predict(X[test])
        mean = np.tile(D[train].mean(axis=0), (len(test), 1))
        reference = measure.function(D[test], mean).mean()
        gains.append(reference - measure.function(D[test], P).mean())
    # The mean distribution is a point of the space, and nothing beats it for sure.
    assert abs(np.mean(gains)) <= 0.02 * reference


@pytest.mark.parametrize("cls", [Shrunk, Alone])
def test_a_killed_search_goes_on_inside_the_fold(problem, tmp_path, cls):
    model = make_model(cls)
    whole = run_search(problem, model)
    assert run_search(problem, model, tmp_path).describe()["scores"] == whole.describe()["scores"]
    files = sorted(tmp_path.glob("tuning-*.json"))
    assert len(files) == (3 if cls is Shrunk else 27)
    Shrunk.calls.clear()
    again = run_search(problem, model, tmp_path)
    assert Shrunk.calls == []  # every score was kept
    assert (again.chosen, again.failed) == (whole.chosen, whole.failed)
    files[0].unlink()
    files[1].write_text("damaged")
    again = run_search(problem, model, tmp_path)
    np.testing.assert_array_equal(again.scores, whole.scores)
    assert 0 < len(Shrunk.calls) <= 2 * 16


def test_of_many_rows_a_stratified_part_is_searched():
    rng = np.random.default_rng(1)
    X, D = rng.normal(size=(1000, 3)), rng.dirichlet(np.ones(3), 1000)
    seen = []

    class Watching(Shrunk):
        def _fit(self, X, D):
            seen.append(D)
            super()._fit(X, D)

    model = make_model(Watching, tried=({},))
    limited = replace(model, search=replace(model.search, rows=300))
    run_search((X, D), limited, rows=np.arange(1000))
    assert {len(part) for part in seen} == {166, 167}  # two thirds of a quarter
    whole = np.bincount(D.argmax(axis=1)) / 1000
    for part in seen:
        assert np.bincount(part.argmax(axis=1)) / len(part) == pytest.approx(whole, abs=0.02)
    seen.clear()
    run_search((X, D), model, rows=np.arange(300))
    assert {len(part) for part in seen} == {200}


def test_frozen_networks_share_what_their_backbone_sees(problem, tmp_path):
    together = []

    class Network(Shrunk):
        @property
        def is_frozen(self):
            return self.share < 0.5

        def predict_each(self, configurations, X, D, X_new):
            together.append([dict(found) for found in configurations])
            return super().predict_each(configurations, X, D, X_new)

    model = replace(make_model(Network), consumes="images")
    found = run_search(problem, model, tmp_path)
    assert together == [[found for found in GRID if found["share"] < 0.5]] * 3
    np.testing.assert_allclose(found.scores, by_hand(problem, model, np.arange(40)), rtol=1e-12)
    assert len(list(tmp_path.glob("tuning-*.json"))) == 3 * (1 + 5)


def test_what_cannot_be_tuned_is_told(problem):
    with pytest.raises(ValueError, match=r"every configuration failed .* seven tenths"):
        run_search(problem, make_model(tried=({"share": 0.7}, {"share": 0.7, "power": 2.0})))
    with pytest.raises(ValueError, match="a single training row"):
        run_search(problem, make_model(), rows=np.array([3]))
    assert run_search(problem, make_model(), rows=np.arange(2)).chosen >= 0


class Exits(Shrunk):
    """Ends its process with one of the settings."""

    def _fit(self, X, D):
        if self.share == 0.3:
            raise SystemExit(3)
        super()._fit(X, D)


class Short(Shrunk):
    """Forgets the last configuration where it gets several."""

    def predict_each(self, configurations, X, D, X_new):
        return super().predict_each(configurations, X, D, X_new)[:-1]


@pytest.mark.parametrize("cls", [Exits, Short])
def test_what_one_configuration_does_reaches_no_other(problem, cls):
    tried = ({}, {"share": 0.3}, {"share": 1.0})
    found = run_search(problem, make_model(cls, tried=tried))
    plain = run_search(problem, make_model(tried=tried))
    failed = {1: "SystemExit: 3"} if cls is Exits else {}
    assert found.failed == failed
    kept = [number for number in range(3) if number not in failed]
    np.testing.assert_array_equal(found.scores[kept], plain.scores[kept])


class Unreadable(Matrix):
    """Features that cannot be read."""

    def split(self, train, test):
        raise OSError("no such disk")


def test_data_that_cannot_be_read_are_no_fault_of_the_configurations(problem):
    X, D = problem
    data = Data(Unreadable(X), D, np.arange(40))
    with pytest.raises(OSError, match="no such disk"):
        search(make_model(), lambda _: Shrunk(), data, 5, Monitor())


def test_the_chosen_settings_learn_from_all_training_rows(problem, tmp_path):
    X, D = problem
    task = Task("d", "m", 0, 0, None, "0" * 64, 5)
    model, rows = make_model(), np.arange(60)
    work = Work(model, Matrix(X), D, rows[:40], rows[40:], checkpoints=tmp_path / "kept")
    outcome = execute(task, tmp_path / "marker", work)
    chosen = model.search.configurations[outcome.tuning["chosen"]]
    expected = Shrunk(**{**model.params, **chosen}).fit(X[:40], D[:40]).predict(X[40:])
    np.testing.assert_array_equal(outcome.predictions, expected)
    assert outcome.fit_seconds > outcome.tuning["seconds"] > 0
    assert sorted(path.name for path in (tmp_path / "kept").iterdir())[0] == "tuning-0-0.json"
