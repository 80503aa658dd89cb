"""The peer library's methods as models, with a library made up here; and the real one.

Also tests `benchmark.plugins.peer_methods` against the library, where it is installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from benchmark.commands.show_models import about
from benchmark.errors import UsageError
from benchmark.planning.models import choose_models
from benchmark.planning.protocol import Protocol
from benchmark.planning.protocol import Tuning as Tuned
from benchmark.plugins import peer_library, peer_methods
from benchmark.plugins.built_in import group_of
from benchmark.plugins.parameters import default_params
from benchmark.plugins.peer_methods import LEFT_OUT, METHODS, method_of, missing
from benchmark.plugins.registry import find_model, models
from benchmark.plugins.spaces import configurations
from benchmark.running.workers import end_idle_workers

ROOT = Path(__file__).resolve().parents[3]
REAL = find_spec("pyldl") is not None
NAMES = [name for name in models() if method_of(name)]

FAKE = """
import numpy as np

class _Mean:
    def __init__(self, **given):
        self.given = given
    def fit(self, X, D, **fitting):
        X += 1  # what it gets is its own
        self.shares = D.mean(axis=0) + 0.001 * np.random.random(D.shape[1])
        self.shares /= self.shares.sum()
    def predict(self, X):
        return np.tile(self.shares, (len(X), 1)).astype(np.float32)

class BD_LDL(_Mean):
    pass

class PT_SVM(_Mean):
    def fit(self, X, D):
        raise RuntimeError("no support vector has been found")

class LDSVR(_Mean):
    def predict(self, X):
        return np.full((len(X), len(self.shares)), np.nan)

class AA_KNN(_Mean):
    def predict(self, X):
        return 2 * super().predict(X)

