"""torchvision's networks: their published weights, and where each array goes here.

torchvision's VGG are Keras' VGG, with RGB input that is divided by ImageNet's deviations. Its
ResNets are not: where one halves the size of the image, its second convolution takes steps of two
and not the first (so-called version 1.5), convolutions have no bias and normalisation adds 1e-5 to
variances in place of 1.001e-5. `build_resnet` builds those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Blocks of each stage of the ResNets, and whether a block has three convolutions or two.
BLOCKS = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
    "resnet152": ((3, 8, 36, 3), True),
}

# Convolutions of each stage of the VGGs.
_VGG = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


class Place(NamedTuple):
    """Where the arrays of a layer are.

    Attributes
    ----------
    prefix : str
        Of their names in torchvision.
    before : tuple of int
        Channels, height and width before they are put in a row, for a layer that follows that.
    """

    prefix: str
    before: tuple[int, int, int] | None = None


def places(name: str) -> dict[str, Place]:
    """Map the layers of a backbone to torchvision's; empty for one that torchvision lacks."""
    if name == "alexnet":
        found = {f"conv{i}": Place(f"features.{k}") for i, k in enumerate((0, 3, 6, 8, 10), 1)}
        return {**found, "fc6": Place("classifier.1", (256, 6, 6)), "fc7": Place("classifier.4")}
    if name in _VGG:
        found, number = {}, 0
        for stage, convolutions in enumerate(_VGG[name], 1):
            for i in range(1, convolutions + 1):
                found[f"block{stage}_conv{i}"] = Place(f"features.{number}")
                number += 2  # each is followed by ReLU
            number += 1  # and the last of a stage by pooling
        fc = {"fc1": Place("classifier.0", (512, 7, 7)), "fc2": Place("classifier.3")}
        return {**found, **fc}
    return _resnet_places(*BLOCKS[name]) if name in BLOCKS else {}


def _resnet_places(blocks: tuple[int, ...], bottleneck: bool) -> dict[str, Place]:
    found = {"conv1_conv": Place("conv1"), "conv1_bn": Place("bn1")}
    for stage, count in enumerate(blocks, 1):
        for block in range(count):
            here, there = f"conv{stage + 1}_block{block + 1}", f"layer{stage}.{block}"
            if block == 0 and (bottleneck or stage > 1):
                found[f"{here}_0_conv"] = Place(f"{there}.downsample.0")
                found[f"{here}_0_bn"] = Place(f"{there}.downsample.1")
            for i in range(1, 4 if bottleneck else 3):
                found[f"{here}_{i}_conv"] = Place(f"{there}.conv{i}")
                found[f"{here}_{i}_bn"] = Place(f"{there}.bn{i}")
    return found


def network_of(shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """Tell which network a file holds by the names and shapes of its arrays; None for others."""
    convolutions = {name.removesuffix(".weight") for name, shape in shapes.items()
                    if len(shape) == 4 and name.endswith(".weight")}  # fmt: skip
    for name in ("alexnet", *_VGG, *BLOCKS):
        layers = {place.prefix for layer, place in places(name).items()
                  if not layer.startswith("fc") and not layer.endswith("_bn")}  # fmt: skip
        if layers == convolutions:
            return name
    deep = {8: "vgg11", 10: "vgg13", 13: "vgg16", 16: "vgg19"}.get(len(convolutions))
    normalised = "_bn" if "features.1.running_mean" in shapes else ""
    return f"{deep}{normalised}" if deep and "features.0" in convolutions else None


_NAMES = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
          "moving_variance": "running_var"}  # fmt: skip


def arrays_of_layer(
    place: Place, known: Callable[[str], bool], read: Callable[[str], NDArray[Any]]
) -> dict[str | int, Any]:
    """Read the arrays of a layer, named and turned as Keras has them.

    Kernels (out, in, height, width) become (height, width, in, out), and (out, in) become
    (in, out); a layer that follows images put in a row sees places before channels in Keras, and
    channels before places in PyTorch.

    Parameters
    ----------
    place : Place
        Where the arrays are.
    known : callable
        Tells whether the file has an array of a name.
    read : callable
        Reads one.
    """
    names = {part: f"{place.prefix}.{theirs}" for part, theirs in _NAMES.items()}
    if known(names["moving_mean"]):
        return {part: read(name) for part, name in names.items() if known(name)}
    found: dict[str | int, Any] = {}
    if known(f"{place.prefix}.bias"):
        found["bias"] = read(f"{place.prefix}.bias")
    if known(f"{place.prefix}.weight"):
        kernel = np.asarray(read(f"{place.prefix}.weight"))
        if kernel.ndim == 4:
            kernel = kernel.transpose(2, 3, 1, 0)
        elif kernel.ndim == 2:
            channels = kernel.shape[1] == np.prod(place.before) if place.before else False
            if place.before and channels:
                turned = kernel.reshape(len(kernel), *place.before).transpose(0, 2, 3, 1)
                kernel = turned.reshape(len(kernel), -1)
            kernel = kernel.T
        found["kernel"] = kernel
    return found


def build_resnet(name: str, pixels: Any) -> Any:
    """Build torchvision's ResNet up to its pooled values, with the names of layers of Keras'.

    Parameters
    ----------
    name : str
        In `BLOCKS`.
    pixels : keras tensor of shape (n, side, side, 3)
        What the first convolution sees.

    Returns
    -------
    keras tensor of shape (n, 2048), or (n, 512) where blocks have two convolutions
    """
    from keras import layers

    blocks, bottleneck = BLOCKS[name]
    x = _convolution(pixels, 64, 7, 2, "conv1")
    x = layers.Activation("relu", name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)  # of values that are not negative
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)
    for stage, count in enumerate(blocks):
        for block in range(count):
            stride = 2 if stage and not block else 1
            x = _block(x, 64 * 2**stage, stride, bottleneck, f"conv{stage + 2}_block{block + 1}")
    return layers.GlobalAveragePooling2D(name="avg_pool")(x)


def _block(x: Any, width: int, stride: int, bottleneck: bool, name: str) -> Any:
    from keras import layers

    out = 4 * width if bottleneck else width
    shortcut = x
    if stride > 1 or x.shape[-1] != out:
        shortcut = _convolution(x, out, 1, stride, f"{name}_0")
    plan = [(width, 3, stride), (out, 3, 1)]
    if bottleneck:
        plan = [(width, 1, 1), (width, 3, stride), (out, 1, 1)]
    for i, (channels, size, step) in enumerate(plan, 1):
        x = _convolution(x, channels, size, step, f"{name}_{i}")
        if i < len(plan):
            x = layers.Activation("relu", name=f"{name}_{i}_relu")(x)
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _convolution(x: Any, channels: int, size: int, stride: int, name: str) -> Any:
    """Pad by half a kernel on all sides, as PyTorch, convolve and normalise."""
    from keras import layers

    if stride > 1 and size > 1:  # where Keras' own padding would be another
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = layers.Conv2D(
        channels, size, stride, padding=padding, use_bias=False, name=f"{name}_conv"
    )(x)  # fmt: skip
    return layers.BatchNormalization(epsilon=1e-5, name=f"{name}_bn")(x)
