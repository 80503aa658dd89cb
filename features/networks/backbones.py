"""The networks that turn an image into a vector: facts about them.

A backbone takes uint8 RGB images; its preprocessing is part of it. `features.networks.building`
builds them.
"""

from __future__ import annotations

from dataclasses import dataclass

from features.names import did_you_mean


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
        hint = did_you_mean(name, BACKBONES)
        raise ValueError(f"no backbone {name!r} (there are {', '.join(BACKBONES)}){hint}")
    return found
