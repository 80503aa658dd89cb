"""Measures feature extraction and EW-MTCNN training on a GPU against a plain PyTorch loop.

Runs anywhere with a GPU and Keras on TensorFlow, JAX or PyTorch (KERAS_BACKEND); PyTorch is needed
for the plain loop and for the measured matrix rate. Writes its section of results/perf.md. Weights
are random, images are noise: neither matters for the speed.

usage: KERAS_BACKEND=jax python tests/perf/gpu.py [--backbone vgg16] [--images 1782]
           [--batches 32,64,128,256] [--out FILE.md]
       --any-device also runs without a GPU, to try the script
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

TITLE = "Networks on a GPU"
LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
EPOCHS = 4  # the first one compiles, the others are timed

# Emotion6 and ArtPhoto: images, of which each of ten folds trains on nine tenths.
EMOTION6, ARTPHOTO = 1980, 806
PAPER_EPOCHS, FOLDS = 20, 10


def problem(images: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noise for images, and distributions."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(images, size, size, 3), dtype=np.uint8)
    return X, rng.dirichlet(np.ones(len(LABELS)), size=images)


# --- Each measurement is a process of its own ----------------------------------------------------


def device() -> dict[str, Any]:
    """Name what networks run on here."""
    from features import backend

    backend.start()
    return {
        "name": backend.device_name(),
        "accelerated": backend.has_accelerator(),
        "backend": backend.backend_name(),
    }


def matrix_rate(kind: str, n: int = 8192) -> dict[str, Any]:
    """Measure FLOP/s of a matrix product: bfloat16, tf32 or float32."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = kind == "tf32"
    where = "cuda" if torch.cuda.is_available() else "cpu"
    n = n if where == "cuda" else 1024
    dtype = torch.bfloat16 if kind == "bfloat16" else torch.float32
    a, b = (torch.randn(n, n, device=where, dtype=dtype) for _ in range(2))
    seconds = timed_torch(lambda: a @ b, 20)
    return {"flops": 2 * n**3 / seconds}


def timed_torch(step: Any, repeats: int) -> float:
    """Seconds of one call, the device's queue being empty before and after."""
    import torch

    def wait() -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    for _ in range(3):
        step()
    wait()
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    wait()
    return (time.perf_counter() - start) / repeats


def plain_vgg16(size: int) -> Any:
    """Write VGG16 down in PyTorch as anybody would, with a new last layer."""
    from torch import nn

    layers: list[Any] = []
    before = 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
            before = width
        layers.append(nn.MaxPool2d(2))
    side = size // 32
    body = nn.Sequential(
        *layers, nn.Flatten(),
        nn.Linear(512 * side * side, 4096), nn.ReLU(inplace=True), nn.Dropout(),
        nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(),
    )  # fmt: skip
    return body, nn.Linear(4096, len(LABELS))


def plain_loop(images: int, batch: int, precision: str, size: int) -> dict[str, Any]:
    """Time a plain PyTorch training: SGD, two rates, soft cross entropy, images from memory."""
    import torch

    where = "cuda" if torch.cuda.is_available() else "cpu"
    X, D = problem(images, size)
    pixels, targets = torch.from_numpy(X), torch.from_numpy(D).float()
    means = torch.tensor([123.68, 116.779, 103.939], device=where)
    body, head = (part.to(where) for part in plain_vgg16(size))
    rates = [{"params": body.parameters(), "lr": 1e-3}, {"params": head.parameters(), "lr": 1e-2}]
    optimizer = torch.optim.SGD(rates, momentum=0.9)

    def epoch() -> None:
        for rows in torch.randperm(images).split(batch):
            x = (pixels[rows].to(where).float() - means).permute(0, 3, 1, 2)
            t = targets[rows].to(where)
            with torch.autocast(where, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                z = head(body(x))
            loss = -(t * torch.log_softmax(z.float(), dim=1)).sum(dim=1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        loss.item()

    seconds = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - start)
    return {"per_second": images / float(np.median(seconds[1:]))}


def our_training(
    backbone: str, images: int, batch: int, precision: str, size: int
) -> dict[str, Any]:
    """Time EWMTCNN.fit by its own reports, the first epoch left out."""
    from baselines.base import Monitor
    from ewmtcnn import EWMTCNN

    X, D = problem(images, size)
    ends: dict[str, float] = {}

    def tell(line: str) -> None:
        ends[line.split(",")[0]] = time.perf_counter()  # the last report of each epoch

    model = EWMTCNN(
        labels=LABELS, backbone=backbone, weights="random", size=size, epochs=EPOCHS,
        batch_size=batch, precision=precision, random_state=0,
    )  # fmt: skip
    model.monitor = Monitor(None, tell)
    model.fit(X, D)
    return {"per_second": images / float(np.median(np.diff(list(ends.values()))))}


def our_extraction(
    backbone: str, images: int, batch: int, precision: str, size: int
) -> dict[str, Any]:
    """Time the extraction of cached features from the end of the first batch, which compiles."""
    from features.extract import Extraction, extract
    from features.images import ArrayImages

    X, _ = problem(images, size)
    settings = Extraction(backbone=backbone, weights="random", size=size, precision=precision)
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        extract(
            ArrayImages(X), settings, Path(folder), batch,
            lambda _count: ends.append(time.perf_counter()),
        )  # fmt: skip
    return {"per_second": batch * (len(ends) - 1) / (ends[-1] - ends[0])}


MEASUREMENTS = {
    function.__name__: function
    for function in (device, matrix_rate, plain_loop, our_training, our_extraction)
}


def measure(name: str, **arguments: Any) -> dict[str, Any]:
    """Run one measurement in a process of its own; a failure is a remark, not the end."""
    print(f"measuring {name} {arguments}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--one", name, json.dumps(arguments)],
        cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, text=True,
        capture_output=True,
    )  # fmt: skip
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"error": reason}
    return dict(json.loads(done.stdout.splitlines()[-1]))


