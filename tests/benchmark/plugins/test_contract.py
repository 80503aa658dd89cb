"""The contract checks find each fault, and every built-in model passes them."""

from __future__ import annotations

import pytest

from benchmark.errors import UsageError
from benchmark.plugins.contract import check_model, check_plugin
from benchmark.plugins.registry import models
from ewmtcnn import EWMTCNN

GOOD = """
def _fit(self, X, D):
    self.mean_ = D.mean(axis=0)

def _predict(self, X):
    return np.tile(self.mean_ / self.mean_.sum(), (len(X), 1))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, entry in models().items() if not entry.source])
def test_built_in_models_follow_the_contract(name):
    cls = models()[name].load()
    consumes = getattr(cls, "consumes", "features")
    assert check_model(cls if consumes == "features" else small_version(cls)) == []


def small_version(network):
    """The same network with settings that a test has time for as its defaults."""

    class Small(network):
        search_space = ()  # of parameters that are set below

        def __init__(self, labels=None, epochs=2, batch_size=16, random_state=None):
            wheel = {"labels": labels, "wheel": "identity"} if network is EWMTCNN else {}
            super().__init__(
                backbone="small", weights="random", epochs=epochs, batch_size=batch_size,
                random_state=random_state, **wheel,
            )  # fmt: skip
            self.labels = labels

    return Small


def test_a_good_plugin_has_no_problems(plugin):
    assert check_plugin(plugin(GOOD)) == []


FAULTS = {
    "shape": (
        "def _fit(self, X, D): pass\ndef _predict(self, X): return np.ones((len(X), 1))",
        "one label only",
    ),
    "simplex": (
        "def _fit(self, X, D): pass\ndef _predict(self, X): return np.ones((len(X), 4))",
        "does not sum to 1",
    ),
    "negative": (
        "def _fit(self, X, D): pass\n"
        "def _predict(self, X): return np.tile([1.5, -0.5, 0.0, 0.0], (len(X), 1))",
        "has negative values",
    ),
    "NaN": (
        "def _fit(self, X, D): pass\ndef _predict(self, X): return np.full((len(X), 4), np.nan)",
        "has NaN",
    ),
    "determinism": (
        GOOD.replace("D.mean(axis=0)", "np.random.default_rng().dirichlet(np.ones(D.shape[1]))"),
        "two fits on the same data give different predictions",
    ),
    "clone": (
        f"def __init__(self, k=3):\n    self.k = k + 1\n{GOOD}",
        "the constructor either does not set or modifies parameter k",
    ),
    "fitted state in init": (
        f"def __init__(self):\n    self.mean_ = 3\n{GOOD}",
        "__init__ sets mean_",
    ),
    "fixed seed": (
        f"def __init__(self, random_state=0):\n    self.random_state = random_state\n{GOOD}",
        "random_state must default to None",
    ),
    "X changed by fit": (GOOD.replace("self.mean_", "X[:] = 0; self.mean_", 1), "X is changed"),
    "D changed by fit": (GOOD.replace("self.mean_", "D[0] = D[1]; self.mean_", 1), "D is changed"),
    "X changed by predict": (
        GOOD.replace("    return np.tile", "    X[0] = 0\n    return np.tile"),
        "X is changed in place by predict",
    ),
    "memory": (
        "def _fit(self, X, D):\n"
        "    old = getattr(self, 'mean_', None)\n"
        "    self.mean_ = D.mean(axis=0) if old is None else np.full(D.shape[1], 0.25)\n"
        "def _predict(self, X): return np.tile(self.mean_ / self.mean_.sum(), (len(X), 1))",
        "a second fit remembers the first",
    ),
    "awkward data": (
        GOOD.replace("D.mean(axis=0)", "D.mean(axis=0) * (X / X.std(axis=0)).var(axis=0).mean()"),
        "with a constant feature",
    ),
    "raises": ("def _fit(self, X, D): raise RuntimeError('no')", "RuntimeError: no"),
    "exits in fit": ("def _fit(self, X, D): raise SystemExit(0)", "SystemExit: 0"),
    "exits on awkward data": (
        GOOD.replace("self.mean_", "if X.shape[1] > 40: raise SystemExit(0)\n    self.mean_", 1),
        "with more features than rows it raises SystemExit",
    ),
    "parameter that no worker gets": (
        f"def __init__(self, f=lambda x: x):\n    self.f = f\n{GOOD}",
        "the value of f",
    ),
    "images taken for features": (
        "consumes = 'images'\n" + GOOD.replace("D.mean(axis=0)", "D.mean(axis=0) + X @ X.T"),
        "matmul",
    ),
    "required parameter": (f"def __init__(self, k):\n    self.k = k\n{GOOD}", "construction"),
    "space with an unknown parameter": (
        f"search_space = {{'weigth': (0, 1)}}\ndef __init__(self, weight=1):\n    "
        f"self.weight = weight\n{GOOD}",
        "search_space of Mine has 'weigth', no parameter; did you mean 'weight'?",
    ),
    "space with a value that cannot be": (
        "search_space = {'k': (1, 0)}\ndef __init__(self, k=1):\n    self.k = k\n"
        + GOOD.replace("self.mean_", "1 / self.k\n    self.mean_", 1),
        "with k = 0 of its search space it raises ZeroDivisionError",
    ),
    "several at once differ": (
        "search_space = {'k': (1, 2)}\ndef __init__(self, k=1):\n    self.k = k\n"
        + GOOD
        + "@classmethod\ndef _predict_each(cls, learners, X, D, X_new):\n"
        "    return [np.eye(D.shape[1])[np.zeros(len(X_new), int)] for _ in learners]\n",
        "predict_each and fit disagree with k = 1: shares differ by up to",
    ),
    "several at once are too few": (
        "search_space = {'k': (1, 2)}\ndef __init__(self, k=1):\n    self.k = k\n"
        + GOOD
        + "def predict_each(self, configurations, X, D, X_new):\n"
        "    return [np.tile(D.mean(axis=0), (len(X_new), 1))]\n",
        "predict_each returns 1 prediction for 2 configurations",
    ),
    "consumes": (f"consumes = 'sounds'\n{GOOD}", "consumes must be"),
    "no methods": ("pass", "does not define _fit"),
}


def test_a_plugin_that_takes_images_gets_images(plugin):
    body = "consumes = 'images'\n" + GOOD.replace(
        "self.mean_", "assert X.shape[1:] == (32, 32, 3)\n    self.mean_", 1
    )
    assert check_plugin(plugin(body)) == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(plugin, fault):
    body, expected = FAULTS[fault]
    problems = check_plugin(plugin(body))
    assert any(expected in problem for problem in problems), problems
    assert all(problem.startswith("Mine: ") for problem in problems)


def test_a_taken_name_is_one_problem_among_others(plugin):
    problems = check_plugin(plugin(FAULTS["simplex"][0], name="aa-KNN"))
    assert any("is taken by" in problem for problem in problems)
    assert any("does not sum to 1" in problem for problem in problems)


def test_a_class_without_the_base_must_check_its_input(plugin, tmp_path):
    path = plugin(GOOD)
    text = path.read_text().replace("(LDLEstimator)", "").replace("_fit", "fit")
    path.write_text(text.replace("_predict", "predict"))
    problems = "\n".join(check_plugin(path))
    assert "has no method get_params; derive from baselines.LDLEstimator" in problems


PLAIN = """
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from benchmark import register

