"""The networks that turn an image into a vector: facts about them, and building them in Keras.

A backbone takes uint8 RGB images; its preprocessing is part of it. This module is loaded without
Keras; only `build_backbone` needs it (call `features.networks.backend.start` first).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Backbone:
    """Facts about a backbone.

    Attributes
    ----------
    name : str
        As in `BACKBONES`.
    layer : str
        The layer whose output it gives: the last one before the class scores.
    width : int
        Number of values of that layer.
    size : int
        Pixels per side of the images it is made for.
    smallest : int
        Pixels per side of the smallest images that it can take.
    preprocessing : str
        A name of `PREPROCESSING`; part of cache keys.
    gflops : float
        10^9 floating-point operations of one image of `size`: two per multiplication-addition in
        convolutions and fully connected layers up to `layer`; the rest is below 1 % of it.
    weights : tuple of str
        Named weights that it can have, the usual ones first.
    """

    name: str
    layer: str
    width: int
    size: int
    smallest: int
    preprocessing: str
    gflops: float
    weights: tuple[str, ...]


@dataclass(frozen=True)
class Preprocessing:
    """How pixels 0 to 255 become the input x of the first layer: (pixel - mean) / scale.

    Attributes
    ----------
    bgr : bool
        Whether the channels are put in the order blue, green, red; `mean` and `scale` are in the
        order that results.
    mean, scale : tuple of float
        One per channel.
    """

    bgr: bool
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

#: What the pretrained weights were trained with. ``caffe``: ImageNet's channel means are taken
#: off, as VGG and ResNet in keras.applications. ``torch``: ImageNet's means and deviations of
#: pixels scaled to [0, 1], as torchvision. ``unit``: scaled to [-1, 1].
PREPROCESSING = {
    "caffe": Preprocessing(True, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
    "torch": Preprocessing(
        False,
        (255 * _MEAN[0], 255 * _MEAN[1], 255 * _MEAN[2]),
        (255 * _DEVIATION[0], 255 * _DEVIATION[1], 255 * _DEVIATION[2]),
    ),
    "unit": Preprocessing(False, (127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
}

_IMAGENET = ("imagenet", "random")

#: The backbones by name. VGG: Simonyan and Zisserman 2015; ResNet: He et al. 2016, version 1;
#: AlexNet: Krizhevsky 2014 (arXiv:1404.5997), the variant in one tower without response
#: normalisation of Krizhevsky, Sutskever and Hinton 2012; small: four convolutions and two fully
#: connected layers in the manner of VGG, for images of 64 pixels.
BACKBONES = {
    backbone.name: backbone
    for backbone in (
        Backbone("vgg16", "fc2", 4096, 224, 32, "caffe", 30.952, _IMAGENET),
        Backbone("vgg19", "fc2", 4096, 224, 32, "caffe", 39.278, _IMAGENET),
        Backbone("resnet50", "avg_pool", 2048, 224, 32, "caffe", 7.712, _IMAGENET),
        Backbone("resnet101", "avg_pool", 2048, 224, 32, "caffe", 15.144, _IMAGENET),
        Backbone("alexnet", "fc7", 4096, 224, 63, "torch", 1.421, _IMAGENET),
        Backbone("small", "fc2", 128, 64, 16, "unit", 0.0239, ("bundled", "random")),
    )
}

_SMALL_WIDTHS = (16, 32, 48, 64)


def find_backbone(name: str) -> Backbone:
    """Return a backbone by name; case does not matter.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    name = str(name)  # a setting may be anything
    found = BACKBONES.get(name.lower())
    if found is None:
        close = difflib.get_close_matches(name.lower(), BACKBONES, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"no backbone {name!r} (there are {', '.join(BACKBONES)}){hint}")
    return found


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
        small) or after pooling (ResNet), 0 <= dropout < 1; 0 adds no layer.
    weights : str
        ``imagenet``, ``random``, ``bundled`` or a file; see `features.networks.weights`.
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
    import keras

    from features.networks.weights import load_weights_into

    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    pixels = _preprocess(images, PREPROCESSING[facts.preprocessing])
    drop = _Dropping(dropout, seed)
    model = keras.Model(images, _BUILDERS[facts.name](pixels, drop), name=facts.name)
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
    copy = keras.models.clone_model(
        plain, input_tensors=plain.input, clone_function=_without_batch_statistics
    )
    return drop(copy.output)


@cache
def _frozen_statistics() -> Any:
    import keras

    class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
        """Batch normalisation by the stored means and variances, in training too."""

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            return super().call(inputs, training=False, mask=mask)

    return BatchNormalization


def _without_batch_statistics(layer: Any) -> Any:
    import keras

    if not isinstance(layer, keras.layers.BatchNormalization):
        return layer
    return _frozen_statistics().from_config(layer.get_config())


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
    "alexnet": _alexnet,
    "small": _small,
}


def count_gflops(model: Any) -> float:
    """Count the operations of one image in convolutions and fully connected layers, in 10^9.

    A convolution costs 2 k_h k_w c_in per output value, a fully connected layer 2 per weight.

    Parameters
    ----------
    model : keras.Model
        Built, without models in it.
    """
    import keras

    operations = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            places = math.prod(layer.output.shape[1:-1])
            operations += 2 * places * math.prod(layer.kernel.shape)
    return operations / 1e9