# --- The report ----------------------------------------------------------------------------------


def minutes(images: float, per_second: float) -> str:
    """Write a duration."""
    return f"{images / per_second / 60:.1f}"


def report(backbone: str, images: int, batches: list[int], found: dict[str, Any]) -> list[str]:
    """Measure everything and write the section."""
    from features.backbones import find_backbone

    facts = find_backbone(backbone)
    step_flops = 3 * facts.gflops * 1e9  # forward, and twice as much backward
    rates = {kind: measure("matrix_rate", kind=kind) for kind in ("float32", "tf32", "bfloat16")}
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {found['name']}, Keras on {found['backend']}. {facts.name} "
        f"at {facts.size} x {facts.size} pixels, {images} images of noise, random weights.",
        "",
        "Measured rate of an 8192 x 8192 matrix product, TFLOP/s: "
        + ", ".join(f"{kind} {rate.get('flops', float('nan')) / 1e12:.0f}"
                    for kind, rate in rates.items()) + ".",
        "",
        "| what | batch | precision | images/s | share of the matrix rate | plain PyTorch images/s "
        "| times faster |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    best: dict[str, float] = {}
    for precision in ("float32", "bfloat16"):
        # Frameworks use TF32 for float32 convolutions; the limit is the faster of the two rates.
        rate = rates["bfloat16" if precision == "bfloat16" else "tf32"].get("flops", float("nan"))
        for batch in batches:
            common = {"images": images, "batch": batch, "precision": precision, "size": facts.size}
            extraction = measure("our_extraction", backbone=backbone, **common)
            ours = measure("our_training", backbone=backbone, **common)
            peer = measure("plain_loop", **common) if backbone == "vgg16" else {}
            for what, figure, flops in (
                ("extraction", extraction, step_flops / 3),
                ("training", ours, step_flops),
            ):
                if "error" in figure:
                    lines.append(f"| {what} | {batch} | {precision} | {figure['error']} | | | |")
                    continue
                speed = figure["per_second"]
                best[what] = max(best.get(what, 0.0), speed)
                share = f"{100 * speed * flops / rate:.0f} %"
                other = peer.get("per_second") if what == "training" else None
                compared = f"{other:.0f} | {speed / other:.2f}" if other else " | "
                lines.append(
                    f"| {what} | {batch} | {precision} | {speed:.0f} | {share} | {compared} |"
                )
    if set(best) == {"extraction", "training"}:
        lines += ["", *projections(best["extraction"], best["training"])]
    return lines


def projections(extraction: float, training: float) -> list[str]:
    """Work out what the full tables take at the best speeds."""
    fold = 0.9 * PAPER_EPOCHS * FOLDS  # images trained on, per image of the set
    table3 = 2 * EMOTION6 * fold
    table4 = 6 * (EMOTION6 + ARTPHOTO) * fold
    return [
        f"At the best of these speeds, Table 3's two networks on Emotion6 ({FOLDS} folds, "
        f"{PAPER_EPOCHS} epochs) take {minutes(table3, training)} minutes and its features "
        f"{minutes(EMOTION6, extraction)}; the six trained rows of Table 4 on both sets would take "
        f"{minutes(table4, training)} minutes if all were of this backbone.",
    ]


def main() -> None:
    """Measure, or do one measurement for another process."""
    if sys.argv[1:2] == ["--one"]:
        name, arguments = sys.argv[2:4]
        print(json.dumps(MEASUREMENTS[name](**json.loads(arguments))))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backbone", default="vgg16")
    parser.add_argument("--images", type=int, default=1782)
    parser.add_argument("--batches", default="32,64,128,256")
    parser.add_argument("--out", type=Path, help="another file than results/perf.md")
    parser.add_argument("--any-device", action="store_true")
    options = parser.parse_args()
    found = measure("device")
    if "error" in found:
        raise SystemExit(f"Keras cannot be started: {found['error']}")
    from document import PATH, has, put

    path = options.out or PATH
    if not found["accelerated"] and not options.any_device:
        none = f"No GPU was at hand: Keras ran on {found['name']}, and nothing was measured."
        if not has(TITLE, path):  # figures of an earlier run stay
            put(TITLE, [none, "`make perf-gpu` on a machine with one writes this section."], path)
        raise SystemExit(none)
    batches = [int(batch) for batch in options.batches.split(",")]
    put(TITLE, report(options.backbone, options.images, batches, found), path)


if __name__ == "__main__":
    main()