@register("A plain one")
class Plain(BASES):
    def fit(self, X, D):
        self.ridge_ = Ridge().fit(X, D)
        return self
    def predict(self, X):
        return self.ridge_.predict(X)
"""


def test_of_a_plain_regressor_the_line_that_adapts_it_is_told(tmp_path):
    path = tmp_path / "plain.py"
    line = 'register("A plain one", from_regressor(Plain()))'
    text = PLAIN.replace("(BASES)", "(RegressorMixin, BaseEstimator)")
    path.write_text(text)
    advice = check_plugin(path)[-1]
    assert f"remove its decorator and write below it: {line}; the adapter (from bas" in advice
    assert "derive" not in advice
    without = text.replace('@register("A plain one")', "from baselines import from_regressor")
    path.write_text(f"{without}\n{line}\n")
    assert check_plugin(path) == []
    path.write_text(PLAIN.replace("(BASES)", ""))
    advice = check_plugin(path)[-1]
    assert "derive it from sklearn.base.RegressorMixin and BaseEstimator, remove" in advice
    assert line in advice


def test_a_learner_with_a_fault_is_offered_no_adapter(plugin):
    assert not any("from_regressor" in each for each in check_plugin(plugin(FAULTS["NaN"][0])))


def test_a_file_that_cannot_be_loaded_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no such plugin file"):
        check_plugin(tmp_path / "none.py")


def test_chance_is_not_told_as_memory(plugin):
    problems = check_plugin(plugin(FAULTS["determinism"][0]))
    assert any("two fits" in problem for problem in problems)
    assert not any("remembers" in problem for problem in problems)
