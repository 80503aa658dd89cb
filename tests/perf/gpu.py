"""Measures feature extraction and EW-MTCNN training on a GPU against PyTorch loops.

Runs anywhere with a GPU and Keras on TensorFlow, JAX or PyTorch (KERAS_BACKEND); where there is no
PyTorch, its loops are left out. Weights are random, images are noise: neither matters for the
speed. Images come as in a run: from shards on disk, or from JPEG files.

Measurements are made one by one, the most important first, until the time is spent. Each goes into
the record (results/gpu.json) and the section of results/perf.md is written anew when it is there;
what the record holds of the same card and backend is not measured again, so that another call goes
on where this one stopped.

usage: KERAS_BACKEND=jax python tests/perf/gpu.py [--seconds 540] [--again] [--only TEXT]
           [--record FILE.json] [--out FILE.md]
       --any-device --images 36 --size 32 --backbone small --record FILE --out FILE also runs
           without a GPU, to try the script; --here does it all in one process
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

import torch_loops  # noqa: E402
from torch_loops import EPOCHS, plain_training, problem, tuned_training  # noqa: E402

TITLE = "Networks on a GPU"
RECORD = ROOT / "results" / "gpu.json"
LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
PAPER_EPOCHS = 20


def plan(images: int, size: int, backbone: str = "vgg16") -> Iterator[tuple[str, dict[str, Any]]]:
    """List the measurements, the most important first: function and arguments."""
    yield "matrix_rate", {"kind": "bfloat16"}
    yield "matrix_rate", {"kind": "tf32"}
    sides = {"images": images, "size": size}
    common = sides if backbone == "vgg16" else {**sides, "backbone": backbone}
    shards = {**common, "images_from": "shards"}
    for precision in ("bfloat16", "float32"):
        for batch in (32, 128):
            yield "our_training", {**shards, "batch": batch, "precision": precision}
            yield "plain_training", {**sides, "batch": batch, "precision": precision}
    yield "whole_fold", {**common, "batch": 32, "precision": "bfloat16"}
    for precision in ("bfloat16", "float32"):
        yield "files_extraction", {**common, "batch": 128, "precision": precision}
    for batch in (32, 128):  # what it is without the loop on the device
        yield "our_training", {**shards, "batch": batch, "precision": "bfloat16", "loop": False}
    for precision in ("bfloat16", "float32"):
        for batch in (32, 128):
            yield "tuned_training", {**sides, "batch": batch, "precision": precision}
    yield "head", {"images": images, "batch": 32}
    yield "baselines", {"images": images}
    if backbone == "vgg16":
        for other in ("resnet50", "alexnet"):
            yield "our_training", {**shards, "backbone": other, "batch": 32,
                                   "precision": "bfloat16"}  # fmt: skip
    small = {**shards, "backbone": "small", "size": min(size, 64), "precision": "float32"}
    for loop in (True, False):
        yield "our_training", {**small, "batch": 32, **({} if loop else {"loop": False})}
    for folds in (1, 10):
        yield "side_by_side", {"images": images, "size": min(size, 32), "folds": folds}
    yield "tuned_training", {**sides, "batch": 32, "precision": "bfloat16", "pinned": True}
    yield "deterministic", {**shards, "batch": 32, "precision": "bfloat16"}
    yield "matrix_rate", {"kind": "float32"}


# --- Each measurement is a process of its own ----------------------------------------------------


def device() -> dict[str, Any]:
    """Name what networks run on here."""
    from features.networks import backend

    backend.start()
    return {
        "name": backend.device_name(),
        "accelerated": backend.has_accelerator(),
        "backend": backend.backend_name(),
    }


def matrix_rate(kind: str) -> dict[str, Any]:
    """Measure FLOP/s of a matrix product, by PyTorch or, where there is none, by JAX."""
    if find_spec("torch") is not None:
        return torch_loops.matrix_rate(kind)
    import jax

    n = 512 if jax.devices()[0].platform == "cpu" else 8192
    dtype = "bfloat16" if kind == "bfloat16" else "float32"
    a = jax.random.normal(jax.random.key(0), (n, n), dtype)
    with jax.default_matmul_precision("tensorfloat32" if kind == "tf32" else "highest"):
        product = jax.jit(lambda x: x @ a)
        product(a).block_until_ready()
        start, result = time.perf_counter(), a
        for _ in range(20):
            result = product(a)
        result.block_until_ready()
    return {"flops": 20 * 2 * n**3 / (time.perf_counter() - start)}


@contextmanager
def shards(images: int, size: int) -> Iterator[tuple[Any, Any]]:
    """Yield images as a run's training gets them, some rows of shards on disk, and distributions.

    A tenth is left out, as in a fold.
    """
    from features.storage.build_shards import ArrayPlan, build_shards
    from features.storage.sharded_array import Rows

    X, D = problem(images + images // 9, size)
    with tempfile.TemporaryDirectory() as folder:
        made = ArrayPlan({"noise": size}, len(X), X.shape[1:], X.dtype)
        array = build_shards(Path(folder), made, lambda rows: iter([X[rows.start : rows.stop]]))
        rows = np.random.default_rng(0).permutation(len(X))[:images]
        rows.sort()
        yield Rows(array, rows), D[rows]


def our_training(
    images: int, batch: int, precision: str, size: int, images_from: str = "shards",
    loop: bool = True, backbone: str = "vgg16",
) -> dict[str, Any]:  # fmt: skip
    """Time EWMTCNN.fit by its own reports, the first epoch left out, which compiles."""
    from baselines.base import Monitor
    from ewmtcnn import EWMTCNN
    from features.networks import backend

    assert images_from == "shards"
    backend.start()
    from ewmtcnn import training

    ends: dict[str, float] = {}

    def tell(line: str) -> None:
        ends[line.split(",")[0]] = time.perf_counter()  # the last report of each epoch

    fits = training.fits
    training.fits = fits if loop else lambda _: False
    model = EWMTCNN(
        labels=LABELS, backbone=backbone, weights="random", size=size, epochs=EPOCHS,
        batch_size=batch, precision=precision, random_state=0,
    )  # fmt: skip
    model.monitor = Monitor(None, tell)
    with shards(images, size) as (X, D):
        resident = bool(training.fits(X))
        start = time.perf_counter()
        model.fit(X, D)
        whole = time.perf_counter() - start
    training.fits = fits
    epoch = float(np.median(np.diff(list(ends.values()))))
    return {
        "per_second": images / epoch, "beside_epochs": whole - EPOCHS * epoch, "resident": resident
    }  # fmt: skip


def deterministic(**arguments: Any) -> dict[str, Any]:
    """Time `our_training` with deterministic operations, and see whether two trainings agree."""
    os.environ["LDL_DETERMINISTIC"] = "1"
    from ewmtcnn import EWMTCNN

    found = our_training(**arguments)
    sides = {name: arguments[name] for name in ("size", "precision")}
    X, D = problem(min(64, arguments["images"]), sides["size"])
    losses = [
        EWMTCNN(labels=LABELS, backbone=arguments.get("backbone", "vgg16"), weights="random",
                epochs=3, batch_size=16, random_state=0, **sides).fit(X, D).history_
        for _ in range(2)
    ]  # fmt: skip
    return {**found, "same_bits": losses[0] == losses[1]}


def files_extraction(
    images: int, batch: int, precision: str, size: int, backbone: str = "vgg16"
) -> dict[str, Any]:
    """Time the extraction of features from JPEG files, and the network alone on one batch.

    The network is compiled before the first file is decoded: counting starts then, so that no
    batch is had for free, and ends when the last features are on disk.
    """
    from features import extract as extracting
    from features.images.sources import ImageFiles
    from features.networks import backend

    backend.start()
    ready, _ = problem(batch, size)
    settings = extracting.Extraction(
        backbone=backbone, weights="random", size=size, precision=precision
    )
    with tempfile.TemporaryDirectory() as folder:
        files = ImageFiles(tuple(draw_files(Path(folder), 2 * images)))
        weights = extracting._description(files, settings)["weights"]
        forward = extracting._forward(settings, weights, batch)  # which the extraction finds
        list(forward.run([ready]))
        start = time.perf_counter()
        list(forward.run([ready] * 10))
        compiled = time.perf_counter()
        extracting.extract(files, settings, Path(folder) / "cache", batch)
        whole = time.perf_counter() - compiled
    bare = 10 * batch / (compiled - start)
    return {"per_second": len(files) / whole, "bare": bare, "cores": os.cpu_count()}


def draw_files(folder: Path, images: int) -> list[Path]:
    """Write smooth noise as 500 x 400 JPEG files, the size of a usual photograph on the web."""
    from PIL import Image

    def write(number: int) -> Path:
        rng = np.random.default_rng(number)
        rough = Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
        path = folder / f"{number}.jpg"
        rough.resize((500, 400), Image.Resampling.BICUBIC).save(path, quality=90)
        return path

    with ThreadPoolExecutor() as pool:
        return list(pool.map(write, range(images)))


def whole_fold(
    images: int, batch: int, precision: str, size: int, backbone: str = "vgg16"
) -> dict[str, Any]:
    """Time the command that trains EW-MTCNN on a fold of files; the second fold compiles nothing.

    `whole` is that of the command: it starts, decodes, estimates, trains twice and writes tables.
    """
    every = images + images // 9
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_set(folder / "data" / "Emotion6", every)
        (folder / "fold.toml").write_text(
            f"""repeats = 2
