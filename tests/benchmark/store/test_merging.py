"""Runs put together (merging): what is joined or refused, and that no number changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.analysis.comparisons import rank_across
from benchmark.analysis.evidence import Evidence, gather
from benchmark.errors import BenchmarkError, UsageError
from benchmark.metrics import MEASURES
from benchmark.planning.folds import Folds, stratified_folds
from benchmark.planning.grouped_folds import grouped_folds
from benchmark.planning.plan import Plan, Result, Truth
from benchmark.planning.tasks import Outcome
from benchmark.store.merging import Part, merge
from benchmark.store.run_folder import RunFolder

N_FOLDS = 3
VERSIONS = {"numpy": "2.0"}


def describe(name, *, source="baselines 1", version=1, **params):
    return {
        "model": name,
        "target": f"baselines:{name}",
        "source": source,
        "result_version": version,
        "params": params,
    }


def make_truth(name, *, folds=N_FOLDS, repeats=1, data=0, seed=0):
    """Twelve rows; `data`: other numbers under the same name."""
    words = [*name.encode(), data]
    D = np.random.default_rng(words).dirichlet(np.ones(3), size=12)
    fingerprint = bytes(words).hex().ljust(64, "0")
    ids = tuple(map(str, range(12)))
    split = stratified_folds(D, folds, repeats, seed)
    return Truth(
        name=name, fingerprint=fingerprint, label_names=("a", "b", "c"), ids=ids, D=D, folds=split
    )


def make_part(name, datasets, models, *, label="", keys=None, seed=0, **how):
    """Make a run of models (names or descriptions) on datasets, every result another one.

    A result depends on its task's key alone, as it does in a real run.
    """
    truths = {dataset: make_truth(dataset, seed=seed, **how) for dataset in datasets}
    described = {
        model: (models[model] if isinstance(models, dict) else describe(model)) for model in models
    }
    inputs = {dataset: {model: (keys or {}).get(model, "") for model in models}
              for dataset in datasets}  # fmt: skip
    plan = Plan("paper", seed, truths, described, inputs)
    results = {}
    for task in plan.tasks:
        rng = np.random.default_rng(int(task.key[:15], 16))
        rows = len(truths[task.dataset].folds.test(task.repeat, task.fold))
        record = {"versions": VERSIONS, "part": name}
        results[task] = Result(rng.dirichlet(np.ones(3), size=rows), record)
    return Part(name, label, plan, results)


def evidence_of(parts):
    return Evidence(*merge(parts), (), (), RunFolder(None))


def without(part, lost):
    """Take the results that `lost` tells away."""
    kept = {task: result for task, result in part.results.items() if not lost(task)}
    return replace(part, results=kept)


def merged_is_sound(plan, results, missing):
    """The plan asks for what was there, each task once, and every result belongs to one."""
    assert len(set(plan.tasks)) == len(plan.tasks)
    assert set(results) <= set(plan.tasks)
    assert missing == len(plan.tasks) - len(results)


# --- joining ---


def test_datasets_of_several_runs_make_one_ranking():
    parts = [
        make_part("one", ["x", "y"], ["A", "B", "C"]),
        make_part("two", ["z"], ["A", "B", "C"]),
    ]
    plan, results, missing = merge(parts)
    merged_is_sound(plan, results, missing)
    assert list(plan.truths) == ["x", "y", "z"]
    assert list(plan.models) == ["A", "B", "C"]
    assert missing == 0
    assert results == {**parts[0].results, **parts[1].results}
    found = rank_across(evidence_of(parts).summary, MEASURES[0])
    assert found.datasets == ["x", "y", "z"]
    assert found.models == ["A", "B", "C"]


def test_models_of_several_runs_are_compared():
    parts = [make_part("one", ["x"], ["B", "A"]), make_part("two", ["x", "y"], ["C", "A"])]
    plan, results, missing = merge(parts)
    merged_is_sound(plan, results, missing)
    assert list(plan.models) == ["B", "A", "C"]
    assert plan.models_of("x") == ["B", "A", "C"]
    assert plan.models_of("y") == ["A", "C"]
    evidence = evidence_of(parts)
    assert (evidence.summary["folds"] == N_FOLDS).all()
    on_x = evidence.pairs[evidence.pairs["dataset"] == "x"]
    assert set(zip(on_x["model_a"], on_x["model_b"], strict=True)) == {
        ("B", "A"), ("B", "C"), ("A", "C")
    }  # fmt: skip


def test_what_both_have_is_taken_once_and_from_the_first():
    one, two = make_part("one", ["x"], ["A", "B"]), make_part("two", ["x"], ["B", "C"])
    one = without(one, lambda task: task.model == "B" and task.fold == 1)
    plan, results, missing = merge([one, two])
    merged_is_sound(plan, results, missing)
    assert missing == 0  # the second fills the gap of the first
    origin = {(task.model, task.fold): result.record["part"] for task, result in results.items()}
    assert [origin["B", fold] for fold in range(N_FOLDS)] == ["one", "two", "one"]
    assert len(results) == 3 * N_FOLDS


def test_missing_results_are_counted_once():
    one, two = make_part("one", ["x"], ["A", "B"]), make_part("two", ["x"], ["B", "C"])
    one = without(one, lambda task: task.model == "B" or task.fold == 0)
    two = without(two, lambda task: task.fold == 2)
    assert (one.missing, two.missing) == (4, 2)
    plan, results, missing = merge([one, two])
    merged_is_sound(plan, results, missing)
    gaps = {(task.model, task.fold) for task in plan.tasks if task not in results}
    assert gaps == {("A", 0), ("B", 2), ("C", 2)}
    assert missing == 3
    counts = evidence_of([one, two]).summary.set_index("model")["folds"]
    assert counts[["A", "B", "C"]].tolist() == [2, 2, 2]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["one", "two", "both", "none"]), min_size=12, max_size=12))
def test_a_run_computed_in_two_places_is_whole_again(where):
    whole = make_part("one", ["x", "y"], ["A", "B"])
    place = dict(zip(whole.plan.tasks, where, strict=True))
    parts = [
        replace(
            without(whole, lambda task, name=name: place[task] not in (name, "both")), name=name
        )
        for name in ("one", "two")
    ]
    plan, results, missing = merge(parts)
    merged_is_sound(plan, results, missing)
    assert plan.tasks == whole.plan.tasks
    assert missing == where.count("none")
    assert set(results) == {task for task in whole.plan.tasks if place[task] != "none"}
    assert all(result is whole.results[task] for task, result in results.items())


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_run_with_itself_is_itself(times):
    part = without(make_part("one", ["x", "y"], ["A", "B"]), lambda task: task.fold == 2)
    plan, results, missing = merge([part] * times)
    # From Python 3.13 on, == of dataclasses compares arrays that are the same object, too.
    assert replace(plan, truths={}) == replace(part.plan, truths={})
    assert plan.truths.keys() == part.plan.truths.keys()
    for name, truth in plan.truths.items():
        assert list(vars(truth).values()) == list(vars(part.plan.truths[name]).values())
    assert plan.tasks == part.plan.tasks
    assert results == part.results
    assert missing == part.missing == 4


def test_notes_of_both_are_kept_once():
    one, two = make_part("one", ["x"], ["A"]), make_part("two", ["x"], ["B"])
    for part, notes in ((one, ("first", "common")), (two, ("common", "second"))):
        part.plan.truths["x"] = replace(part.plan.truths["x"], notes=notes)
    assert merge([one, two])[0].truths["x"].notes == ("first", "common", "second")


def test_the_order_of_the_runs_changes_no_number():
    parts = [
        make_part("one", ["x", "y"], ["A", "B"]),
        make_part("two", ["z"], ["B", "A", "C"]),
        make_part("three", ["x", "y"], ["C"]),
    ]
    one, other = evidence_of(parts), evidence_of(parts[::-1])
    for frame, keys in (("summary", ["dataset", "model"]), ("intervals", ["dataset", "model"])):
        keys = [*keys, "measure"] if frame == "intervals" else keys
        pd.testing.assert_frame_equal(
            getattr(one, frame).sort_values(keys, ignore_index=True),
            getattr(other, frame).sort_values(keys, ignore_index=True),
            rtol=1e-12,
        )

    def numbers(pairs):
        return {
            (row.dataset, row.measure, frozenset((row.model_a, row.model_b))):
            (row.p_holm, row.difference * (1 if row.model_a < row.model_b else -1))
            for row in pairs.itertuples()
        }  # fmt: skip

    found, expected = numbers(other.pairs), numbers(one.pairs)
    assert found.keys() == expected.keys()
    assert len(expected) == 3 * 3 * len(MEASURES)
    assert all(found[key] == pytest.approx(expected[key], nan_ok=True) for key in expected)
    for measure in MEASURES:
        a, b = (rank_across(evidence.summary, measure) for evidence in (one, other))
        order = [b.models.index(model) for model in a.models]
        assert b.friedman.mean_ranks[order] == pytest.approx(a.friedman.mean_ranks)
        assert b.friedman.p_value == pytest.approx(a.friedman.p_value)
        assert b.wilcoxon[np.ix_(order, order)] == pytest.approx(a.wilcoxon)


# --- labels ---


def two_versions(**labels):
    old = {"A": describe("A", lr=0.1), "B": describe("B")}
    new = {"A": describe("A", lr=0.2), "B": describe("B")}
    return [
        make_part("runs/1", ["x"], old, label=labels.get("old", "")),
        make_part("runs/2", ["x"], new, label=labels.get("new", "")),
    ]


def test_two_versions_of_a_method_are_compared_under_labels():
    parts = two_versions(old="old", new="new")
    plan, results, missing = merge(parts)
    merged_is_sound(plan, results, missing)
    assert list(plan.models) == ["A (old)", "B", "A (new)"]
    assert plan.models["A (old)"]["params"] == {"lr": 0.1}
    assert plan.models["A (new)"]["params"] == {"lr": 0.2}
    assert missing == 0
    # Every result is found under its new name, and is the one of its run.
    for part, label in zip(parts, ("old", "new"), strict=True):
        for task, result in part.results.items():
            if task.model == "A":
                assert results[replace(task, model=f"A ({label})")] is result
    evidence = evidence_of(parts)
    assert (evidence.summary["folds"] == N_FOLDS).all()
    row = evidence.pairs.query("model_a == 'A (old)' and model_b == 'A (new)'").iloc[0]
    assert row["difference"] != 0


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"new": "new"}, ["A", "B", "A (new)"]),
        ({"old": "before"}, ["A (before)", "B", "A"]),
    ],
)
def test_one_label_is_enough(labels, names):
    plan, results, missing = merge(two_versions(**labels))
    merged_is_sound(plan, results, missing)
    assert list(plan.models) == names


def test_labels_are_shown_only_where_models_differ():
    parts = [make_part("1", ["x"], ["A"], label="a"), make_part("2", ["y"], ["A"], label="b")]
    assert list(merge(parts)[0].models) == ["A"]


def test_three_runs_two_of_them_alike():
    old, new = two_versions(new="new")
    third = make_part("runs/3", ["y"], {"A": describe("A", lr=0.1), "B": describe("B")})
    plan, results, missing = merge([old, new, third])
    merged_is_sound(plan, results, missing)
    assert list(plan.models) == ["A", "B", "A (new)"]
    assert plan.models_of("y") == ["A", "B"]


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"model": describe("A", lr=0.2)}, "lr = 0.1 and 0.2"),
        ({"model": describe("A", lr=0.1, depth=3)}, "depth = None and 3"),
        ({"model": describe("A", source="baselines 2", lr=0.1)}, "another code"),
        ({"model": describe("A", version=2, lr=0.1)}, "result_version = 1 and 2"),
        ({"keys": {"A": "other"}}, "other features or images of x"),
        (
            {"model": describe("A", source="mine", lr=0.2), "keys": {"A": "other"}},
            "lr = 0.1 and 0.2, another code, other features or images of x",
        ),
    ],
)
def test_a_model_made_in_another_way_is_refused_and_the_difference_told(changed, difference):
    before = {"A": describe("A", lr=0.1)}
    after = {"A": changed.get("model", before["A"])}
    one = make_part("runs/1", ["x"], before, keys={"A": "key"})
    two = make_part("runs/2", ["x"], after, keys=changed.get("keys", {"A": "key"}))
    with pytest.raises(UsageError) as caught:
        merge([one, two])
    assert str(caught.value) == (
        f"runs/1 and runs/2 have different models called 'A': {difference}; to show both, label "
        "the folders, as in: --out old=runs/1 --out new=runs/2"
    )
    plan, results, missing = merge([one, replace(two, label="new")])
    merged_is_sound(plan, results, missing)
    assert list(plan.models) == ["A", "A (new)"]


def test_a_model_may_have_other_features_on_another_dataset():
    one = make_part("1", ["x"], ["A"], keys={"A": "of x"})
    two = make_part("2", ["y"], ["A"], keys={"A": "of y"})
    plan, results, missing = merge([one, two])
    merged_is_sound(plan, results, missing)
    assert plan.inputs == {"x": {"A": "of x"}, "y": {"A": "of y"}}


def test_labels_that_lead_to_one_name_are_refused():
    with pytest.raises(UsageError, match="two runs have the same label: v, v"):
        merge(two_versions(old="v", new="v"))
    old, new = two_versions(new="new")
    taken = make_part("runs/3", ["x"], {"A (new)": describe("A", lr=0.9)})
    with pytest.raises(UsageError, match=r"several models would be called 'A \(new\)'"):
        merge([old, new, taken])
    both = make_part(
        "runs/2", ["x"], {"A": describe("A", lr=0.2), "A (new)": describe("A", lr=0.9)}, label="new"
    )
    with pytest.raises(UsageError, match="runs/2 has models that would be called the same"):
        merge([old, both])


# --- what does not fit ---


@pytest.mark.parametrize(
    ("how", "difference"),
    [
        ({"seed": 1}, "seed 0 and 1"),
        ({"folds": 4}, "3 and 4 folds"),
        ({"repeats": 2}, "1 and 2 repeats"),
        ({"data": 1}, r"other data under the name x \(12 and 12 rows, fingerprints 7800"),
    ],
)
def test_runs_made_in_another_way_are_refused(how, difference):
    parts = [make_part("runs/1", ["x", "y"], ["A"]), make_part("runs/2", ["x"], ["B"], **how)]
    for labels in (("", ""), ("old", "new")):  # labels are no way round it
        labelled = [replace(p, label=label) for p, label in zip(parts, labels, strict=True)]
        with pytest.raises(UsageError, match=f"runs/1 and runs/2 cannot .*{difference}"):
            merge(labelled)


def test_other_numbers_of_folds_are_refused_without_a_common_dataset():
    for how, difference in (
        ({"seed": 1}, "seed 0 and 1"),
        ({"folds": 4}, "3 and 4 folds"),
        ({"repeats": 2}, "1 and 2 repeats"),
    ):
        parts = [make_part("runs/1", ["x"], ["A"]), make_part("runs/2", ["y"], ["A"], **how)]
        with pytest.raises(UsageError, match=f"comparable: {difference}$"):
            merge(parts)


def test_other_folds_of_the_same_data_are_refused():
    one, two = make_part("runs/1", ["x"], ["A"]), make_part("runs/2", ["x"], ["B"])
    turned = Folds((two.plan.truths["x"].folds.assignment + 1) % N_FOLDS)
    two.plan.truths["x"] = replace(two.plan.truths["x"], folds=turned)
    with pytest.raises(UsageError, match=r"comparable: other folds of x$"):
        merge([one, two])


def test_other_splits_of_the_same_data_are_refused_with_the_difference():
    one, two = make_part("runs/1", ["x"], ["A"]), make_part("runs/2", ["x"], ["B"])
    truth = two.plan.truths["x"]
    groups = np.arange(len(truth.D)) // 2
    names = tuple(map(str, groups))
    grouped = replace(truth, folds=grouped_folds(truth.D, groups, N_FOLDS), groups=names)
    two.plan.truths["x"] = grouped
    said = r"comparable: other splits \(3 stratified folds, and 3 stratified folds of 6 groups; no "
    with pytest.raises(UsageError, match=said + r"group is in two folds\) of x$"):
        merge([one, two])
    # The same folds, in which settings were chosen with other groups kept apart.
    three = make_part("runs/3", ["x"], ["A"])
    pooled = replace(grouped.folds, groups=np.minimum(groups, 4))
    three.plan.truths["x"] = replace(grouped, folds=pooled)
    with pytest.raises(UsageError, match=r"comparable: other groups of x$"):
        merge([two, three])


def test_runs_on_other_datasets_may_be_split_in_other_ways():
    one, two = make_part("runs/1", ["x"], ["A"]), make_part("runs/2", ["y"], ["A"])
    truth = two.plan.truths["y"]
    folds = Folds(np.where(truth.folds.assignment == 0, 0, -1), kind="given")
    two.plan.truths["y"] = replace(truth, folds=folds)
    two.plan.__dict__.pop("tasks", None)
    two = replace(two, results={task: two.results[task] for task in two.plan.tasks
                                if task in two.results})  # fmt: skip
    assert merge([one, two])[0].truths["y"].folds.kind == "given"


@pytest.mark.parametrize("other", ["x", "y"])
def test_folds_of_two_versions_are_not_mixed(other, stored):
    """Not even where they are the same rows, nor on other data, nor from folders."""
    new, old = make_part("runs/new", ["x"], ["A"]), make_part("runs/old", [other], ["B"])
    truth = old.plan.truths[other]
    old.plan.truths[other] = replace(truth, folds=replace(truth.folds, version=1))
    old.plan.__dict__.pop("tasks")  # which were listed for the other folds
    tasks = {(t.dataset, t.repeat, t.fold): t for t in old.plan.tasks}
    results = {tasks[t.dataset, t.repeat, t.fold]: r for t, r in old.results.items()}
    old = replace(old, results=results)
    said = r"versions 2 and 1 of the folds \(give the run command of runs/old again: [^.;]*\)$"
    with pytest.raises(UsageError, match=said):
        merge([new, old])
    paths = [stored(new), stored(old)]
    with pytest.raises(UsageError, match=said), gather(paths):
        pass
    for path in paths:  # each alone can be read
        with gather(path) as evidence:
            assert evidence.missing == 0


def test_every_run_has_to_fit_to_every_other():
    """The second and the third share a dataset that the first lacks."""
    first, second = make_part("1", ["x"], ["A"]), make_part("2", ["y"], ["A"])
    third = make_part("3", ["y"], ["B"], data=1)
    with pytest.raises(UsageError, match=r"2 and 3 cannot .* other data under the name y"):
        merge([first, second, third])
    third = make_part("3", ["z"], {"A": describe("A", lr=1)})
    with pytest.raises(UsageError, match="1 and 3 have different models called 'A'"):
        merge([first, second, third])


# --- from folders ---


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Write a part to a run folder: part -> path relative to the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(part):
        folder = RunFolder(tmp_path / part.name)
        folder.write_plan(part.plan, {"command": f"run {part.name}"})
        for task, result in part.results.items():
            folder.write_outcome(Outcome(task, result.predictions), VERSIONS)
        return part.name

    return write


def test_one_folder_is_read_as_it_is(stored):
    part = make_part("results/runs/only", ["x"], ["A", "B"])
    path = stored(without(part, lambda task: task.model == "B" and task.fold == 0))
    for out in (None, path, [path], [], f"label={path}", [path, path], [path, f"other={path}"]):
        with gather(out) as evidence:
            assert evidence.plan.tasks == part.plan.tasks
            assert list(evidence.plan.models) == ["A", "B"]
            assert evidence.missing == 1
            assert evidence.target.path.name == "only"
            assert [about["command"] for about in evidence.abouts] == [f"run {part.name}"]
            for task, result in evidence.results.items():
                assert (result.predictions == part.results[task].predictions).all()


def test_several_folders_go_to_a_folder_of_their_own(stored, tmp_path):
    old, new = two_versions()
    paths = [stored(replace(old, name="a")), stored(replace(new, name="b"))]
    with gather([f"v/1={paths[0]}", paths[1]]) as evidence:
        assert list(evidence.plan.models) == ["A (v/1)", "B", "A"]
        assert [folder.path.name for folder in evidence.folders] == ["a", "b"]
        target = evidence.target.path
        assert target.parent.resolve() == tmp_path / "results" / "merged"
        assert target.name.endswith("+b")
        assert (evidence.summary["folds"] == N_FOLDS).all()
    with gather([f"v={paths[0]}", paths[1]], to="elsewhere") as evidence:
        assert evidence.target.path.resolve() == tmp_path / "elsewhere"
    with (
        pytest.raises(UsageError, match="b holds a run; its tables"),
        gather([f"v={paths[0]}", paths[1]], to=paths[1]),
    ):
        pass
    # After a refusal both folders can be read again.
    with pytest.raises(UsageError, match="lr = "), gather(paths):
        pass
    with gather(paths[0]) as evidence:
        assert evidence.missing == 0


def test_folders_without_a_run_or_with_damage_are_told(stored, tmp_path):
    with pytest.raises(UsageError, match="there is no run below"), gather():
        pass
    part = make_part("a", ["x"], ["A"])
    path = stored(part)
    with pytest.raises(UsageError, match="nowhere holds no run"), gather([path, "nowhere"]):
        pass
    task = part.plan.tasks[0]
    (tmp_path / path / task.path).write_bytes(b"nonsense")
    with pytest.raises(BenchmarkError, match=r"damaged.*computes it again"), gather(path):
        pass


def test_names_that_differ_by_case_alone_do_not_come_into_one_table():
    parts = [make_part("one", ["x"], ["A"]), make_part("two", ["X"], ["A"])]
    with pytest.raises(UsageError, match="datasets of names too alike: 'x', 'X'"):
        merge(parts)
