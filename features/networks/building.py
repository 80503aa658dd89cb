"""Builds a backbone in Keras, on whatever backend `features.networks.backend` started it.

This module is loaded without Keras; its functions import it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from features.networks.accelerated import accelerate
from features.networks.applications import build_application, freeze_statistics
from features.networks.backbones import PREPROCESSING, Preprocessing, find_backbone
from features.networks.loading import load_weights_into
from features.networks.torchvision import BLOCKS, build_resnet
from features.networks.weights import backbone_with, is_torchvisions

_SMALL_WIDTHS = (16, 32, 48, 64)


def build_backbone(
    name: str,
    size: int | None = None,
    dropout: float = 0.0,
    weights: str = "imagenet",
    seed: int = 0,
) -> Any:
    """Build a backbone in Keras.

    Batch normalisation always uses its stored means and variances, also in training, where its
    scale and shift are learned: the few images of a fine-tuning batch estimate them badly, and
    what a network computes for an image should not depend on the others.

    Parameters
    ----------
    name : str
        One of `BACKBONES`.
    size : int, optional
        Pixels per side; by default the backbone's. Pretrained fully connected layers fit one size
        only.
    dropout : float
        Share of values dropped in training after each fully connected layer (VGG, AlexNet,
        small) or after pooling (all others), 0 <= dropout < 1; 0 adds no layer.
    weights : str
        ``imagenet``, ``torchvision``, ``random``, ``bundled``, a file or a folder; see
        `features.networks.weights`.
    seed : int
        For random weights and for dropout.

    Returns
    -------
    keras.Model
        (n, size, size, 3) uint8 RGB to (n, width), of the compute type of Keras' dtype policy.
        All variables are trainable but the moving statistics of batch normalisation.

    Raises
    ------
    ValueError
        An unknown backbone, a size that is too small, a meaningless dropout, or
        `features.networks.weights.WeightsError`.
    """
    facts = find_backbone(name)
    size = facts.size if size is None else size
    if size < facts.smallest:
        raise ValueError(
            f"{facts.name} needs images of at least {facts.smallest} pixels per side, not {size}"
        )
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be at least 0 and below 1, not {dropout}")
    facts = backbone_with(facts.name, weights)
    import keras

    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    pixels = _preprocess(images, PREPROCESSING[facts.preprocessing])
    drop = _Dropping(dropout, seed)
    if facts.name in BLOCKS and (
        facts.name not in _BUILDERS or is_torchvisions(facts.name, weights)
    ):
        plain = keras.Model(images, build_resnet(facts.name, pixels))
        tensor = drop(freeze_statistics(plain).output)
    elif facts.name in _BUILDERS:
        tensor = _BUILDERS[facts.name](pixels, drop)
    else:
        tensor = drop(build_application(facts.application, pixels, facts.layer))
    model = accelerate(keras.Model(images, tensor, name=facts.name))
    load_weights_into(model, facts.name, weights, seed)
    return model


@dataclass
class _Dropping:
    """Adds dropout layers, each with masks of its own."""

    rate: float
    seed: int
    count: int = 0

    def __call__(self, tensor: Any) -> Any:
        if not self.rate:
            return tensor
        import keras

        self.count += 1
        layer = keras.layers.Dropout(
            self.rate, seed=1000 * self.seed + self.count, name=f"dropout{self.count}"
        )
        return layer(tensor)


def _preprocess(images: Any, how: Preprocessing) -> Any:
    """Turn uint8 RGB into the input of the first layer, in float32 whatever the policy."""
    from keras import ops

    pixels = ops.cast(images, "float32")
    if how.bgr:
        pixels = ops.flip(pixels, axis=-1)
    pixels = ops.subtract(pixels, ops.convert_to_tensor(how.mean, "float32"))
    if how.scale == (1.0, 1.0, 1.0):
        return pixels
    return ops.divide(pixels, ops.convert_to_tensor(how.scale, "float32"))


def _vgg(application: str, pixels: Any, drop: _Dropping) -> Any:
    import keras

    whole = getattr(keras.applications, application)(
        weights=None, include_top=True, input_tensor=pixels
    )
    tensor = whole.get_layer("flatten").output
    for layer in ("fc1", "fc2"):
        tensor = drop(whole.get_layer(layer)(tensor))
    return tensor


def _resnet(application: str, pixels: Any, drop: _Dropping) -> Any:
    import keras

    plain = getattr(keras.applications, application)(
        weights=None, include_top=False, pooling="avg", input_tensor=pixels
    )
    return drop(freeze_statistics(plain).output)


def _alexnet(pixels: Any, drop: _Dropping) -> Any:
    from keras import layers

    tensor = layers.ZeroPadding2D(2, name="pad1")(pixels)
    for number, (width, kernel, stride) in enumerate(
        ((64, 11, 4), (192, 5, 1), (384, 3, 1), (256, 3, 1), (256, 3, 1)), start=1
    ):
        tensor = layers.Conv2D(
            width, kernel, stride, padding="valid" if number == 1 else "same",
            activation="relu", name=f"conv{number}",
        )(tensor)  # fmt: skip
        if number in (1, 2, 5):
            tensor = layers.MaxPooling2D(3, 2, name=f"pool{number}")(tensor)
    tensor = layers.Flatten(name="flatten")(tensor)
    for layer in ("fc6", "fc7"):
        tensor = drop(layers.Dense(4096, activation="relu", name=layer)(tensor))
    return tensor


def _small(pixels: Any, drop: _Dropping) -> Any:
    from keras import layers

    tensor = pixels
    for number, width in enumerate(_SMALL_WIDTHS, start=1):
        tensor = layers.Conv2D(
            width, 3, padding="same", activation="relu", name=f"conv{number}"
        )(tensor)  # fmt: skip
        tensor = layers.MaxPooling2D(2, name=f"pool{number}")(tensor)
    tensor = layers.Flatten(name="flatten")(tensor)
    for layer in ("fc1", "fc2"):
        tensor = drop(layers.Dense(128, activation="relu", name=layer)(tensor))
    return tensor


_BUILDERS: dict[str, Callable[[Any, _Dropping], Any]] = {
    "vgg16": lambda pixels, drop: _vgg("VGG16", pixels, drop),
    "vgg19": lambda pixels, drop: _vgg("VGG19", pixels, drop),
    "resnet50": lambda pixels, drop: _resnet("ResNet50", pixels, drop),
    "resnet101": lambda pixels, drop: _resnet("ResNet101", pixels, drop),
    "resnet152": lambda pixels, drop: _resnet("ResNet152", pixels, drop),
    "alexnet": _alexnet,
    "small": _small,
}
