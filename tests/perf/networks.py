"""Measures feature extraction and network training on this CPU, beside the physical limit.

Writes the section "Networks on this CPU" of results/perf.md: ``make perf-networks``. Weights are
random and images are noise; neither matters for the speed.

usage: python tests/perf/networks.py [--images N] [--out FILE.md]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from document import PATH, machine, put
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")


def peak_mib() -> float:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def noise(images: int, size: int) -> np.ndarray:
    """Draw images of noise."""
    return np.random.default_rng(0).integers(0, 256, (images, size, size, 3), dtype=np.uint8)


# --- Each measurement is a process of its own ----------------------------------------------------


def matrix_rate(threads: int, precision: str) -> dict[str, Any]:
    """Measure FLOP/s of a large matrix product: the most that the network's operations reach."""
    from features.networks import backend

    backend.start(threads=threads)
    import tensorflow as tf

    n = 4096
    a, b = (tf.cast(tf.random.normal((n, n)), precision) for _ in range(2))
    product = tf.function(tf.matmul)
    product(a, b)
    seconds = []
    for _ in range(30):
        start = time.perf_counter()
        product(a, b)
        seconds.append(time.perf_counter() - start)
    return {"flops": 2 * n**3 / min(seconds)}


def extraction(backbone: str, images: int, precision: str, batch: int) -> dict[str, Any]:
    """Time the network alone on a batch in memory, then the extraction from JPEG files."""
    from features.networks import backend

    backend.start()
    from features.extract import Extraction, extract
    from features.images.sources import ImageFiles
    from features.networks.backbones import find_backbone
    from features.networks.building import build_backbone
    from features.networks.compiled import compile_forward, to_numpy

    size = find_backbone(backbone).size
    with backend.precision(precision):
        forward = compile_forward(build_backbone(backbone, weights="random"))
    ready = noise(batch, size)

    def bare_seconds() -> float:
        """Time the network alone on one batch in memory."""
        start = time.perf_counter()
        for _ in range(images // batch):
            to_numpy(forward(ready))
        return (time.perf_counter() - start) / (images // batch)

    forward(ready)
    settings = Extraction(backbone=backbone, weights="random", precision=precision)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = []
        rng = np.random.default_rng(0)
        for number in range(images):
            rough = Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
            paths.append(folder / f"{number}.jpg")
            rough.resize((500, 400), Image.Resampling.BICUBIC).save(paths[-1], quality=90)
        ends: list[float] = []
        before = bare_seconds()
        extract(
            ImageFiles(tuple(paths)), settings, folder / "cache", batch,
            lambda _count: ends.append(time.perf_counter()),
        )  # fmt: skip
        after = bare_seconds()
    # The speed of the machine drifts: the bare network is timed before and after. Building and
    # compiling comes before the first batch ends, and is paid once however many images there are.
    whole = (ends[-1] - ends[0]) / (len(ends) - 1)
    bare = (before + after) / 2
    return {"bare": batch / bare, "whole": batch / whole, "peak_mib": peak_mib()}


def training(backbone: str, images: int, batch: int, precision: str) -> dict[str, Any]:
    """Time EWMTCNN.fit per step against a hand-written TensorFlow loop with the same network."""
    from features.networks import backend

    backend.start(threads=1)
    import tensorflow as tf

    from baselines.base import Monitor
    from ewmtcnn import EWMTCNN
    from features.networks.backbones import find_backbone
    from features.networks.building import build_backbone

    size = find_backbone(backbone).size
    X = noise(images, size)
    D = np.random.default_rng(1).dirichlet(np.ones(len(LABELS)), images)
    epochs = 6

    def fit() -> tuple[float, float]:
        ends: dict[str, float] = {}
        model = EWMTCNN(
            labels=LABELS, backbone=backbone, weights="random", epochs=epochs, batch_size=batch,
            precision=precision, random_state=0,
        )  # fmt: skip
        model.monitor = Monitor(
            None, lambda line: ends.update({line.split(",")[0]: time.perf_counter()})
        )
        start = time.perf_counter()
        model.fit(X, D)
        whole = time.perf_counter() - start
        return whole, float(np.median(np.diff(list(ends.values()))))

    first, epoch = fit()
    second, again = fit()

    import keras

    with backend.precision(precision):
        body = build_backbone(backbone, weights="random", dropout=0.5)
    out = keras.layers.Dense(len(LABELS), dtype="float32")(body.output)
    network = keras.Model(body.input, out)
    rates = [(v, 0.01 if "dense" in v.path else 0.001) for v in network.trainable_variables]
    slots = [tf.Variable(tf.zeros(v.shape)) for v, _ in rates]

    @tf.function
    def step(x: Any, t: Any) -> Any:
        with tf.GradientTape() as tape:
            p = tf.nn.log_softmax(network(x, training=True))
            loss = -tf.reduce_mean(tf.reduce_sum(t * p, axis=1))
        gradients = tape.gradient(loss, [v.value for v, _ in rates])
        for (v, rate), slot, gradient in zip(rates, slots, gradients, strict=True):
            slot.assign(0.9 * slot + gradient)
            v.value.assign_sub(rate * slot)
        return loss

    targets = D.astype(np.float32)
    loops = []
    for _ in range(epochs):
        start = time.perf_counter()
        order = np.random.default_rng(0).permutation(images)
        for rows in np.split(order, range(batch, images, batch)):
            step(X[rows], targets[rows])
        loops.append(time.perf_counter() - start)
    steps = -(-images // batch)
    return {
        "ours_ms": (epoch + again) / 2 / steps * 1e3,
        "bare_ms": float(np.median(loops[1:])) / steps * 1e3,
        "first_fold": first,
        "second_fold": second,
        "peak_mib": peak_mib(),
    }


def many_images(images: int) -> dict[str, Any]:
    """Extract many tiny images that are drawn when asked for; tell the peak of memory."""
    from features.networks import backend

    backend.start()
    from features.extract import Extraction, extract

    class Drawn:
        """Grey squares."""

        keys = tuple(f"{row:064x}" for row in range(images))
        names = keys

        def __len__(self) -> int:
            return images

        def load(self, row: int, size: int) -> np.ndarray:
            return np.full((size, size, 3), row % 256, np.uint8)

    settings = Extraction(backbone="small", weights="random", size=16)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        extract(Drawn(), settings, Path(folder), batch_size=256)
        return {"seconds": time.perf_counter() - start, "peak_mib": peak_mib()}


MEASUREMENTS = {f.__name__: f for f in (matrix_rate, extraction, training, many_images)}


def measure(name: str, **arguments: Any) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    print(f"measuring {name} {arguments}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--one", name, json.dumps(arguments)],
        cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"},
        text=True, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def hours(ms_per_image: float, cores: int) -> float:
    """Project the training of DLDL and EW-MTCNN on Emotion6, each task on one core."""
    folds, epochs, rows = 10, 20, 0.9 * 1980
    return 2 * folds * epochs * rows * ms_per_image / cores / 3.6e6


def report(images: int) -> list[str]:
    """Measure everything and write the section."""
    from features.networks.backbones import find_backbone

    cores = os.cpu_count() or 1
    limits = {
        precision: measure("matrix_rate", threads=cores, precision=precision)["flops"]
        for precision in ("float32", "bfloat16")
    }
    lines = [
        f"{machine()}, keras {version('keras')}, tensorflow {version('tensorflow')}. The limit is "
        f"the measured rate of a matrix product on all cores ({limits['float32'] / 1e9:.0f} "
        f"GFLOP/s in float32, {limits['bfloat16'] / 1e9:.0f} in bfloat16) over the backbone's "
        "operations; the network alone repeats one batch in memory; the extraction decodes 500 x "
        "400 JPEG files and writes the cache.",
        "",
        "| extraction | limit images/s | network alone | extraction | of the network's speed "
        "| peak MiB |",
        "|---|---|---|---|---|---|",
    ]
    for backbone, precision in (
        ("vgg16", "float32"),
        ("vgg16", "bfloat16"),
        ("resnet50", "float32"),
    ):
        found = measure(
            "extraction", backbone=backbone, images=images, precision=precision, batch=16
        )
        limit = limits[precision] / find_backbone(backbone).gflops / 1e9
        lines.append(
            f"| {backbone}, {precision} | {limit:.1f} | {found['bare']:.1f} "
            f"| {found['whole']:.1f} | {100 * found['whole'] / found['bare']:.0f} % "
            f"| {found['peak_mib']:.0f} |"
        )
    one = {
        precision: measure("matrix_rate", threads=1, precision=precision)["flops"]
        for precision in ("float32", "bfloat16")
    }
    lines += [
        "",
        f"Training EW-MTCNN, all layers, one thread (limit: {one['float32'] / 1e9:.0f} GFLOP/s in "
        f"float32, {one['bfloat16'] / 1e9:.0f} in bfloat16, over three times the forward "
        "operations), against a hand-written TensorFlow loop with the same backbone; seconds of "
        "the first and second fold of six epochs in one process, where the second compiles "
        "nothing.",
        "",
        "| training | limit ms/step | bare loop | ours | ours / bare | first fold s "
        "| second fold s | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    costs = []
    for backbone, number, batch, precision in (
        ("small", 512, 32, "float32"),
        ("vgg16", 16, 8, "float32"),
        ("vgg16", 16, 8, "bfloat16"),
    ):
        found = measure(
            "training", backbone=backbone, images=number, batch=batch, precision=precision
        )
        least = 3 * find_backbone(backbone).gflops * 1e9 * batch / one[precision] * 1e3
        lines.append(
            f"| {backbone}, batch {batch}, {precision} | {least:.0f} | {found['bare_ms']:.0f} "
            f"| {found['ours_ms']:.0f} | {found['ours_ms'] / found['bare_ms']:.2f} "
            f"| {found['first_fold']:.1f} | {found['second_fold']:.1f} | {found['peak_mib']:.0f} |"
        )
        if backbone == "vgg16":
            costs.append(f"{hours(found['ours_ms'] / batch, cores):.0f} in {precision}")
    lines += [
        "",
        "Hours that the two networks of Table 3 would take here on Emotion6 (1,980 images, 10 "
        f"folds, 20 epochs, a fold per core): {', '.join(costs)}.",
    ]
    small, large = (measure("many_images", images=n) for n in (10_000, 100_000))
    lines += [
        "",
        f"Memory of extracting many images (16 x 16 pixels, `small`): peak {small['peak_mib']:.0f} "
        f"MiB for 10,000 images, {large['peak_mib']:.0f} MiB for 100,000 "
        f"({large['seconds']:.0f} s).",
    ]
    return lines


def main() -> None:
    """Measure, or do one measurement for another process."""
    if sys.argv[1:2] == ["--one"]:
        name, arguments = sys.argv[2:4]
        print(json.dumps(MEASUREMENTS[name](**json.loads(arguments))))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=192)
    parser.add_argument("--out", type=Path, help="another file than results/perf.md")
    options = parser.parse_args()
    put("Networks on this CPU", report(options.images), options.out or PATH)


if __name__ == "__main__":
    main()
