"""A fit that needs more memory than it may take is refused before it begins, with its cost."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from baselines import AAKNN, LDLF, SABFGS, LDLEstimator, RidgeLDL, size
from baselines.size import allowed, check_memory


def test_what_needs_no_more_than_is_allowed_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(size.VARIABLE, raising=False)
    check_memory("PT-SVM", size.MAX_MEMORY, (10, 5), 3, "do without")
    with pytest.raises(ValueError, match=r"needs 8\.1 GB for 32,000 .* 5 features and 3 labels"):
        check_memory("PT-SVM", size.MAX_MEMORY + 1e8, (32_000, 5), 3, "do without")


def test_the_environment_sets_another_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(size.VARIABLE, "0.5")
    assert allowed() == 5e8
    with pytest.raises(ValueError, match=r"its limit is 0\.5 GB: do without; .* LDL_MEMORY_GB"):
        check_memory("PT-SVM", 6e8, (10, 5), 3, "do without")
    for nonsense in ("much", "-1", "0", "nan", "inf"):
        monkeypatch.setenv(size.VARIABLE, nonsense)
        with pytest.raises(ValueError, match="LDL_MEMORY_GB must be a number of GB"):
            allowed()


def test_a_learner_refuses_before_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hungry(AAKNN):
        memory_advice = "take another"

        def peak_memory(self, n_rows: int, n_features: int, n_labels: int) -> float:
            return 1e3 * n_rows * n_features * n_labels

    monkeypatch.setenv(size.VARIABLE, "0.00005")
    X, D = np.random.default_rng(0).normal(size=(6, 4)), np.full((6, 2), 0.5)
    Hungry(k=1).fit(X, D)
    monkeypatch.setattr(Hungry, "_fit", None)
    with pytest.raises(ValueError, match=r"Hungry needs .* for 7 training rows .*: take another"):
        Hungry().fit(np.vstack((X, X[:1])), np.full((7, 2), 0.5))
    with pytest.raises(ValueError, match="Hungry needs"):
        Hungry().predict_each([{}], np.vstack((X, X[:1])), np.full((7, 2), 0.5), X)


def test_less_than_the_limit_may_be_more_than_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "free_bytes", lambda: 2_000_000_000)
    check_memory("PT-SVM", 2e9, (10, 5), 3, "do without")
    with pytest.raises(ValueError, match=r"needs 2\.1 GB .*, and 2\.0 GB are free: do without; or"):
        check_memory("PT-SVM", 2.1e9, (10, 5), 3, "do without")
    monkeypatch.setattr(size, "free_bytes", lambda: 0)
    check_memory("PT-SVM", size.NOTICEABLE, (10, 5), 3, "do without")  # may well be swapped
    assert size.cost(3.2e10, 6e14) == "32.0 GB and roughly 8.3 hours"
    assert size.cost(3e7, 1e9) == "0.1 GB and roughly a minute"


@pytest.mark.parametrize(
    ("learner", "during", "kept"),
    [
        (SABFGS(max_iter=2), 1.4, 0.1),
        (AAKNN(), 1.3, 1.3),  # the training rows are the model
        (RidgeLDL(), 3.3, 0.1),
        (LDLF(epochs=1, units=8, depth=2), 3.6, 0.1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, LDLEstimator) else "",
)
def test_a_fit_takes_few_copies_of_the_features(
    learner: LDLEstimator, during: float, kept: float
) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(26_000, 100)) * np.linspace(1.0, 0.1, 100)
    D = rng.dirichlet(np.ones(3), len(X))
    learner.fit(X[:100], D[:100])  # imports what it needs
    tracemalloc.start()
    try:
        learner.fit(X, D)
        held, peak = tracemalloc.get_traced_memory()
        assert peak < during * X.nbytes
        assert held < kept * X.nbytes
        tracemalloc.reset_peak()
        learner.predict(X[:200])
        assert tracemalloc.get_traced_memory()[1] - held < max(0.3 * X.nbytes, 2e8 / 8)
    finally:
        tracemalloc.stop()
