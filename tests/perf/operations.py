"""Counts the operations and bytes of a training step, for machines that are not at hand.

Writes the section "Steps of networks, counted" of results/perf.md from the layers that are built;
nothing is timed. What a card can do is said by its measured matrix rate in results/gpu.json and by
the bandwidth of its data sheet.

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

TITLE = "Steps of networks, counted"
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
    """Write the section."""
    from features.networks import backend

    backend.start()
    record = json.loads((ROOT / "results" / "gpu.json").read_text(encoding="utf-8"))
    rate = next(
        entry["figures"]["flops"]
        for entry in record
        if entry["what"] == "matrix_rate" and entry["arguments"]["kind"] == "bfloat16"
    )
    found: dict[tuple[str, int], Any] = {}
    lines = [
        f"A step in bfloat16 with weights in float32, every layer by itself: a weight moves "
        f"{BYTES_OF_WEIGHT} bytes, of which the cast takes {CAST_BYTES}, a value between two "
        f"layers {BYTES_OF_VALUE}. The times are what a card needs at least that multiplies at the "
        f"{rate / 1e12:.0f} TFLOP/s measured on an H100 and moves the 3.35 TB/s of its data sheet; "
        "fused operations move less. *Copied* is what goes to the card for each step when batches "
        "are made in memory: with images on the device it is the row numbers alone. Nothing here "
        "was timed.",
        "",
        "| network | batch | GFLOP | MB for weights | MB for values | ms to compute | ms to move "
        "| casts of weights, ms | copied KB, steps | copied KB, loop |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for backbone, size, batch in STEPS:
        if (backbone, size) not in found:
            found[backbone, size] = count(backbone, size)
        operations, weights, values = found[backbone, size]
        work = 3 * operations * batch
        moved = BYTES_OF_WEIGHT * weights, BYTES_OF_VALUE * values * batch
        lines.append(
            f"| {backbone}, {size} x {size} | {batch} | {work / 1e9:.3g} | {moved[0] / 1e6:.3g} "
            f"| {moved[1] / 1e6:.3g} | {1e3 * work / rate:.3g} "
            f"| {1e3 * sum(moved) / BANDWIDTH:.3g} | {1e3 * CAST_BYTES * weights / BANDWIDTH:.2g} "
            f"| {batch * size * size * 3 / 1024:.0f} | {batch * 8 / 1024:.2f} |"
        )
    return lines


def main() -> None:
    """Count, and write the section."""
    from document import PATH, put

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, help="another file than results/perf.md")
    options = parser.parse_args()
    put(TITLE, report(), options.out or PATH)


if __name__ == "__main__":
    main()
