"""Early stopping, the start at the prior and shared epochs, for the learners trained by epochs."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from baselines import AABP, AAKNN, SACPNN
from baselines.early_stopping import held_out, kl_divergence

LEARNERS = [AABP(random_state=0), SACPNN(random_state=0)]
by_learner = pytest.mark.parametrize("learner", LEARNERS, ids=["AA-BP", "SA-CPNN"])


def noisy(n=60, q=8, c=4):
    """Labels with one part of signal and three of noise, and unequal shares."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, q))
    D = np.exp(X @ rng.normal(size=(q, c)) * 0.3 + rng.normal(size=(n, c)) + [2.0, 0.0, 0.0, -1.0])
    return X, D / D.sum(axis=1, keepdims=True)


@by_learner
def test_early_stopping_takes_the_epochs_that_held_out_rows_like_best(learner):
    X, D = noisy()
    model = clone(learner).set_params(early_stopping=True).fit(X, D)
    training, validation = held_out(D, 0.2, random_state=0)
    curve = model.validation_curve_
    assert len(curve) == learner.epochs + 1
    assert model.n_iter_ == curve.argmin()
    for epochs in (1, model.n_iter_, 37):
        part = clone(learner).set_params(epochs=epochs, scaling="none")
        stopped = clone(learner).set_params(early_stopping=True, scaling="none").fit(X, D)
        predicted = part.fit(X[training], D[training]).predict(X[validation])
        assert kl_divergence(D[validation], predicted) == pytest.approx(
            stopped.validation_curve_[epochs], rel=1e-9
        )


@by_learner
def test_refit_is_on_all_rows(learner):
    X, D = noisy()
    base = clone(learner).set_params(scaling="none")
    training = held_out(D, 0.2, random_state=0)[0]
    for refit, rows in ((True, np.arange(len(X))), (False, training)):
        model = clone(base).set_params(early_stopping=True, refit=refit).fit(X, D)
        alone = clone(base).set_params(epochs=model.n_iter_).fit(X[rows], D[rows])
        np.testing.assert_array_equal(model.predict(X), alone.predict(X))


@by_learner
def test_early_stopping_helps_where_training_overfits(learner):
    X, D = noisy(n=400)
    rate = {"learning_rate": 1.0} if isinstance(learner, AABP) else {}
    late, stopped = (
        clone(learner).set_params(early_stopping=early, **rate).fit(X[:60], D[:60])
        for early in (False, True)
    )
    late, stopped = (kl_divergence(D[60:], model.predict(X[60:])) for model in (late, stopped))
    assert stopped < late


@by_learner
@pytest.mark.parametrize("n", [2, 3, 7])
def test_early_stopping_works_on_few_rows(learner, n):
    X, D = noisy(n=n)
    D[0] = [0.0, 0.0, 0.0, 1.0]
    model = clone(learner).set_params(early_stopping=True, epochs=5).fit(X, D)
    np.testing.assert_allclose(model.predict(X).sum(axis=1), 1.0, atol=1e-9)
    with pytest.raises(ValueError, match="one row only"):
        clone(learner).set_params(early_stopping=True).fit(X[:1], D[:1])


@by_learner
def test_the_prior_is_the_mean_distribution(learner):
    X, D = noisy()
    D[:, 3] = 0.0  # a label that never occurs
    D /= D.sum(axis=1, keepdims=True)
    model = clone(learner).set_params(start="prior", early_stopping=True).fit(X, D)
    training, validation = held_out(D, 0.2, random_state=0)
    mean = np.tile(D[training].mean(axis=0), (len(validation), 1))
    # Training begins at the mean of the rows that are trained on.
    assert model.validation_curve_[0] == pytest.approx(kl_divergence(D[validation], mean), rel=1e-5)


@by_learner
def test_the_simplest_of_the_search_space_is_near_the_mean_distribution(learner):
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(90, 30)), rng.dirichlet([8.0, 0.5, 0.5, 0.1, 3.0], 90)
    first = {name: values[0] for name, values in learner.search_space[0].items()}
    predicted = clone(learner).set_params(**first).fit(X[:60], D[:60]).predict(X[60:])
    mean = np.tile(D[:60].mean(axis=0), (30, 1))
    assert kl_divergence(D[60:], predicted) < 1.02 * kl_divergence(D[60:], mean)


