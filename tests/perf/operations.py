"""Counts the operations and bytes of a training step, for machines that are not at hand.

Writes results/gpu_steps.md from the layers that are built: what a step needs, and what goes to the
card for it step by step, as it was, and in the loop on the device, as it is. Nothing is timed; what
was measured stands in results/gpu.json: the matrix rate, and times of steps. The bandwidth is that
of the data sheet.

usage: python tests/perf/operations.py [--out FILE.md]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

PATH = ROOT / "results" / "gpu_steps.md"
IMAGES = 1782  # nine tenths of Emotion6
STEPS = (
    ("vgg16", 224, 32), ("vgg16", 224, 128), ("resnet50", 224, 32), ("alexnet", 224, 32),
    ("small", 64, 32), ("small", 32, 32),
)  # fmt: skip

# NVIDIA's data sheet of the H100 SXM: HBM3 at 3.35 TB/s.
BANDWIDTH = 3.35e12

# Of a weight: read in float32 and cast (4 + 2), the cast one read forward and backward (2 + 2), its
# gradient written and read (2 + 2), the velocity read and written (8), the weight written (4).
BYTES_OF_WEIGHT = 26
CAST_BYTES = 6

# Of a value between two layers, in bfloat16: written and read forward; read again backward, and its
# gradient written and read.
BYTES_OF_VALUE = 10


def count(backbone: str, size: int) -> tuple[float, int, int]:
    """Return operations of an image forward, weights, and values between layers of an image."""
    from features.networks.backbones import find_backbone
    from features.networks.building import build_backbone

    facts = find_backbone(backbone)
    model = build_backbone(backbone, size, weights="random")
    values = sum(
        math.prod(layer.output.shape[1:])
        for layer in model.layers
        if hasattr(layer, "output") and len(layer.output.shape) > 1
    )
    operations = 1e9 * facts.gflops * (size / facts.size) ** 2
    return operations, model.count_params(), values


def report() -> list[str]:
    """Write the page."""
    from features.networks import backend

    backend.start()
    record = json.loads((ROOT / "results" / "gpu.json").read_text(encoding="utf-8"))
    rate = next(
        entry["figures"]["flops"]
        for entry in record
        if entry["what"] == "matrix_rate" and entry["arguments"]["kind"] == "bfloat16"
    )
    measured = {
        (wanted.get("backbone", "vgg16"), wanted["size"], wanted["batch"], "loop" in wanted):
            entry["figures"]["per_second"]
        for entry in record
        if entry["what"] == "our_training" and entry["card"].endswith("Keras on jax")
        and (wanted := entry["arguments"])["precision"] == "bfloat16"
    }  # fmt: skip
    found: dict[tuple[str, int], Any] = {}
    lines = [
        "# Steps of networks, counted",
        "",
        f"A step in bfloat16 with weights in float32, every layer by itself: a weight moves "
        f"{BYTES_OF_WEIGHT} bytes, of which the cast takes {CAST_BYTES}, a value between two "
        f"layers {BYTES_OF_VALUE}. The times are what a card needs at least that multiplies at the "
        f"{rate / 1e12:.0f} TFLOP/s measured on an H100 and moves the 3.35 TB/s of its data sheet; "
        "fused operations move less. *KB copied* is what goes to the card for a step: before, a "
        "batch that was made in memory; now, with images on the device, its row numbers and "
        f"weights. *Starts* are how often Python starts work in an epoch of {IMAGES:,} images: "
        "before, for each step; now, for each series of steps, of which one takes half a second to "
        "two. *Measured* are steps of an H100 with JAX, one by one and in the loop.",
        "",
        "| step | GFLOP | MB for weights | MB for values | ms to compute | ms to move "
        "| ms of it for casts of weights | ms measured one by one | in the loop | KB copied before "
        "| now | starts before | now, at least |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for backbone, size, batch in STEPS:
        if (backbone, size) not in found:
            found[backbone, size] = count(backbone, size)
        operations, weights, values = found[backbone, size]
        work = 3 * operations * batch
        moved = BYTES_OF_WEIGHT * weights, BYTES_OF_VALUE * values * batch
        speeds = [measured.get((backbone, size, batch, steps)) for steps in (True, False)]
        steps = math.ceil(IMAGES / batch)
        series = math.ceil(steps * max(work / rate, sum(moved) / BANDWIDTH))
        cells = [
            f"{backbone}, {size} x {size}, batch {batch}", work / 1e9, moved[0] / 1e6,
            moved[1] / 1e6, 1e3 * work / rate, 1e3 * sum(moved) / BANDWIDTH,
            1e3 * CAST_BYTES * weights / BANDWIDTH,
            *(1e3 * batch / speed if speed else "" for speed in speeds),
            batch * size * size * 3 / 1024,
            batch * 8 / 1024, steps, series,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(map(_shown, cells))} |")
    return lines


def _shown(value: str | float) -> str:
    """Write a number with three digits, and without an exponent."""
    if isinstance(value, str) or not value:
        return str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"


def main() -> None:
    """Count, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=PATH, help="another file than results/gpu_steps.md"
    )
    options = parser.parse_args()
    options.out.write_text("\n".join(report()) + "\n", encoding="utf-8")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
