"""Measures feature extraction and EW-MTCNN training on a GPU against PyTorch loops.

Runs anywhere with a GPU and Keras on TensorFlow, JAX or PyTorch (KERAS_BACKEND); PyTorch is needed
for the loops and for the measured matrix rate. Weights are random, images are noise: neither
matters for the speed.

Measurements are made one by one, the most important first, until the time is spent. Each goes into
the record (results/gpu.json) and the section of results/perf.md is written anew when it is there;
what the record holds of the same card and backend is not measured again, so that another call goes
on where this one stopped.

usage: KERAS_BACKEND=jax python tests/perf/gpu.py [--seconds 540] [--again] [--only TEXT]
           [--record FILE.json] [--out FILE.md]
       --any-device --images 32 --size 32 also runs without a GPU, to try the script
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

from torch_loops import EPOCHS, matrix_rate, plain_training, problem, tuned_training  # noqa: E402

TITLE = "Networks on a GPU"
RECORD = ROOT / "results" / "gpu.json"
LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
BACKBONE = "vgg16"

# Emotion6 and ArtPhoto: images, of which each of ten folds trains on nine tenths.
EMOTION6, ARTPHOTO = 1980, 806
PAPER_EPOCHS, FOLDS = 20, 10


def plan(images: int, size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the measurements, the most important first: function and arguments."""
    yield "matrix_rate", {"kind": "bfloat16"}
    yield "matrix_rate", {"kind": "tf32"}
    common = {"images": images, "size": size}
    for precision in ("bfloat16", "float32"):
        for batch in (32, 128):
            for name in ("our_training", "plain_training"):
                yield name, {**common, "batch": batch, "precision": precision}
    for precision in ("bfloat16", "float32"):
        yield "our_extraction", {**common, "batch": 128, "precision": precision}
    for precision in ("bfloat16", "float32"):
        for batch in (32, 128):
            yield "tuned_training", {**common, "batch": batch, "precision": precision}
    yield "one_fold", {**common, "batch": 32, "precision": "bfloat16"}
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


def our_training(images: int, batch: int, precision: str, size: int) -> dict[str, Any]:
    """Time EWMTCNN.fit by its own reports, the first epoch left out, which compiles."""
    from baselines.base import Monitor
    from ewmtcnn import EWMTCNN

    X, D = problem(images, size)
    ends: dict[str, float] = {}

    def tell(line: str) -> None:
        ends[line.split(",")[0]] = time.perf_counter()  # the last report of each epoch

    model = EWMTCNN(
        labels=LABELS, backbone=BACKBONE, weights="random", size=size, epochs=EPOCHS,
        batch_size=batch, precision=precision, random_state=0,
    )  # fmt: skip
    model.monitor = Monitor(None, tell)
    start = time.perf_counter()
    model.fit(X, D)
    whole = time.perf_counter() - start
    epoch = float(np.median(np.diff(list(ends.values()))))
    return {"per_second": images / epoch, "beside_epochs": whole - EPOCHS * epoch}