class LDLSF(_Mean):
    def fit(self, X, D, rho, max_iterations):
        print("100%|####| epoch", max_iterations)
        super().fit(X, D)
    def predict(self, X):
        print("predicting")
        return super().predict(X)
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A library in which some algorithms work and others do not, in a folder searched first."""
    package = tmp_path / "searched" / "pyldl"
    (package / "algorithms").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "algorithms" / "__init__.py").write_text(FAKE)
    monkeypatch.syspath_prepend(package.parent)
    own = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_library(name)}
    end_idle_workers()
    yield package
    end_idle_workers()
    for name in [name for name in sys.modules if _is_library(name)]:
        del sys.modules[name]
    sys.modules.update(own)


def _is_library(name):
    return name == "pyldl" or name.startswith("pyldl.")


def learner(name, **settings):
    return find_model(name).load()(**settings)


@pytest.mark.slow
def test_each_that_fails_fails_alone_and_is_listed_with_its_reason(fake, small, command):
    names = ["PyLDL:BD_LDL", "pyldl:pt_svm", "PyLDL:LDSVR", "PyLDL:AA_KNN", "PyLDL:LDLSF",
             "PyLDL:DF_LDL", "PyLDL:SA_IIS"]  # fmt: skip
    done = command("run", *names, "SA-BFGS", "--folds", 2, "--dataset", small, "--out", "r")
    assert done.returncode == 1
    failed = {
        line.partition(" ")[0]: line for line in done.stderr.splitlines() if " failed " in line
    }
    for name, reason in {
        "PyLDL:PT_SVM": "RuntimeError: no support vector has been found",
        "PyLDL:LDSVR": "has NaN or infinite values",
        "PyLDL:AA_KNN": "does not sum to 1",
        "PyLDL:DF_LDL": "ImportError: PyLDL:DF_LDL cannot run here: python-ldl's wheel",
        "PyLDL:SA_IIS": "this python-ldl has no SA_IIS, as 0.1.2 has",
    }.items():
        assert reason in failed.pop(name)
    assert not failed
    for name in ("PyLDL:BD_LDL", "PyLDL:LDLSF"):
        assert f"{name} " in done.stdout
    assert "epoch" not in done.stdout + done.stderr
    assert "predicting" not in done.stdout + done.stderr
    again = command("run", *names, "SA-BFGS", "--folds", 2, "--dataset", small, "--out", "r")
    assert "6 done before, 10 to do" in again.stderr


def test_random_draws_come_from_the_seed_and_touch_nothing(fake):
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(30, 3)), rng.dirichlet(np.ones(4), 30)
    kept = X.copy()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    one, two, other = (
        learner("PyLDL:BD_LDL", random_state=seed).fit(X, D).predict(X) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 1e-5
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002
    np.testing.assert_array_equal(kept, X)


def test_settings_reach_the_library_and_classifiers_give_probabilities(monkeypatch):
    class Library:
        def __init__(self, **given):
            self.given = given

        def fit(self, X, D, **fitting):
            self.fitting, self.shares = fitting, D[:2]

        def predict_proba(self, X):
            return self.shares

    monkeypatch.setattr(peer_library, "_algorithm", lambda _method: Library)
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(30, 3)), rng.dirichlet(np.ones(4), 30)
    fitted = learner("PyLDL:LDLM", rho=0.5, epochs=3).fit(X, D)
    assert fitted._model.given == {"alpha": 0.01, "beta": 0.01, "gamma": 0.0, "rho": 0.5}
    assert fitted._model.fitting == {"epochs": 3, "batch_size": None}
    np.testing.assert_array_equal(fitted.predict(X[:2]), D[:2])
    with pytest.raises(TypeError, match="PyLDL:LDLM has no setting 'roh'"):
        learner("PyLDL:LDLM", roh=1)
    with pytest.raises(ValueError, match="which labels are positive"):
        learner("PyLDL:LDL_DVS").fit(X, D)


def test_what_is_not_installed_is_refused_with_what_installs_it(monkeypatch, small, command):
    monkeypatch.setattr(peer_methods, "find_spec", lambda _name: None)
    done = command("run", "--all", "--pyldl", "--dataset", small)
    assert done.returncode == 2
    assert "pip install 'ldl-benchmark[pyldl]'" in done.stderr
    shown = command("models", "--all").stdout
    assert "PyLDL:LDL_LRR" in shown
    assert "python-ldl is not installed" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("PyLDL:LDL-LRR", "did you mean 'PyLDL:LDL_LRR'"),
        ("pyldl:fcm", "PyLDL:FCM cannot be run: label enhancement"),
        ("PyLDL:LDL_DA", "a second dataset"),
        ("PyLDL:", "has no method ''"),
    ],
)
def test_a_name_that_is_none_says_which_is_meant_or_why_not(name, sentence):
    with pytest.raises(UsageError) as refused:
        find_model(name)
    assert sentence in str(refused.value)


def test_pyldl_adds_the_methods_once_and_puts_them_in_their_own_group(monkeypatch):
    monkeypatch.setattr(peer_methods, "find_spec", lambda _name: object())
    chosen = choose_models(Protocol("p"), ["pyldl:ldlsf", "AA-kNN"], pyldl=True)
    assert [model.name for model in chosen] == [
        "AA-kNN", "PyLDL:LDLSF", *(name for name in NAMES if name != "PyLDL:LDLSF"),
    ]  # fmt: skip
    assert {group_of(name) for name in NAMES} == {"peer"}
    described = chosen[1].describe()
    assert described["source"] == peer_methods.source()
    assert described["target"] == "benchmark.plugins.peer_library:LDLSF"


@pytest.mark.parametrize("name", NAMES)
def test_every_method_has_the_budget_of_ours(name):
    cls = find_model(name).load()
    own, budget = default_params(cls), Tuned().budget
    assert len(configurations(cls, own, 10 * budget, 0)) == budget
    assert cls.citation.endswith(str(cls.year))


def test_a_method_is_listed_with_its_paper_and_what_it_lacks(fake):
    _, year, citation, origin, consumes, here = about(find_model("PyLDL:LDLSF"))
    assert (year, citation) == ("2019", "Ren, Jia, Li, Chen and Li, IJCAI 2019")
    assert origin.startswith("peer library python-ldl")
    assert (consumes, here) == ("features", "yes")
    assert "compiles it" in about(find_model("PyLDL:StructRF"))[-1]
    assert about(find_model("PyLDL:LDL_DVS"))[-1].startswith("no: ")


def agreement():
    """The script that compares both libraries."""
    spec = spec_from_file_location("peer_agreement", ROOT / "tests" / "perf" / "peer_agreement.py")
    script = module_from_spec(spec)
    sys.modules[spec.name] = script  # dataclasses look there
    spec.loader.exec_module(script)
    del sys.modules[spec.name]
    return script


def test_the_page_has_the_figures_of_the_file_and_all_that_is_left_out():
    page = (ROOT / "docs" / "peer_library.md").read_text(encoding="utf-8")
    assert agreement().table() in page, "stale: python tests/perf/peer_agreement.py --page"
    for name, reason in LEFT_OUT.items():
        assert re.search(rf"^\| .*\b{name}\b.* \| {reason} \|$", page, re.MULTILINE), name
    for name, method in METHODS.items():
        if method.needs in ("compiled", "tensorflow_probability"):
            assert re.search(rf"^\| .*\b{name}\b", page, re.MULTILINE), name


def test_listing_imports_no_library():
    code = (
        "import sys\n"
        "from benchmark.commands.show_models import all_models\n"
        "from benchmark.plugins.registry import models\n"
        "all_models(models().values())\n"
        "print([name for name in ('pyldl', 'keras', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="python-ldl is not installed")
def test_the_table_is_that_of_the_library():
    """Every name is there or left out, and every default is the library's."""
    code = (
        "import inspect, json, pyldl.algorithms as a\n"
        "found = {}\n"
        "for name in a.__all__:\n"
        "    try:\n"
        "        cls = getattr(a, name)\n"
        "    except ImportError:\n"
        "        found[name] = None\n"
        "        continue\n"
        "    defaults = {}\n"
        "    for kind in reversed(cls.__mro__):\n"
        "        for of in ('__init__', 'fit'):\n"
        "            if of in vars(kind) and kind.__module__.startswith('pyldl'):\n"
        "                for p in inspect.signature(getattr(kind, of)).parameters.values():\n"
        "                    if isinstance(p.default, (int, float, str, type(None))):\n"
        "                        defaults[p.name] = p.default\n"
        "    found[name] = defaults\n"
        "print(json.dumps(found))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    library = json.loads(done.stdout.splitlines()[-1])
    assert set(library) == set(METHODS) | set(LEFT_OUT)
    assert not set(METHODS) & set(LEFT_OUT)
    of_trees = {"max_depth", "min_to_split", "alpha", "beta"}
    for name, method in METHODS.items():
        if library[name] is None:
            assert method.needs
            continue
        for key, value in {**method.given, **method.fitting}.items():
            if name in ("StructRF", "LDLogitBoost") and key in of_trees:
                continue
            if name == "LDL_DVS" and key in ("pos", "neg"):
                continue
            assert library[name][key] == value, (name, key)


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="python-ldl is not installed")
@pytest.mark.parametrize("name", ["AA_KNN", "BD_LDL", "LDLM"])
def test_a_method_of_the_library_predicts_distributions(name):
    if lacking := missing(METHODS[name]):
        pytest.skip(lacking)
    code = (
        "import numpy as np\n"
        "from benchmark.plugins.registry import find_model\n"
        "rng = np.random.default_rng(0)\n"
        "X, D = rng.normal(size=(40, 3)), rng.dirichlet(np.ones(4), 40)\n"
        f"cls = find_model('PyLDL:{name}').load()\n"
        "settings = {'epochs': 3} if 'epochs' in cls.method.fitting else {}\n"
        "made = [cls(random_state=1, **settings).fit(X, D).predict(X[:5]) for _ in range(2)]\n"
        "assert np.array_equal(*made) and made[0].shape == (5, 4)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