seed = 0
split = "hold-out:0.1"
[network]
backbone = "{backbone}"
weights = "random"
size = {size}
epochs = {PAPER_EPOCHS}
batch_size = {batch}
precision = "{precision}"
"""
        )
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "benchmark", "run", "EW-MTCNN", "--dataset", "Emotion6",
             "--data-dir", str(folder / "data"), "--protocol", str(folder / "fold.toml"),
             "--cache-dir", str(folder / "cache"), "--out", str(folder / "run"),
             "--jobs", "1", "--no-report"],
            cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True,
        )  # fmt: skip
        whole = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError(" ".join(done.stderr.split())[-500:])
        with (folder / "run" / "timings.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
    fits, predictions = ([float(row[f"{kind}_seconds"]) for row in rows]
                         for kind in ("fit", "predict"))  # fmt: skip
    return {
        "whole": whole, "first": fits[0] + predictions[0], "second": fits[1] + predictions[1],
        "predict": predictions[1],
    }  # fmt: skip


def draw_set(folder: Path, images: int) -> None:
    """Write noise in the layout of Emotion6."""
    rng = np.random.default_rng(0)
    (folder / "images" / "joy").mkdir(parents=True)
    draw_files(folder / "images" / "joy", images)
    names = ["image_filename", "valence", "arousal", *(f"prob. {label}" for label in LABELS)]
    lines = ["\t".join(f"[{name}]" for name in names)]
    for number, votes in enumerate(rng.multinomial(15, rng.dirichlet(np.ones(7), images))):
        shares = "\t".join(f"{vote / 15:.6g}" for vote in votes)
        lines.append(f"joy/{number}.jpg\t5\t5\t{shares}")
    (folder / "ground_truth.txt").write_text("\n".join(lines) + "\n")


def head(images: int, batch: int) -> dict[str, Any]:
    """Time the training of a new layer on activations of a frozen backbone."""
    from ewmtcnn.estimator import FrozenCNN

    rng = np.random.default_rng(0)
    X = rng.normal(size=(images, 4096)).astype(np.float32)
    D = rng.dirichlet(np.ones(len(LABELS)), images)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        FrozenCNN(epochs=PAPER_EPOCHS, batch_size=batch, random_state=0).fit(X, D).predict(X)
        seconds.append(time.perf_counter() - start)
    return {"first": seconds[0], "second": seconds[1]}


def baselines(images: int) -> dict[str, Any]:
    """Time a fold of each of the paper's feature baselines on one core, by name."""
    from threadpoolctl import threadpool_limits

    from baselines import AABP, AAKNN, PTSVM, SABFGS, SACPNN, SAIIS, PTBayes

    rng = np.random.default_rng(0)
    X = rng.normal(size=(images, min(280, images - 1)))
    D = rng.dirichlet(np.ones(len(LABELS)), images)
    seconds = {}
    with threadpool_limits(1):
        for cls in (PTBayes, PTSVM, AAKNN, AABP, SAIIS, SABFGS, SACPNN):
            start = time.perf_counter()
            cls().fit(X, D).predict(X[: images // 9])
            seconds[cls.__name__] = time.perf_counter() - start
    return seconds


def side_by_side(images: int, size: int, folds: int) -> dict[str, Any]:
    """Time the training of some folds of a small network at once."""
    from ewmtcnn import EWMTCNN
    from ewmtcnn.side_by_side import fit_folds

    X, D = problem(images, size)
    order = np.random.default_rng(0).permutation(images)
    parts = [np.sort(np.roll(order, k)[images // 10 :]) for k in range(folds)]
    seconds = []
    for _ in range(2):  # the second time compiles nothing
        models = [
            EWMTCNN(labels=LABELS, backbone="small", weights="random", size=size, epochs=EPOCHS,
                    random_state=k)
            for k in range(folds)
        ]  # fmt: skip
        start = time.perf_counter()
        fit_folds(models, X, D, parts)
        seconds.append(time.perf_counter() - start)
    return {"per_second": EPOCHS * sum(map(len, parts)) / seconds[1]}


MEASUREMENTS = {
    function.__name__: function
    for function in (
        device, matrix_rate, plain_training, tuned_training, our_training, files_extraction,
        whole_fold, head, baselines, side_by_side, deterministic,
    )
}  # fmt: skip


def measure(name: str, arguments: dict[str, Any], seconds: float = 3600) -> dict[str, Any]:
    """Run one measurement in a process of its own; a failure is a remark, not the end."""
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", __file__, "--one", name, json.dumps(arguments)],
            cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, text=True,
            capture_output=True, timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"stopped": f"not done in the {seconds:.0f} s that were left"}
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        return {"error": next((line for line in reversed(lines) if line[:1].strip()), lines[-1])}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure_here(name: str, arguments: dict[str, Any], _seconds: float = 0) -> dict[str, Any]:
    """Run one measurement in this process, whose library is loaded once."""
    return dict(json.loads(json.dumps(MEASUREMENTS[name](**arguments))))


# --- The record -----------------------------------------------------------------------------------


def main() -> None:
    """Measure, or do one measurement for another process."""
    if sys.argv[1:2] == ["--one"]:
        name, arguments = sys.argv[2:4]
        print(json.dumps(MEASUREMENTS[name](**json.loads(arguments))))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=1782)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=540)
    parser.add_argument("--only", default="", help="measurements whose name and arguments hold it")
    parser.add_argument("--again", action="store_true", help="also what the record holds")
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--out", type=Path, help="another file than results/perf.md")
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
    from gpu_section import OF_TORCH, find, whole_section

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
    for name, arguments in plan(options.images, options.size, options.backbone):
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
        print(f"{time.monotonic() - start:5.0f} s  {told}: {figures}", flush=True)
        if "stopped" in figures:
            break
        entry = {
            "card": card, "date": time.strftime("%Y-%m-%d"), "what": name, "arguments": arguments,
            "figures": figures,
        }  # fmt: skip
        record = [other for other in record if not same(other, entry)] + [entry]
        options.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        put(TITLE, whole_section(record), path)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two entries are of the same measurement."""
    return all(one[key] == other[key] for key in ("card", "what", "arguments"))


if __name__ == "__main__":
    main()
