"""What `gpu.py` measures: each function is one measurement, and a process of its own.

usage: python tests/perf/gpu_measurements.py NAME ARGUMENTS.json
"""

from __future__ import annotations

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

LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
PAPER_EPOCHS = 20


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
    loop: bool | None = None, backbone: str = "vgg16",
) -> dict[str, Any]:  # fmt: skip
    """Time EWMTCNN.fit by its own reports, the first epoch left out, which compiles.

    Images stay on the device with a loop there or not, or as a run decides.
    """
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
    training.fits = fits if loop is None else lambda _: loop
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


def side_by_side(
    images: int, folds: int, size: int = 0, width: int = 0, threads: int | None = None
) -> dict[str, Any]:
    """Time the training of some folds of a network at once, where that can be, and one by one.

    It is `small` on images of a size, or a new layer on activations of a width.
    """
    from ewmtcnn import EWMTCNN, FrozenCNN
    from ewmtcnn.side_by_side import fit_folds
    from features.networks import backend

    backend.start(threads)
    X, D = problem(images, size or 1)
    if width:
        X = np.random.default_rng(0).normal(size=(images, width)).astype(np.float32)

    def model(k: int) -> Any:
        common = {"epochs": EPOCHS, "random_state": k}
        if width:
            return FrozenCNN(**common)
        return EWMTCNN(labels=LABELS, backbone="small", weights="random", size=size, **common)

    def alone() -> None:
        for number, rows in enumerate(parts):
            model(number).fit(X[rows], D[rows])

    order = np.random.default_rng(0).permutation(images)
    parts = [np.sort(np.roll(order, k)[images // 10 :]) for k in range(folds)]
    ways = {"alone": alone}
    if backend.backend_name() == "jax":
        ways["per_second"] = lambda: fit_folds([model(k) for k in range(folds)], X, D, parts)
    found = {}
    for name, fit in ways.items():
        fit()  # which compiles
        start = time.perf_counter()
        fit()
        found[name] = EPOCHS * sum(map(len, parts)) / (time.perf_counter() - start)
    return found


MEASUREMENTS = {
    function.__name__: function
    for function in (
        device, matrix_rate, plain_training, tuned_training, our_training, files_extraction,
        whole_fold, head, baselines, side_by_side, deterministic,
    )
}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](**json.loads(sys.argv[2]))))
