"""The script that measures a GPU, tried at tiny size on JAX where there is no TensorFlow.

Its section is written by `gpu_section.py`; PyTorch's loops run where there is PyTorch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from gpu_section import projection, whole_section  # noqa: E402

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
    ours = ["matrix_rate"] * 3 + ["our_training", "files_extraction", "head", "baselines"]
    loops = ["plain_training", "tuned_training"] if find_spec("torch") else []
    assert sorted(whats) == sorted(ours + loops)
    assert done.stdout.count(" s  head ") == 1  # what the record holds is not measured again
    assert all(entry["card"] == "CPU, Keras on jax" for entry in entries)
    assert not [entry for entry in entries if "error" in entry["figures"]]
    written = section.read_text()
    assert "| small, 16 x 16 | float32 | 32 | shards, steps |" in written
    assert "A new layer on 4,096 activations (18 rows, 20 epochs)" in written
    assert "Tables 3 and 4 are not projected: whole_fold not measured yet." in written


def entry(what, figures, **arguments):
    return {"card": "A, Keras on jax", "what": what, "arguments": arguments, "figures": figures}


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
