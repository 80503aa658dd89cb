"""What results depend on beside versions is recorded with each, and a mixed table says so."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import benchmark
from benchmark.analysis import scores as tables
from benchmark.analysis.evidence import gather
from benchmark.running import compute
from benchmark.running.machine import blas, instruction_sets, machine, processor
from features.storage.files import read_json

INTEL = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 85
model name\t: Intel(R) Xeon(R) CPU
stepping\t: 7

processor\t: 1
model name\t: another
"""
ARM = """processor\t: 0
Features\t: fp asimd
CPU implementer\t: 0x41
CPU part\t: 0xd0c
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (INTEL, "Intel(R) Xeon(R) CPU (family 6, model 85, stepping 7)"),
        (ARM, "0xd0c (implementer 0x41)"),
    ],
)
def test_the_processors_model_has_the_numbers_that_tell_steppings_apart(tmp_path, text, said):
    (tmp_path / "cpuinfo").write_text(text)
    assert processor(tmp_path / "cpuinfo") == said


def test_a_system_without_that_file_names_some_processor(tmp_path):
    assert processor(tmp_path / "none")
    (tmp_path / "empty").touch()
    assert processor(tmp_path / "empty")


def test_the_machine_is_described_in_texts():
    found = machine()
    assert list(found) == ["processor", "instruction sets", "BLAS", "threads"]
    assert all(found.values())
    assert found["threads"] == "1"
    assert machine("one GPU") == {**found, "device": "one GPU"}
    assert set(instruction_sets().split()) >= set(
        np.show_config(mode="dicts")["SIMD Extensions"]["baseline"]
    )


def test_deterministic_operations_are_recorded_with_the_device(monkeypatch):
    usual = machine("one GPU")
    monkeypatch.setenv("LDL_DETERMINISTIC", "1")
    assert machine("one GPU") == {**usual, "device": "one GPU, deterministic operations"}
    assert "device" not in machine()  # results of no network do not depend on it


@pytest.mark.skipif(
    not any(library.get("architecture") == "SkylakeX" for library in threadpool_info()),
    reason="needs OpenBLAS and a processor with AVX-512",
)
def test_the_kernel_of_blas_is_the_one_in_use():
    assert "SkylakeX" in blas()
    program = "from benchmark.running.machine import blas; print(blas())"
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Haswell"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == blas().replace("SkylakeX", "Haswell")


def test_each_result_tells_its_machine_and_a_mixed_table_says_so(problem, tmp_path, monkeypatch):
    X, D = problem
    options = {
        "datasets": benchmark.make_dataset("made", X, D), "folds": 3, "report": False,
        "out": tmp_path / "out",
    }  # fmt: skip
    study = benchmark.run("AA-kNN", **options)
    assert not any("machine" in note for note in study.notes)
    here = machine()
    assert here.items() <= read_json(study.folder / "run.json")["machine"].items()
    with gather(study.folder) as evidence:
        assert all(result.record["machine"] == here for result in evidence.results.values())
    # The same folder goes on on another machine, where one result is lost.
    other = {**here, "processor": "another", "BLAS": "openblas 1 Other"}
    monkeypatch.setattr(compute, "machine", lambda _device: other)
    next((study.folder / "tasks").rglob("*.npz")).unlink()
    study = benchmark.run("AA-kNN", **options)
    (note,) = [note for note in study.notes if "different machines" in note]
    processors = " / ".join(sorted([here["processor"], "another"]))
    assert f"processor: {processors}" in note
    assert "openblas 1 Other" in note
    assert "threads" not in note  # which is the same
    assert "different versions" not in " ".join(study.notes)
    assert note in (study.folder / "table3.md").read_text(encoding="utf-8")


def test_results_that_do_not_tell_their_machine_are_no_other_machine(finished):
    plan, results = finished
    first, *others = results.values()
    recorded = replace(first, record={**first.record, "machine": {"processor": "A"}})
    mixed = dict(zip(results, [recorded, *others], strict=True))
    summary = tables.summarise(plan, tables.scores_frame(plan, mixed))
    assert not any("machines" in note for note in tables.remarks(plan, mixed, summary))
