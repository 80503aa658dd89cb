"""A folder that an earlier version has filled is computed anew, and it is said why (resuming)."""

from __future__ import annotations

from dataclasses import replace

import pytest

import benchmark
from benchmark.planning import splits
from benchmark.planning.folds import stratified_folds
from features.storage.files import read_json, write_json


@pytest.fixture
def once(problem, tmp_path):
    """Run AA-kNN into a folder: options -> the study, and what was told."""
    X, D = problem
    data = benchmark.make_dataset("made", X, D)

    def run(**options):
        told: list[str] = []
        study = benchmark.run(
            "AA-kNN", datasets=data, folds=3, out=tmp_path / "out", report=False,
            tell=told.append, **options,
        )  # fmt: skip
        return study, " ".join(told)

    return run


@pytest.fixture
def former(once, monkeypatch):
    """A folder as release 0.1.0 left it: nothing there tells a version of the folds."""
    with monkeypatch.context() as patch:
        patch.setattr(
            splits, "stratified_folds", lambda *of: replace(stratified_folds(*of), version=1)
        )
        folder = once()[0].folder
    content = read_json(folder / "run.json")
    for entry in content["datasets"]:
        assert entry.pop("folds_version") == 1
    write_json(folder / "run.json", {k: v for k, v in content.items() if k != "sha256"})
    return folder


def test_a_former_run_is_shown_and_then_computed_anew(once, former):
    before = {path.name: path.read_bytes() for path in (former / "tasks").rglob("*.npz")}
    assert benchmark.table(former).complete
    study, told = once()
    assert "3 tasks (1 model, 1 dataset): 0 done before, 3 to do" in told
    assert told.count("computed on folds of version 1; rows are now split by version 2, so") == 1
    assert study.complete
    after = {path.name: path.read_bytes() for path in (former / "tasks").rglob("*.npz")}
    assert len(after) == 6  # beside the former results, which stay as they were
    assert before.items() <= after.items()
    assert read_json(former / "run.json")["datasets"][0]["folds_version"] == 2
    assert "folds of version" not in once()[1]


@pytest.mark.parametrize("damage", ["{", None])
def test_nothing_is_said_where_no_former_run_can_be_read(once, former, damage):
    if damage is None:
        (former / "run.json").unlink()
        (former / ".lock").touch()
    else:
        (former / "run.json").write_text(damage)
    study, told = once()
    assert "folds of version" not in told
    assert study.complete
