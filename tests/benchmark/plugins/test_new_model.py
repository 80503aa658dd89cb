"""A new model's file works as it is, never replaces another, and its name can stand in a table."""

from __future__ import annotations

import ast

import pytest

from benchmark.errors import UsageError
from benchmark.plugins.contract import check_plugin
from benchmark.plugins.new_model import new_model
from benchmark.plugins.registry import load_plugin


@pytest.mark.parametrize(
    ("name", "file", "class_name"),
    [
        ("CLASSIFIER", "classifier.py", "CLASSIFIER"),
        ("NAME of $name", "name_of_name.py", "NAMEOfName"),
        ("None", "none.py", "ModelNone"),
        ("Exception", "exception.py", "ModelException"),
        ("LDLEstimator", "ldlestimator.py", "ModelLDLEstimator"),
        ("3 'k' \"NN\" \\", "3_k_nn.py", "Model3KNN"),
        ("Random", "model_random.py", "Random"),
        ("NumPy", "model_numpy.py", "NumPy"),
    ],
)
def test_new_model_writes_a_working_plugin(tmp_path, clean_registry, name, file, class_name):
    path = new_model(name, tmp_path)
    assert path.name == file
    classes = [node.name for node in ast.walk(ast.parse(path.read_text()))
               if isinstance(node, ast.ClassDef)]  # fmt: skip
    assert classes == [class_name]
    assert load_plugin(path) == [name]
    assert check_plugin(path) == []


def test_new_model_never_overwrites(tmp_path, monkeypatch, clean_registry):
    monkeypatch.syspath_prepend(tmp_path)  # so that the written file is a module itself
    for name in ("Fresh one", "Random"):
        new_model(name, tmp_path)
        with pytest.raises(UsageError, match="exists; choose another"):
            new_model(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Uniform", "is reserved"),
        ("ORACLE", "is reserved"),
        ("Mean distribution", "is reserved"),
        ("x" * 300, "at most 80 characters"),
        ("情感", "no ASCII letter or digit"),
        ("", "printable name"),
    ],
)
def test_new_model_refuses_names_at_once(tmp_path, name, message):
    with pytest.raises(UsageError, match=message) as caught:
        new_model(name, tmp_path)
    assert len(str(caught.value)) < 300
    assert list(tmp_path.iterdir()) == []
