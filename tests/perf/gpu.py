"""Measures feature extraction and EW-MTCNN training on a GPU against PyTorch loops.

Runs anywhere with a GPU and Keras on TensorFlow, JAX or PyTorch (KERAS_BACKEND); where there is no
PyTorch, its loops are left out. Weights are random, images are noise: neither matters for the
speed. Images come as in a run: from shards on disk, or from JPEG files.

Measurements are made one by one, the most important first, until the time is spent. Each goes into
the record (results/gpu.json) and the section of results/perf.md is written anew when it is there;
what the record holds of the same card and backend is not measured again, so that another call goes
on where this one stopped. What is not done though it had all of a call's time has failed, so that
the next call goes on behind it. `gpu_measurements.py` has what is measured.

usage: KERAS_BACKEND=jax python tests/perf/gpu.py [--seconds 540] [--again] [--only TEXT]
           [--record FILE.json] [--out FILE.md] [--timings FILE.md]
       --any-device --images 18 --size 16 --backbone small --record FILE --out FILE also runs
           without a GPU, to try the script, and keeps images on the device as it would there;
           --here does it all in one process, --timings tells what each measurement takes
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

from gpu_measurements import MEASUREMENTS  # noqa: E402

TITLE = "Networks on a GPU"
RECORD = ROOT / "results" / "gpu.json"


def plan(
    images: int, size: int, backbone: str = "vgg16", looped: bool = False
) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the measurements, the most important first: function and arguments.

    Where there is no card, `looped` has images kept on the device as they would be on one.
    """
    yield "matrix_rate", {"kind": "bfloat16"}
    yield "matrix_rate", {"kind": "tf32"}
    sides = {"images": images, "size": size}
    common = sides if backbone == "vgg16" else {**sides, "backbone": backbone}
    shards = {**common, "images_from": "shards", **({"loop": True} if looped else {})}
    for batch in (32, 128):
        given = {"batch": batch, "precision": "bfloat16"}
        yield "our_training", {**shards, **given}
        yield "our_training", {**shards, **given, "loop": False}  # as it is without the loop
        yield "plain_training", {**sides, **given}
    yield "deterministic", {**shards, "batch": 32, "precision": "bfloat16"}
    yield "whole_fold", {**common, "batch": 32, "precision": "bfloat16"}
    for kind in ({"size": min(size, 32)}, {"width": 128}):
        yield "side_by_side", {"images": images, "folds": 10, **kind}
    small = {**shards, "backbone": "small", "size": min(size, 64), "precision": "float32"}
    for loop in (True, False):
        yield "our_training", {**small, "batch": 32, **({} if loop else {"loop": False})}
    for batch in (32, 128):
        yield "our_training", {**shards, "batch": batch, "precision": "float32"}
        yield "plain_training", {**sides, "batch": batch, "precision": "float32"}
    for precision in ("bfloat16", "float32"):
        yield "files_extraction", {**common, "batch": 128, "precision": precision}
    for precision in ("bfloat16", "float32"):
        for batch in (32, 128):
            yield "tuned_training", {**sides, "batch": batch, "precision": precision}
    yield "head", {"images": images, "batch": 32}
    yield "baselines", {"images": images}
    if backbone == "vgg16":
        for other in ("resnet50", "alexnet"):
            yield "our_training", {**shards, "backbone": other, "batch": 32,
                                   "precision": "bfloat16"}  # fmt: skip
    yield "tuned_training", {**sides, "batch": 32, "precision": "bfloat16", "pinned": True}
    yield "matrix_rate", {"kind": "float32"}


# --- Each measurement is a process of its own ----------------------------------------------------


