"""Models by name, and plugins from files."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmark import registry
from benchmark.errors import UsageError
from benchmark.registry import find_model, load_plugin, models, register

MEAN = """
def _fit(self, X, D):
    self.mean_ = D.mean(axis=0)

def _predict(self, X):
    return np.tile(self.mean_, (len(X), 1))
"""


def test_built_in_models_have_the_papers_names():
    names = ["PT-Bayes", "PT-SVM", "AA-kNN", "AA-BP", "SA-IIS", "SA-BFGS", "SA-CPNN"]
    assert list(models())[:7] == names


def test_case_does_not_matter_and_misspelling_helps():
    assert find_model("aa-KNN").name == "AA-kNN"
    with pytest.raises(UsageError, match="did you mean 'SA-BFGS'"):
        find_model("SA-BFGA")


def test_plugin_loads_in_ten_lines(plugin, problem):
    path = plugin(MEAN)
    assert load_plugin(path) == ["Mine"]
    X, D = problem
    estimator = find_model("mine").load()()
    assert estimator.fit(X, D).predict(X[:2])[1] == pytest.approx(D.mean(axis=0))


def test_loading_again_changes_nothing_until_the_file_changes(plugin):
    path = plugin(MEAN)
    load_plugin(path)
    first = find_model("Mine")
    load_plugin(path)
    assert find_model("Mine") is first
    path.write_text(path.read_text() + "\n# changed\n")
    load_plugin(path)
    assert find_model("Mine").source != first.source


def test_a_worker_loads_a_plugin_by_its_file(plugin, monkeypatch):
    path = plugin(MEAN)
    load_plugin(path)
    portable = find_model("Mine").portable()
    assert portable.target == ""
    monkeypatch.setattr(registry, "_registered", {})  # as in a fresh process
    assert portable.load().__name__ == "Mine"
    path.write_text(path.read_text() + "\n# changed\n")
    with pytest.raises(UsageError, match="changed while the run"):
        portable.load()


@pytest.mark.parametrize("name", ["aa-knn", "Mean distribution", "ORACLE"])
def test_taken_names_are_refused(plugin, name):
    with pytest.raises(UsageError, match=r"is taken by|is reserved"):
        load_plugin(plugin(MEAN, name=name))


def test_broken_plugins_are_told_by_line(plugin, tmp_path, clean_registry):
    path = tmp_path / "broken.py"
    cases = {
        "x = 1\nif x\n": "line 2: SyntaxError",
        "\n\nundefined_name\n": "line 3: NameError",
        "import module_that_is_not_there\n": "line 1: ModuleNotFoundError",
        "x = 1\n": "registers no model",
    }
    for text, message in cases.items():
        path.write_text(text)
        with pytest.raises(UsageError, match=message):
            load_plugin(path)
    with pytest.raises(UsageError, match="no such plugin file"):
        load_plugin(tmp_path / "none.py")


def test_a_session_may_define_its_class_again(clean_registry):
    def cell():
        @register("Mine")
        class Mine:
            pass

        return Mine

    cell()
    second = cell()
    assert find_model("mine").target is second


@pytest.mark.parametrize("name", ["", "  ", "a\nb", 3])
def test_unprintable_names_are_refused(clean_registry, name):
    with pytest.raises(UsageError, match="printable name"):
        register(name)(object)


def test_installed_packages_offer_models(monkeypatch):
    class Point:
        name, value = "Far-Away", "collections:OrderedDict"

        dist = SimpleNamespace(name="far", version="1.2")

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point] * (group == GROUP))
    assert find_model("far-away").source == "far==1.2"
    assert find_model("far-away").load().__name__ == "OrderedDict"
    Point.value = "no_such_module:X"
    with pytest.raises(UsageError, match="cannot be loaded"):
        find_model("far-away").load()


GROUP = "ldl_benchmark.models"
