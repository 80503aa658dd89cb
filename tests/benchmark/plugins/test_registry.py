"""Models by name, and plugins from files."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest

from benchmark.errors import UsageError
from benchmark.plugins import registry
from benchmark.plugins.registry import find_model, load_plugin, models, register

MEAN = """
def _fit(self, X, D):
    self.mean_ = D.mean(axis=0)

def _predict(self, X):
    return np.tile(self.mean_, (len(X), 1))
"""


@pytest.fixture(autouse=True)
def own_path(monkeypatch):
    """Take the plugins' folders from Python's path afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])


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


@pytest.mark.parametrize("name", ["", "  ", "a\nb", 3, " padded", "x" * 81])
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


def importing(plugin, helper, text, file="mine.py"):
    """Write a plugin that imports a module beside it when it is fitted."""
    path = plugin(MEAN.replace("self.mean_", f"import {helper}\n    self.mean_", 1), file=file)
    (path.parent / f"{helper}.py").write_text(text)
    return path


def test_a_changed_sibling_is_a_changed_plugin(plugin, monkeypatch):
    path = importing(plugin, "sibling_a", "from sibling_b import VALUE\n")
    deeper = path.with_name("sibling_b.py")
    deeper.write_text("VALUE = 1\n")
    text = path.read_text().replace(
        "@register", "import sibling_a\nVALUE = sibling_a.VALUE\n@register"
    )
    path.write_text(text)
    load_plugin(path)
    portable = find_model("Mine").portable()
    deeper.write_text("VALUE = 22\n")
    with pytest.raises(UsageError, match="changed while the run"):
        portable.load()
    # The new code is what runs: the modules of the old are not taken from memory.
    assert sys.modules[find_model("Mine").target.__module__].VALUE == 22


def test_a_plugin_imports_its_siblings_also_when_fitted(plugin, problem):
    load_plugin(importing(plugin, "sibling_c", ""))
    find_model("Mine").load()().fit(*problem)


def test_a_sibling_that_another_module_hides_is_refused(plugin, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    load_plugin(importing(plugin, "sibling_d", "", "one/mine.py"))
    importlib.import_module("sibling_d")
    other = importing(plugin, "sibling_d", "x = 1", "two/other.py")
    with pytest.raises(UsageError, match=r"imports 'sibling_d' from its folder, but .*one"):
        load_plugin(other)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["raise SystemExit(0)", "1 / 0", "register('AA-kNN')(Mine)"])
def test_a_plugin_that_fails_halfway_leaves_nothing(plugin, end):
    path = importing(plugin, "sibling_e", "")
    path.write_text(f"{path.read_text()}\nimport sibling_e\n{end}\n")
    for _ in range(2):
        with pytest.raises(UsageError, match=r"line \d+: (SystemExit|ZeroDiv)|is taken"):
            load_plugin(path)
        assert "Mine" not in models()
        assert "sibling_e" not in sys.modules


@pytest.mark.slow
def test_hyper_parameters_may_be_the_plugins_own(plugin, tmp_path):
    path = plugin(MEAN)
    path.write_text(f"{path.read_text()}\n\ndef own():\n    return 3\n")
    load_plugin(path)
    entry = find_model("Mine")
    own = sys.modules[entry.target.__module__].own
    (tmp_path / "sent").write_bytes(pickle.dumps([entry.portable(), own]))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb'))[1]())"
    command = [sys.executable, "-c", code, str(tmp_path / "sent")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "3\n"


SCRIPT = """
from benchmark import register
from benchmark.plugins.registry import find_model
SHARE = 1

@register("Scripted")
class Scripted:
    pass

print(find_model("Scripted").source)
"""


def test_a_script_is_known_by_all_of_its_code(tmp_path):
    def source(text):
        (tmp_path / "study.py").write_text(text)
        command = [sys.executable, tmp_path / "study.py"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    first = source(SCRIPT)
    assert first.startswith("sha256:")
    assert source(SCRIPT) == first
    assert source(SCRIPT.replace("SHARE = 1", "SHARE = 2")) != first


def test_a_class_without_a_file_never_equals_itself(clean_registry):
    sources = []
    for _ in range(2):
        exec(SCRIPT.replace("print", "sources.append"), {"sources": sources, "__name__": "cell"})  # noqa: S102
    assert all(source.startswith("unknown:") for source in sources)
    assert sources[0] != sources[1]


@pytest.fixture
def package(tmp_path, monkeypatch, clean_registry):
    """Write an installed-in-place package that offers EPMean: name, module text -> its folder."""

    def write(name, text):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "models.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        point = EntryPoint("EPMean", f"{name}.models:EPMean", GROUP)
        monkeypatch.setattr(registry, "entry_points", lambda group: [point])
        return folder

    return write


def test_code_of_an_installed_package_is_part_of_its_identity(package):
    folder = package("pack_a", "from .part import *\nfrom . import more\nclass EPMean: pass\n")
    (folder / "part.py").write_text("")
    (folder / "more.py").write_text("x = 1\n")
    assert "pack_a.models" not in sys.modules
    listed = find_model("EPMean")
    assert "pack_a.models" not in sys.modules  # listing imports nothing
    first = listed.identified()
    assert first.code.startswith("sha256:")
    (folder / "more.py").write_text("x = 22\n")
    assert listed.identified() == first  # what this process imported is the old code
    registry._package_code.cache_clear()  # as in a fresh process
    assert listed.identified().code != first.code
    with pytest.raises(UsageError, match="has changed; start Python anew"):
        first.load()


def test_a_package_may_register_what_it_offers(package):
    text = "from benchmark import register\n@register('epmean')\nclass EPMean: pass\n"
    package("pack_b", text)
    assert find_model("EPMean").load().__name__ == "EPMean"
    assert [name for name in models() if name.lower() == "epmean"] == ["EPMean"]


@pytest.mark.parametrize("text", ["1 / 0", "raise SystemExit(0)", "raise RuntimeError"])
def test_a_broken_package_is_one_sentence(package, text):
    package(f"pack_{abs(hash(text))}", text)
    with pytest.raises(UsageError, match="'EPMean' cannot be loaded from"):
        find_model("EPMean").load()
