"""The script that measures a GPU, tried at tiny size on JAX where there is no TensorFlow.

What it measures is in `gpu_measurements.py`, and its section is written by `gpu_section.py`;
PyTorch's loops run where there is PyTorch. `make perf-gpu-try` tries all of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import gpu  # noqa: E402
from gpu_section import gains, projection, timings, whole_section  # noqa: E402

# Every process that is started finds no TensorFlow.
LACKING = """
import sys
from importlib.machinery import PathFinder

class Lacking(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            return None
        return super().find_spec(name, path, target)

sys.meta_path = [Lacking if finder is PathFinder else finder for finder in sys.meta_path]
"""
QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
CALLS = """
import sys
from importlib.util import find_spec
assert find_spec("tensorflow") is None
sys.path.insert(0, "tests/perf")
import gpu
files, wanted = sys.argv[1:5], sys.argv[5:]
for only in wanted:
    sys.argv[1:] = ["--any-device", "--here", "--images", "18", "--size", "16", "--backbone",
                    "small", "--only", only, *files]
    gpu.main()
"""
WANTED = (
    "matrix_rate", '"batch": 32, "precision": "float32"}', 'files_extraction {"images": 18, "size":'
    ' 16, "backbone": "small", "batch": 128, "precision": "float32"}', "head", "baselines", "head",
    'side_by_side {"images": 18, "folds": 10, "width"',
)  # fmt: skip


def test_it_runs_on_jax_alone_and_goes_on_where_it_stopped(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(LACKING)
    record, section = tmp_path / "gpu.json", tmp_path / "perf.md"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CALLS, "--record", str(record), "--out",
         str(section), *WANTED],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": QUICK, "LDL_DETERMINISTIC": "1",
             "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    entries = json.loads(record.read_text())
    whats = [entry["what"] for entry in entries]
    ours = ["matrix_rate"] * 3
    ours += ["our_training", "files_extraction", "head", "baselines", "side_by_side"]
    loops = ["plain_training", "tuned_training"] if find_spec("torch") else []
    assert sorted(whats) == sorted(ours + loops)
    assert done.stdout.count(" s  head ") == 1  # what the record holds is not measured again
    assert all(entry["card"] == "CPU, Keras on jax" for entry in entries)
    assert not [entry for entry in entries if "error" in entry["figures"]]
    written = section.read_text()
    assert "| small, 16 x 16 | float32 | 32 | shards, loop |" in written  # as on a card
    assert "A new layer on 4,096 activations (18 rows, 20 epochs)" in written
    assert "Tables 3 and 4 are not projected: whole_fold not measured yet." in written


FIGURES = ("flops", "per_second", "first", "second", "alone", "same_bits")


def calls(monkeypatch, folder, took, *options):
    """Call the script on a card whose measurements take some seconds each; return the record."""
    now = [0.0]

    def measure(name, arguments, seconds):
        if name == "device":
            return {"name": "A", "accelerated": True, "backend": "tensorflow"}
        needed = took.get(name, 1.0)
        now[0] += min(needed, seconds)
        return {"stopped": "no time"} if needed > seconds else dict.fromkeys(FIGURES, 1.0)

    monkeypatch.setattr(gpu, "measure", measure)
    monkeypatch.setattr(gpu.time, "monotonic", lambda: now[0])
    files = ["--record", str(folder / "r.json"), "--out", str(folder / "r.md"),
             "--timings", str(folder / "t.md")]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["gpu.py", *files, *options])
    gpu.main()
    record = folder / "r.json"
    return json.loads(record.read_text()) if record.exists() else []


def test_each_call_goes_on_until_its_time_is_spent(tmp_path, monkeypatch, capsys):
    """The plan begins with two matrix products; here each takes 40 of the 55 seconds."""
    took = {"matrix_rate": 40.0}
    assert not calls(monkeypatch, tmp_path, took, "--only", "matrix_rate", "--seconds", "9")
    for measured in (1, 2, 3, 3):
        record = calls(monkeypatch, tmp_path, took, "--only", "matrix_rate", "--seconds", "55")
        assert [entry["seconds"] for entry in record] == [40.0] * measured
    assert capsys.readouterr().out.count("the time is spent; call again to go on") == 1
    assert "| all | 120 |" in (tmp_path / "t.md").read_text()


def test_what_takes_all_of_a_call_is_not_tried_again(tmp_path, monkeypatch):
    took = {"whole_fold": 600.0, "head": 99.5}
    only = ("--seconds", "100", "--only", '"batch": 32')
    record = calls(monkeypatch, tmp_path, took, *only)  # stopped, but behind others
    assert "whole_fold" not in {entry["what"] for entry in record}
    record = calls(monkeypatch, tmp_path, took, *only)  # it had all of the time
    assert record[-1]["figures"] == {"error": "no time"}
    assert record[-1]["what"] == "whole_fold"
    record = calls(monkeypatch, tmp_path, took, *only)
    assert [entry["what"] for entry in record].count("whole_fold") == 1
    assert "head" not in [entry["what"] for entry in record]
    record = calls(monkeypatch, tmp_path, took, *only)
    assert "head" in [entry["what"] for entry in record]
    assert "| whole fold, bfloat16, batch 32 | failed |" in (tmp_path / "t.md").read_text()


HANGS = """
import subprocess, sys, time
child = subprocess.Popen(["sleep", "60"])
open(sys.argv[2].strip('"'), "w").write(str(child.pid))
time.sleep(60)
"""


def test_nothing_that_ran_out_of_time_goes_on_holding_the_card(tmp_path, monkeypatch):
    (tmp_path / "gpu_measurements.py").write_text(HANGS)
    monkeypatch.setattr(gpu, "HERE", tmp_path)
    assert "stopped" in gpu.measure("hang", str(tmp_path / "pid"), 1.5)
    child = int((tmp_path / "pid").read_text())
    with suppress(FileNotFoundError, ProcessLookupError):  # until it has ended
        while Path(f"/proc/{child}/stat").read_text().split()[2] not in "ZX":
            time.sleep(0.01)


def test_a_failure_is_told_by_the_line_that_names_it():
    said = 'Traceback:\n  File "x"\nRuntimeError: too small\n\nSet X=1 for more'
    assert gpu._message(said) == "RuntimeError: too small"
    assert gpu._message("Killed\n  here") == "Killed"
    assert gpu._message("") == "no message"


def test_timings_stand_beside_each_other_by_card_and_backend():
    record = [
        {**entry("head", {"first": 1.0}, batch=32), "seconds": 4.4},
        {**entry("our_training", {}, precision="float32", batch=32, loop=True), "seconds": 10.0},
        {**entry("head", {"error": "x"}, batch=32), "seconds": 2.0, "card": "B"},
    ]
    assert timings(record)[0] == "| measurement | A, Keras on jax, s | B, s |"
    assert timings(record)[2:] == [
        "| head, batch 32 | 4 | failed |",
        "| our training, float32, batch 32, loop | 10 |  |",
        "| all | 14 | 2 |",
    ]


def test_deterministic_operations_are_compared_with_the_usual_ones():
    at = {"images": 18, "size": 16, "batch": 32, "precision": "bfloat16", "backbone": "small"}
    record = [
        entry("our_training", {"per_second": 200.0}, **at),
        entry("deterministic", {"per_second": 150.0, "same_bits": True}, **at),
    ]
    lines = whole_section([{"date": "2026-01-01", **one} for one in record])
    assert (
        "Deterministic operations, bfloat16, batch 32: 150 images/s, 0.75 times the usual ones'; "
        "two trainings gave the same bits."
    ) in lines


def entry(what, figures, **arguments):
    return {"card": "A, Keras on jax", "what": what, "arguments": arguments, "figures": figures}


def test_gains_are_ratios_to_what_is_usual_on_the_same_card():
    at = {"backbone": "small", "batch": 32, "precision": "float32"}
    record = [
        entry("our_training", {"per_second": 300.0}, **at),
        entry("our_training", {"per_second": 200.0}, **at, loop=False),
        {**entry("our_training", {"per_second": 50.0}, **at), "card": "B"},
        {**entry("deterministic", {"per_second": 40.0}, **at), "card": "B"},
        entry("deterministic", {"error": "x"}, **at),
        entry("side_by_side", {"alone": 2.0, "per_second": 5.0}, folds=10, width=128),
        entry("our_training", {"per_second": 1.0}, batch=8, precision="float32", loop=False),
    ]
    assert gains(record)[0] == "| speed with it over that without | A, Keras on jax | B |"
    assert gains(record)[2:] == [
        "| a loop on the device, small, float32, batch 32 | 1.50 |  |",
        "| deterministic operations, small, float32, batch 32 |  | 0.80 |",
        "| 10 folds at once, a new layer on 128 activations | 2.50 |  |",
    ]


def test_tables_are_projected_from_their_parts():
    """Whole seconds, so that the sums can be done by hand."""
    fold = {"whole": 100.0, "first": 40.0, "second": 10.0, "predict": 1.0}
    record = [
        entry("whole_fold", fold, images=1782, batch=32),
        entry("files_extraction", {"per_second": 198.0, "bare": 1.0}, images=1782),
        entry("head", {"first": 9.0, "second": 2.0}, images=1782),
        entry("baselines", {"PTBayes": 1.0, "SAIIS": 5.0}, images=1782),
    ]
    common = {"batch": 32, "precision": "bfloat16", "size": 224}
    for backbone, speed in (("vgg16", 1000.0), ("resnet50", 2000.0), ("alexnet", 10000.0)):
        record.append(entry("our_training", {"per_second": speed}, backbone=backbone, **common))
    # Table 3: 50 s beside; networks 2 (30 + 10 x 10); features 10 + 30; baselines 10 x 6.
    told = projection(record, "A, Keras on jax")[1]
    assert "Table 3 7 min" in told  # 50 + 260 + 40 + 60 = 410 s
    assert "two networks 4 min, features 40 s, seven baselines 60 s, all else 50 s" in told
    # Table 4, a set of n = 1980 and one of 806 rows: trained twice 30 + 100 n / 1980 x 1, 0.5, 0.1.
    share = 1 + 806 / 1980
    whole = 2 * (6 * 30 + 100 * 1.6 * share)
    frozen = sum(n / 198 * 3 + 3 * 30 + 3 * 20 * n / 1980 for n in (1980, 806))
    assert f"(trained {whole / 60:.0f} min, frozen {frozen / 60:.0f} min)" in told
    assert "not measured" not in told
    without = [one for one in record if one["arguments"].get("backbone") != "resnet50"]
    assert "resnet50 by their operations, not measured" in projection(without, record[0]["card"])[1]


def test_a_section_has_the_figures_of_its_card_and_of_its_backend():
    at = {"images": 1782, "size": 224, "batch": 32, "precision": "bfloat16"}
    record = [
        {**entry("matrix_rate", {"flops": 1e15}, kind="bfloat16"), "card": "A, Keras on torch"},
        {**entry("plain_training", {"per_second": 500.0}, **at), "card": "A, Keras on torch"},
        entry("our_training", {"per_second": 1000.0, "resident": True}, images_from="shards", **at),
        entry("our_training", {"per_second": 250.0}, **at),
        {**entry("our_training", {"per_second": 7.0}, **at), "card": "B, Keras on jax"},
    ]
    lines = whole_section([{"date": "2026-01-01", **one} for one in record])
    # 1000 images/s of 3 x 30.952 GFLOP are 9.3 % of 10^15.
    where = "| vgg16, 224 x 224 | bfloat16 | 32 |"
    assert f"{where} shards, loop | 1000 | 9 % | 500 |  |  | 2.00 |  |" in lines
    assert f"{where} memory, steps | 250 | 2 % | 500 |  |  | 0.50 |  |" in lines
    assert f"{where} memory, steps | 7 |  |  |  |  |  |  |" in lines
