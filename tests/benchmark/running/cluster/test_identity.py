"""What tells a worker whose results might differ."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmark.running.cluster import identity as module
from benchmark.running.cluster.identity import (
    changed_since_start,
    code_of,
    differences,
    identity,
    loaded_code,
)

ROOT = Path(__file__).resolve().parents[4]


def test_a_process_has_python_libraries_packages_and_code():
    here = identity("jax", ["click", "no-such-package"])
    assert {"python", "numpy", "scipy", "scikit-learn", "keras", "keras backend"} <= here.keys()
    assert here["no-such-package"] == "not installed"
    assert here["the code of this project"] == code_of(ROOT) == loaded_code()
    assert "keras" not in identity()


def test_workers_of_networks_are_asked_for_the_same_operations(monkeypatch):
    here = identity("jax")
    monkeypatch.setenv("LDL_DETERMINISTIC", "1")
    assert differences(here, identity("jax")) == ["LDL_DETERMINISTIC 1 (here 0)"]
    monkeypatch.setenv("LDL_DETERMINISTIC", "0")
    assert not differences(here, identity("jax"))
    assert "LDL_DETERMINISTIC" not in identity()


def test_differences_say_both_sides():
    assert differences({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == [
        "b 3 (here 2)", "c 4 (here none)",
    ]  # fmt: skip


def test_any_change_of_any_source_file_is_seen(tmp_path, monkeypatch):
    for name in ("benchmark", "features"):
        (tmp_path / name).mkdir()
        shutil.copy(ROOT / name / "__init__.py", tmp_path / name)
    codes = [code_of(tmp_path)]
    (tmp_path / "features" / "new.py").write_text("")
    codes.append(code_of(tmp_path))
    (tmp_path / "features" / "new.py").rename(tmp_path / "benchmark" / "new.py")
    codes.append(code_of(tmp_path))
    (tmp_path / "benchmark" / "new.py").write_text("x = 1")
    codes.append(code_of(tmp_path))
    assert len(set(codes)) == 4
    assert not changed_since_start()
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    assert "changed since it was started" in changed_since_start()