def measure(name: str, arguments: dict[str, Any], seconds: float = 3600) -> dict[str, Any]:
    """Run one measurement in a process of its own; a failure is a remark, not the end."""
    command = [sys.executable, "-W", "ignore", str(HERE / "gpu_measurements.py"), name]
    with subprocess.Popen(
        [*command, json.dumps(arguments)], cwd=ROOT, text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return {"stopped": f"not done in the {seconds:.0f} s that were left"}
        finally:  # what it has started would hold the card
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        return {"error": _message(errors)}
    return dict(json.loads(output.splitlines()[-1]))


def _message(stderr: str) -> str:
    """Find the line that says what went wrong: advice may stand below it."""
    lines = stderr.strip().splitlines() or ["no message"]
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    unindented = [line for line in lines if line[:1].strip()]
    return (named or unindented or lines)[-1]


def measure_here(name: str, arguments: dict[str, Any], _seconds: float = 0) -> dict[str, Any]:
    """Run one measurement in this process, whose library is loaded once."""
    return dict(json.loads(json.dumps(MEASUREMENTS[name](**arguments))))


# --- The record -----------------------------------------------------------------------------------


def main() -> None:
    """Measure what the record lacks, until the time is spent."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=1782)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=540)
    parser.add_argument("--only", default="", help="measurements whose name and arguments hold it")
    parser.add_argument("--again", action="store_true", help="also what the record holds")
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--out", type=Path, help="another file than results/perf.md")
    parser.add_argument("--timings", type=Path, help="file for a table of what each took")
    parser.add_argument("--any-device", action="store_true")
    parser.add_argument("--backbone", default="vgg16", help="another one, to try the script")
    parser.add_argument("--here", action="store_true", help="in one process, to try the script")
    options = parser.parse_args()
    deadline = time.monotonic() + options.seconds
    run = measure_here if options.here else measure
    found = run("device", {}, options.seconds)
    if "error" in found:
        raise SystemExit(f"Keras cannot be started: {found['error']}")
    from document import PATH, has, put
    from gpu_section import OF_TORCH, find, gains, timings, whole_section

    path = options.out or PATH
    if not found["accelerated"] and not options.any_device:
        none = f"No GPU was at hand: Keras ran on {found['name']}, and nothing was measured."
        if not has(TITLE, path):  # figures of an earlier run stay
            put(TITLE, [none, "`make perf-gpu` on a machine with one writes this section."], path)
        raise SystemExit(none)
    card = f"{found['name']}, Keras on {found['backend']}"
    kept = options.record.read_text(encoding="utf-8") if options.record.exists() else "[]"
    record: list[dict[str, Any]] = json.loads(kept)
    if find_spec("torch") is None:
        print("PyTorch is not installed: its loops are left out", flush=True)
    looped = not found["accelerated"]
    tried = 0
    for name, arguments in plan(options.images, options.size, options.backbone, looped):
        told = f"{name} {json.dumps(arguments)}"
        known = find(record, card, name, arguments)
        if options.only not in told or (known is not None and not options.again):
            continue
        if (name in OF_TORCH and find_spec("torch") is None) or (
            name == "side_by_side" and found["backend"] != "jax"
        ):
            continue
        if time.monotonic() > deadline - 10:
            print("the time is spent; call again to go on", flush=True)
            break
        start = time.monotonic()
        figures = run(name, arguments, deadline - time.monotonic())
        took, tried = time.monotonic() - start, tried + 1
        print(f"{took:5.0f} s  {told}: {figures}", flush=True)
        stopped = figures.pop("stopped", "")
        if stopped and tried > 1:
            break
        entry = {
            "card": card, "date": time.strftime("%Y-%m-%d"), "what": name, "arguments": arguments,
            "figures": {"error": stopped} if stopped else figures, "seconds": round(took, 1),
        }  # fmt: skip
        record = [other for other in record if not same(other, entry)] + [entry]
        options.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        put(TITLE, whole_section(record), path)
        table = path.with_name("gpu_gains.md")
        table.write_text("\n".join(gains(record)) + "\n", encoding="utf-8")
        if options.timings:
            options.timings.write_text("\n".join(timings(record)) + "\n", encoding="utf-8")


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two entries are of the same measurement."""
    return all(one[key] == other[key] for key in ("card", "what", "arguments"))


if __name__ == "__main__":
    main()