def our_extraction(images: int, batch: int, precision: str, size: int) -> dict[str, Any]:
    """Time the extraction of features from JPEG files, and the network alone on one batch.

    Counting starts when as many batches have come out as can have been decoded while the network
    was compiled, and as many are left.
    """
    from features.extract import Extraction, extract
    from features.images.sources import ImageFiles
    from features.networks import backend
    from features.networks.building import build_backbone
    from features.networks.compiled import compile_forward, to_numpy

    backend.start()
    with backend.precision(precision):
        forward = compile_forward(build_backbone(BACKBONE, size, weights="random"))
    ready, _ = problem(batch, size)
    to_numpy(forward(ready))
    start = time.perf_counter()
    for _ in range(10):
        output = forward(ready)
    to_numpy(output)
    bare = 10 * batch / (time.perf_counter() - start)

    settings = Extraction(backbone=BACKBONE, weights="random", size=size, precision=precision)
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        paths = draw_files(Path(folder), 2 * images)
        extract(
            ImageFiles(tuple(paths)), settings, Path(folder) / "cache", batch,
            lambda _count: ends.append(time.perf_counter()),
        )  # fmt: skip
    ends = ends[len(ends) // 2 :]
    whole = batch * (len(ends) - 1) / (ends[-1] - ends[0]) if len(ends) > 1 else float("nan")
    return {"per_second": whole, "bare": bare, "cores": os.cpu_count()}


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


def one_fold(images: int, batch: int, precision: str, size: int) -> dict[str, Any]:
    """Time a whole fold of the paper's EW-MTCNN: compiling, 20 epochs, prediction."""
    from ewmtcnn import EWMTCNN

    X, D = problem(images + images // 9, size)
    model = EWMTCNN(
        labels=LABELS, backbone=BACKBONE, weights="random", size=size, epochs=PAPER_EPOCHS,
        batch_size=batch, precision=precision, random_state=0,
    )  # fmt: skip
    seconds = []
    for _ in range(2):  # the second fold compiles nothing
        start = time.perf_counter()
        model.fit(X[:images], D[:images])
        model.predict(X[images:])
        seconds.append(time.perf_counter() - start)
    return {"first": seconds[0], "second": seconds[1]}


MEASUREMENTS = {
    function.__name__: function
    for function in (
        device, matrix_rate, plain_training, tuned_training, our_training, our_extraction, one_fold,
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


# --- The record and the section ------------------------------------------------------------------


def find(
    record: list[dict[str, Any]], card: str, name: str, arguments: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the figures of a measurement on a card and backend, if there are any."""
    ours = name not in ("matrix_rate", "plain_training", "tuned_training")
    for entry in record:
        same = entry["card"] == card if ours else of_card(entry["card"]) == of_card(card)
        if same and (entry["what"], entry["arguments"]) == (name, arguments):
            return dict(entry["figures"])
    return None


def of_card(title: str) -> str:
    """Return the card's name without Keras' backend: PyTorch loops do not depend on that."""
    return title.partition(", Keras on ")[0]


def whole_section(record: list[dict[str, Any]]) -> list[str]:
    """Write what the record holds, for each card and backend."""
    cards = dict.fromkeys(entry["card"] for entry in record)
    return [
        "VGG16 on images of noise, random weights; images per second. Shares are of the measured "
        "rate of an 8192 x 8192 matrix product (float32: of tf32's, which the frameworks' "
        "convolutions use), an image counting three times its forward operations. *Plain* is a "
        "PyTorch loop as anybody writes it, *tuned* one with images on the device, channels last "
        "and `torch.compile`.",
        *(line for card in cards for line in ("", *section(record, card))),
    ]


def section(record: list[dict[str, Any]], card: str) -> list[str]:
    """Write what the record holds of a card and backend."""
    from features.networks.backbones import find_backbone

    facts = find_backbone(BACKBONE)
    mine = [entry for entry in record if entry["card"] == card]
    same = [entry for entry in record if of_card(entry["card"]) == of_card(card)]
    rates = {
        entry["arguments"]["kind"]: entry["figures"].get("flops", float("nan"))
        for entry in same
        if entry["what"] == "matrix_rate"
    }
    shown = ", ".join(f"{kind} {rate / 1e12:.0f}" for kind, rate in rates.items())
    lines = [
        f"**{card}**, {max(entry['date'] for entry in mine)}."
        + (f" Matrix products, TFLOP/s: {shown}." if shown else ""),
        "",
        "| training | precision | batch | ours | share | plain | tuned | ours / plain "
        "| ours / tuned |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows = [entry for entry in mine if entry["what"] == "our_training"]
    for entry in rows:
        arguments, found = entry["arguments"], entry["figures"]
        rate = rates.get({"float32": "tf32"}.get(arguments["precision"], arguments["precision"]))
        peers = ("plain_training", "tuned_training")
        others = [find(record, card, name, arguments) or {} for name in peers]
        speeds = [figures.get("per_second") for figures in (found, *others)]
        operations = 3e9 * facts.gflops * (arguments["size"] / facts.size) ** 2
        share = f"{100 * speeds[0] * operations / rate:.0f} %" if speeds[0] and rate else ""
        cells = [f"{speed:.0f}" if speed else "" for speed in speeds]
        ratios = [f"{speeds[0] / o:.2f}" if speeds[0] and o else "" for o in speeds[1:]]
        cells[0] = cells[0] or found.get("error", "")
        lines.append(
            f"| {arguments['size']} x {arguments['size']} | {arguments['precision']} "
            f"| {arguments['batch']} | {cells[0]} | {share} | {cells[1]} | {cells[2]} "
            f"| {ratios[0]} | {ratios[1]} |"
        )
    for entry in mine:
        arguments, found = entry["arguments"], entry["figures"]
        if entry["what"] == "our_extraction" and "per_second" in found:
            lines += ["", f"Extraction in {arguments['precision']}, batch {arguments['batch']}, "
                      f"from 500 x 400 JPEG files on {found['cores']} cores: "
                      f"{found['per_second']:.0f} images/s; the network alone "
                      f"{found['bare']:.0f}."]  # fmt: skip
        if entry["what"] == "one_fold" and "first" in found:
            hours = (found["first"] + (2 * FOLDS - 1) * found["second"]) / 60
            lines += ["", f"One fold of EW-MTCNN ({arguments['images']} images, {PAPER_EPOCHS} "
                      f"epochs, batch {arguments['batch']}, {arguments['precision']}), with "
                      f"compiling and prediction: {found['first']:.0f} s, the next one in the same "
                      f"process {found['second']:.0f} s. Table 3's two networks, {FOLDS} folds "
                      f"each, would take {hours:.0f} minutes."]  # fmt: skip
    failed = [entry for entry in mine if "error" in entry["figures"]]
    for entry in failed:
        lines += ["", f"Failed: {entry['what']} {entry['arguments']}: {entry['figures']['error']}"]
    return lines


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
    options = parser.parse_args()
    deadline = time.monotonic() + options.seconds
    found = measure("device", {})
    if "error" in found:
        raise SystemExit(f"Keras cannot be started: {found['error']}")
    from document import PATH, has, put

    path = options.out or PATH
    if not found["accelerated"] and not options.any_device:
        none = f"No GPU was at hand: Keras ran on {found['name']}, and nothing was measured."
        if not has(TITLE, path):  # figures of an earlier run stay
            put(TITLE, [none, "`make perf-gpu` on a machine with one writes this section."], path)
        raise SystemExit(none)
    card = f"{found['name']}, Keras on {found['backend']}"
    date = time.strftime("%Y-%m-%d")
    kept = options.record.read_text(encoding="utf-8") if options.record.exists() else "[]"
    record: list[dict[str, Any]] = json.loads(kept)
    for name, arguments in plan(options.images, options.size):
        told = f"{name} {json.dumps(arguments)}"
        known = find(record, card, name, arguments)
        if options.only not in told or (known is not None and not options.again):
            continue
        if time.monotonic() > deadline - 10:
            print("the time is spent; call again to go on", flush=True)
            break
        start = time.monotonic()
        figures = measure(name, arguments, deadline - time.monotonic())
        print(f"{time.monotonic() - start:5.0f} s  {told}: {figures}", flush=True)
        if "stopped" in figures:
            break
        record = [
            entry
            for entry in record
            if (entry["card"], entry["what"], entry["arguments"]) != (card, name, arguments)
        ]
        record.append(
            {"card": card, "date": date, "what": name, "arguments": arguments, "figures": figures}
        )
        options.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        put(TITLE, whole_section(record), path)


if __name__ == "__main__":
    main()
