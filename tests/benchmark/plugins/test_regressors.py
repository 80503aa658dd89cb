"""Regressors of the command line: what is imported, how it is named, and what is refused.

Also runs of them and of the extended baselines through the command line.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.errors import UsageError
from benchmark.planning.models import choose_models
from benchmark.planning.protocol import Protocol
from benchmark.plugins import registry
from benchmark.plugins.built_in import BEYOND_PAPER
from benchmark.plugins.registry import find_model, models
from benchmark.plugins.regressors import add_regressors, with_regressors
from benchmark.running.worker import dumps, loads

TREE = "sklearn.tree:DecisionTreeRegressor"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """Forget afterwards what a test registers."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


def test_a_regressor_becomes_a_model_that_a_worker_can_load(problem):
    X, D = problem
    assert add_regressors([TREE, TREE]) == ["DecisionTreeRegressor"]
    assert add_regressors([TREE]) == ["DecisionTreeRegressor"]
    entry = find_model("decisiontreeregressor")
    assert entry.source.startswith("scikit-learn==")
    assert entry.identified() is entry
    sent = loads(dumps(entry.portable()))
    assert sent == entry
    predicted = sent.load()(random_state=0).fit(X, D).predict(X)
    assert predicted == pytest.approx(D, abs=1e-9)


def test_a_name_that_is_taken_gets_its_module():
    assert add_regressors(["sklearn.linear_model:Ridge"]) == ["Ridge (sklearn.linear_model)"]
    assert find_model("Ridge").target == "baselines:RidgeLDL"


def test_regressors_are_added_to_the_models_that_are_named():
    assert with_regressors(["AA-kNN"], [TREE]) == ["AA-kNN", "DecisionTreeRegressor"]
    assert with_regressors(["decisionTREEregressor"], [TREE]) == ["decisionTREEregressor"]
    assert with_regressors([], [TREE], every=True) == []
    assert "DecisionTreeRegressor" in models()


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("Ridge", "write it as module:Class"),
        ("os.system('x'):Y", "write it as module:Class"),
        ("sklearn.ensembl:X", "no module sklearn.ensembl; did you mean 'sklearn.ensemble'"),
        ("sklear.ensemble:X", "no module sklear.ensemble; did you mean 'sklearn'"),
        ("sklearn.tree:DecisionTreRegressor", "did you mean 'DecisionTreeRegressor'"),
        ("sklearn.base:clone", "clone is no class"),
        ("sklearn.tree:DecisionTreeClassifier", "is a classifier, a regressor is needed; did you "
         "mean 'DecisionTreeRegressor'"),
        ("sklearn.preprocessing:StandardScaler", "it has no method predict"),
        ("json:JSONDecoder", "is no scikit-learn regressor: it has no method fit"),
        ("sklearn.ensemble:StackingRegressor", r"cannot be made without arguments \(estimators\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_one_sentence(target, sentence):
    with pytest.raises(UsageError, match=sentence) as refused:
        add_regressors([target])
    assert str(refused.value).startswith(f"--regressor {target}: ")
    assert "\n" not in str(refused.value)


def test_a_module_that_fails_is_told(tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text("1 / 0")
    (tmp_path / "lacking_module.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="broken_module cannot be imported: ZeroDivisionError"):
        add_regressors(["broken_module:X"])
    with pytest.raises(UsageError, match="lacking_module cannot be imported: No module named"):
        add_regressors(["lacking_module:X"])


def test_extended_baselines_run_when_asked_for():
    def names(*named, **options):
        return [row.name for row in choose_models(Protocol("p"), named, **options)]

    assert not set(BEYOND_PAPER) & set(names(every=True))
    every = names(every=True, extended=True)
    assert every[: len(names(every=True)) - len(registry._registered)][-1] != "Ridge"
    assert [name for name in every if name in BEYOND_PAPER] == list(BEYOND_PAPER)
    assert names("ridge") == ["Ridge"]
    assert names("Ridge", "AA-kNN") == ["AA-kNN", "Ridge"]
    assert names(extended=True) == list(BEYOND_PAPER)
    assert sorted(names("forest", "AA-kNN", extended=True)) == sorted(["AA-kNN", *BEYOND_PAPER])


def test_settings_of_a_regressor_stand_in_a_protocol():
    add_regressors([TREE])
    rows = {
        "DecisionTreeRegressor": {"estimator__max_depth": 3, "output": "clip"},
        "Small": {"model": "DecisionTreeRegressor", "estimator__max_depth": 2},
    }
    found = choose_models(Protocol("p", models=rows))
    assert [row.params["estimator"].max_depth for row in found] == [3, 2]
    assert found[0].params["output"] == "clip"
    described = found[1].describe()
    assert described["target"] == TREE
    estimator = described["params"]["estimator"]
    assert estimator["type"] == "sklearn.tree._classes.DecisionTreeRegressor"
    assert estimator["params"]["max_depth"] == 2
    json.dumps(described, allow_nan=False)
    wrong = {"Small": {"model": "DecisionTreeRegressor", "estimator__max_dept": 2}}
    with pytest.raises(UsageError, match=r"'Small' has no setting 'estimator__max_dept'; did you "
                       r"mean 'estimator__max_depth'"):  # fmt: skip
        choose_models(Protocol("p", models=wrong))


@pytest.fixture
def table_file(tmp_path, problem):
    X, D = problem
    columns = {f"x{i}": X[:, i] for i in range(X.shape[1])}
    columns |= {f"label:{j}": D[:, j] for j in range(D.shape[1])}
    path = tmp_path / "small.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_a_run_goes_on_and_does_not_depend_on_workers(table_file, tmp_path):
    command = ["run", "AA-kNN", "Extra-trees", "--regressor", TREE, "--dataset", str(table_file),
               "--folds", "2", "--no-report"]  # fmt: skip
    for jobs, out in (("1", "one"), ("2", "two")):
        done = CliRunner().invoke(main, [*command, "--jobs", jobs, "--out", str(tmp_path / out)])
        assert done.exit_code == 0, done.output
    one, two = ((tmp_path / out / "table3.csv").read_text() for out in ("one", "two"))
    assert one == two
    table = pd.read_csv(tmp_path / "one" / "table3.csv")
    assert list(table["model"][:3]) == ["AA-kNN", "Extra-trees", "DecisionTreeRegressor"]
    assert list(table["group"]) == ["paper", "extended", "own", "trivial", "trivial"]
    again = CliRunner().invoke(main, [*command, "--jobs", "1", "--out", str(tmp_path / "one")])
    assert "6 done before, 0 to do" in again.output
    tex = (tmp_path / "one" / "table3.tex").read_text()
    assert tex.count(r"\midrule") == 4  # below the headers, around the extended, above the trivial
    refused = CliRunner().invoke(main, ["run", "--regressor", "sklearn.tree:Nothing"])
    assert refused.exit_code == 2
    assert "has no class 'Nothing'" in refused.output


def test_the_list_of_models_sets_extended_ones_apart():
    output = CliRunner().invoke(main, ["models"]).output
    first, _, second = output.partition("With --extended, or by name:")
    assert "SA-IIS" in first
    assert "Ridge" not in first
    assert all(name in second for name in BEYOND_PAPER)
