"""Makes the bundled weights of the ``small`` backbone.

``python -m benchmark.datasets.synthetic.pretraining`` writes them. They
stand in for ImageNet's. The network learns on other drawn images than the built-in set's
(another seed), and not their emotions: it learns to tell the visual factors that an image was
drawn with, as one trained on ImageNet has learned to see before it is shown an emotion.
"""

from __future__ import annotations

import io
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray

import features
from benchmark.datasets.synthetic.dataset import FACTOR_NAMES, draw_factors, draw_images
from features.networks import backend
from features.networks.backbones import find_backbone
from features.networks.building import build_backbone
from features.storage.files import write_atomic

#: Seed of the images, which no built-in set has, and how many there are.
SEED, IMAGES = 20_221, 12_000

#: Images kept apart to measure what was learned.
HELD_OUT = 1_000

EPOCHS, BATCH_SIZE, RATE = 30, 64, 1e-3

PATH = Path(features.__file__).parent / "networks" / "weights_data" / "small.npz"


def factor_targets(factors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Turn factors into what is learned: hue as a point on a circle, the others centred."""
    table = dict(zip(FACTOR_NAMES, factors.T, strict=True))
    angle = 2 * np.pi * table.pop("hue")
    columns = [np.cos(angle), np.sin(angle), *(2 * column - 1 for column in table.values())]
    return np.stack(columns, axis=1).astype(np.float32)


def train_weights(
    n: int = IMAGES, epochs: int = EPOCHS
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Train the backbone.

    Parameters
    ----------
    n : int
        Number of images.
    epochs : int
        Passes over them.

    Returns
    -------
    arrays : dict
        ``layer/variable`` to weights, float16.
    record : dict
        How they were made, and what part of the factors' variance the network explains on images
        that it was not trained on.
    """
    backend.start()
    import keras

    size = find_backbone("small").size
    factors = draw_factors(n, SEED)
    blocks = np.array_split(np.arange(n), 4 * cpu_count())
    drawn = Parallel(n_jobs=-1)(
        delayed(draw_images)(factors, size, SEED, block.tolist()) for block in blocks if len(block)
    )
    X, T = np.concatenate(list(drawn)), factor_targets(factors)
    keras.utils.set_random_seed(SEED)
    body = build_backbone("small", weights="random", dropout=0.1, seed=SEED)
    model = keras.Model(body.input, keras.layers.Dense(T.shape[1])(body.output))
    held_out = min(HELD_OUT, n // 4)
    steps = epochs * -(-(n - held_out) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps)
    model.compile(keras.optimizers.Adam(rate), "mse", jit_compile=False)
    model.fit(X[held_out:], T[held_out:], batch_size=BATCH_SIZE, epochs=epochs, verbose=2)
    left = ((model.predict(X[:held_out], verbose=0) - T[:held_out]) ** 2).mean(axis=0)
    explained = 1 - left / T[:held_out].var(axis=0)
    names = ["cos hue", "sin hue", *[name for name in FACTOR_NAMES if name != "hue"]]
    arrays = {
        f"{layer.name}/{variable.name}": np.asarray(variable.numpy(), np.float16)
        for layer in body.layers
        for variable in layer.weights
    }
    record = {
        "made by": "python -m benchmark.datasets.synthetic.pretraining",
        "images": n,
        "seed": SEED,
        "epochs": epochs,
        "explained variance": {
            k: round(float(v), 3) for k, v in zip(names, explained, strict=True)
        },
        "versions": {name: version(name) for name in ("numpy", "keras")},
    }
    return arrays, record


def main() -> None:
    """Train and write the file."""
    arrays, record = train_weights()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, record=np.array(json.dumps(record)), **arrays)
    write_atomic(PATH, buffer.getvalue())
    sys.stdout.write(f"{json.dumps(record, indent=1)}\nwrote {PATH}\n")


if __name__ == "__main__":
    main()
