"""Tasks: what a key depends on, what it does not, and where seeds come from."""

from __future__ import annotations

import numpy as np

from benchmark.planning.folds import Folds
from benchmark.planning.tasks import enumerate_tasks, task_seed

FOLDS = Folds(np.array([[0], [1], [0], [1], [2], [2]]))
KNN = {"model": "AA-kNN", "target": "t", "source": "", "result_version": 1, "params": {"k": 4}}
DRAWS = {**KNN, "model": "SA-CPNN", "params": {"random_state": None}}


def keys(fingerprint="f", folds=FOLDS, model=None, seed=0, name="row", dataset="data"):
    models, inputs = {name: model or KNN}, {dataset: {name: ""}}
    tasks = enumerate_tasks({dataset: fingerprint}, {dataset: folds}, models, seed, inputs)
    return [task.key for task in tasks]


def test_every_fold_of_every_model_is_listed_once():
    models = {"a": KNN, "b": DRAWS}
    repeats = Folds(np.array([[0, 1], [1, 0]]))
    inputs = dict.fromkeys("xy", dict.fromkeys(models, ""))
    datasets, folds = {"x": "f", "y": "g"}, {"x": FOLDS, "y": repeats}
    tasks = list(enumerate_tasks(datasets, folds, models, 0, inputs))
    assert len(tasks) == 3 * 2 + 2 * 2 * 2
    assert len({task.path for task in tasks}) == len(tasks)


def test_each_setting_changes_the_key():
    other_folds = Folds(np.array([[0], [1], [1], [0], [2], [2]]))
    variants = [
        keys(),
        keys(fingerprint="g"),
        keys(folds=other_folds),
        keys(folds=Folds(FOLDS.assignment, version=1)),
        *(keys(model={**KNN, part: "other"}) for part in ("model", "target", "source")),
        keys(model={**KNN, "result_version": 2}),
        keys(model={**KNN, "params": {"k": 5}}),
        keys(model={**KNN, "params": {"k": 4, "new": None}}),
        keys(model=DRAWS),
        keys(model=DRAWS, seed=1),
    ]
    first = [variant[0] for variant in variants]
    assert len(set(first)) == len(first)


def test_what_does_not_matter_does_not_change_the_key():
    assert keys(name="another row", dataset="another name") == keys()
    assert keys(seed=1) == keys()  # a model that draws nothing
    more = Folds(np.column_stack([FOLDS.assignment, FOLDS.assignment[::-1]]))
    assert keys(folds=more)[:3] == keys()


def test_the_key_is_a_matter_of_record():
    """Stored runs stay valid while this holds; if it must change, raise RESULT_FORMAT."""
    (key, *_) = keys(folds=Folds(FOLDS.assignment, version=1))  # as release 0.1.0 split rows
    assert key == "3ee8a84ee2bc6575b8281b437e8468ac8d708db077c7ae772c603246593e4040"
    assert task_seed(0, ["f", "SA-CPNN", 0, 0]) == 2382506672


def test_seeds_differ_between_tasks_and_runs():
    seeds = {
        task_seed(seed, ["f", "m", r, f]) for seed in range(3) for r in range(3) for f in range(3)
    }
    assert len(seeds) == 27
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_an_input_of_its_own_changes_the_key_and_chooses_the_models():
    models, folds = {"a": KNN, "b": KNN}, {"d": FOLDS}

    def listed(inputs):
        tasks = enumerate_tasks({"d": "f"}, folds, models, 0, {"d": inputs})
        return [(task.model, task.key) for task in tasks]

    plain = dict(listed({"a": ""}))
    assert list(plain) == ["a"]
    assert plain["a"] == keys(name="a")[2]  # the last fold's; nothing beside the dataset's own
    assert dict(listed({"a": "vgg16"}))["a"] != plain["a"]
    assert [model for model, _ in listed({"a": "", "b": "x"})] == ["a", "b"] * 3


def test_models_whose_names_differ_in_odd_characters_have_different_folders():
    names = ["A b", "A-b", "A/b", "情感", "感情", "x" * 300, "x" * 301]
    models = dict.fromkeys(names, KNN)
    inputs = {"d": dict.fromkeys(models, "")}
    tasks = enumerate_tasks({"d": "f"}, {"d": FOLDS}, models, 0, inputs)
    folders = {task.path.parent for task in tasks}
    assert len(folders) == len(names)
    assert max(len(folder.name) for folder in folders) < 100