@by_learner
@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_predictions_of_several_configurations_are_those_of_separate_fits(learner, scaling):
    X, D = noisy()
    base = clone(learner).set_params(scaling=scaling)
    configurations = [
        {"epochs": 40},
        {"epochs": 3},
        {"epochs": 40, "start": "prior"},
        {"epochs": 12, "early_stopping": True},
        {"epochs": 9, "start": "prior"},
        {},
    ]
    made = base.predict_each(configurations, X[:40], D[:40], X[40:])
    for configuration, predicted in zip(configurations, made, strict=True):
        alone = clone(base).set_params(**configuration).fit(X[:40], D[:40]).predict(X[40:])
        np.testing.assert_array_equal(predicted, alone)


def test_one_training_serves_all_numbers_of_epochs(monkeypatch):
    X, D = noisy()
    trained = []
    train = AABP._train
    monkeypatch.setattr(AABP, "_train", lambda *a, **k: trained.append(a[3]) or train(*a, **k))
    AABP(random_state=0).predict_each([{"epochs": e} for e in (5, 40, 20)], X, D, X)
    assert trained == [40]


def test_a_training_that_converges_early_serves_larger_numbers(problem):
    X, D = problem
    base = SACPNN(l2=0.1, random_state=0)
    made = base.predict_each([{"epochs": 3000}, {"epochs": 5000}, {"epochs": 10}], X, D, X)
    assert base.set_params(epochs=5000).fit(X, D).n_iter_ < 3000
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], base.predict(X))
    assert not np.array_equal(made[0], made[2])


@by_learner
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *[("start", value) for value in ("zero", None)],
        *[("early_stopping", value) for value in (1, "yes", None)],
        *[("refit", value) for value in (1, None)],
        *[("validation_fraction", value) for value in (0.0, 1.0, None)],
    ],
)
def test_bad_settings_are_named(learner, setting, value):
    with pytest.raises(ValueError, match=setting):
        clone(learner).set_params(**{setting: value}).fit(*noisy())


@pytest.mark.parametrize("learner", [*LEARNERS, AAKNN()], ids=["AA-BP", "SA-CPNN", "AA-kNN"])
def test_tuning_chooses_among_24_settings_with_the_published_ones(learner):
    """The same budget for all models; each setting can be fitted."""
    X, D = noisy(n=30)
    grid = ParameterGrid([{k: list(v) for k, v in part.items()} for part in learner.search_space])
    settings = [learner.get_params()] + [learner.get_params() | point for point in grid]
    assert len({repr(sorted(setting.items())) for setting in settings}) == 24
    assert len(clone(learner).predict_each(grid, X[:20], D[:20], X[20:])) in (23, 24)


@by_learner
def test_a_batch_of_all_rows_is_the_full_set_to_the_bit(learner):
    X, D = noisy()
    full = clone(learner).set_params(epochs=7).fit(X, D)
    for size in (60, 1000):
        one = clone(learner).set_params(epochs=7, batch_size=size).fit(X, D)
        np.testing.assert_array_equal(one.weights_, full.weights_)
        assert (one.objective_, one.n_iter_) == (full.objective_, 7)


@by_learner
def test_batches_are_drawn_by_the_seed_and_an_epoch_more_goes_on(learner):
    X, D = noisy()
    model = clone(learner).set_params(batch_size=16)
    weights = [clone(model).set_params(epochs=2, random_state=s).fit(X, D).weights_ for s in (0, 1)]
    assert not np.array_equal(*weights)
    together = model.predict_each([{"epochs": 2}, {"epochs": 5}], X, D, X)
    for epochs, found in zip((2, 5), together, strict=True):
        alone = clone(model).set_params(epochs=epochs).fit(X, D)
        np.testing.assert_array_equal(found, alone.predict(X))
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1"):
        clone(learner).set_params(batch_size=0).fit(X, D)


@by_learner
def test_few_epochs_in_batches_learn_much_of_many_rows(learner):
    """Steps over all rows, as few of them, hardly leave the start."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(22_000, 6))
    D = np.exp(np.tanh(X @ rng.normal(size=(6, 4))) + np.array([1.0, 0.0, 0.0, -1.0]))
    D /= D.sum(axis=1, keepdims=True)
    divergences = [
        kl_divergence(D[20_000:], model.fit(X[:20_000], D[:20_000]).predict(X[20_000:]))
        for model in (
            clone(learner).set_params(epochs=3, batch_size=size) for size in (100, None)
        )
    ]  # fmt: skip
    mean = kl_divergence(D[20_000:], np.tile(D[:20_000].mean(axis=0), (2_000, 1)))
    assert divergences[0] < 0.4 * mean
    assert divergences[1] > 0.9 * mean
