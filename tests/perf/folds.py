"""Times folds that are trained side by side on JAX beside folds one by one, on one core.

Writes results/folds.md. A run trains one by one, on TensorFlow by default.

usage: python tests/perf/folds.py [--out FILE.md]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from document import machine
from gpu import measure

PATH = Path(__file__).resolve().parents[2] / "results" / "folds.md"
FOLDS = 10

#: What is trained: new layers on the activations of `small` and of VGG16, and the least network.
KINDS = {
    "a new layer on 128 activations": {"width": 128, "images": 1782},
    "a new layer on 4,096 activations": {"width": 4096, "images": 1782},
    "`small` on 16 x 16 pixels": {"size": 16, "images": 100},
}


def report() -> list[str]:
    """Write the page."""
    lines = [
        "# Folds side by side",
        "",
        f"{machine()}, of which one is used; {FOLDS} folds, compiled before. Rows (or images) of "
        "all folds per second; gain over the faster of both ways one by one.",
        "",
        "| network | rows | one by one, TensorFlow | one by one, JAX | side by side, JAX | gain |",
        "|---|---|---|---|---|---|",
    ]
    for title, kind in KINDS.items():
        found = {}
        for backend in ("tensorflow", "jax"):
            os.environ["KERAS_BACKEND"] = backend
            arguments = {"folds": FOLDS, "threads": 1, **kind}
            found[backend] = measure("side_by_side", arguments)
            print(title, backend, found[backend], flush=True)
        alone = [found[name]["alone"] for name in ("tensorflow", "jax")]
        together = found["jax"]["per_second"]
        speeds = " | ".join(f"{speed:,.0f}" for speed in (*alone, together))
        gain = together / max(alone)
        lines.append(f"| {title} | {kind['images']:,} | {speeds} | {gain:.2g} |")
    return lines


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=PATH, help="another file than results/folds.md")
    options = parser.parse_args()
    options.out.write_text("\n".join(report()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
