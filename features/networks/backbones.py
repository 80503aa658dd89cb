"""The networks that turn an image into a vector: facts about them.

A backbone takes uint8 RGB images; its preprocessing is part of it. `features.networks.building`
builds them.
"""

from __future__ import annotations

import re
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
    application : str
        Of keras.applications: the function that makes it; empty for what is built here.
    """

    name: str
    layer: str
    width: int
    size: int
    smallest: int
    preprocessing: str
    gflops: float
    weights: tuple[str, ...]
    application: str = ""

    @property
    def title(self) -> str:
        """The name as its authors write it."""
        return self.application or _TITLES.get(self.name, self.name)


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
#: pixels scaled to [0, 1], as torchvision. ``unit``: scaled to [-1, 1]. ``shifted``: to [-1, 1).
PREPROCESSING = {
    "caffe": Preprocessing(True, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
    "torch": Preprocessing(
        False,
        (255 * _MEAN[0], 255 * _MEAN[1], 255 * _MEAN[2]),
        (255 * _DEVIATION[0], 255 * _DEVIATION[1], 255 * _DEVIATION[2]),
    ),
    "unit": Preprocessing(False, (127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "shifted": Preprocessing(False, (128.0, 128.0, 128.0), (128.0, 128.0, 128.0)),
}

_IMAGENET = ("imagenet", "random")
_BOTH = ("imagenet", "torchvision", "random")
_TITLES = {"vgg16": "VGG16", "vgg19": "VGG19", "alexnet": "AlexNet"} | {
    f"resnet{depth}": f"ResNet{depth}" for depth in (18, 34, 50, 101, 152)
}


def _application(
    application: str, width: int, size: int, preprocessing: str, gflops: float, smallest: int = 32
) -> Backbone:
    last = "layer_norm" if application.startswith("ConvNeXt") else "avg_pool"
    name = application.lower()
    return Backbone(
        name, last, width, size, smallest, preprocessing, gflops, _IMAGENET, application
    )


#: The backbones by name. VGG: Simonyan and Zisserman 2015; ResNet: He et al. 2016, version 1, of
#: which 18 and 34 are built as torchvision's, the others as Keras' unless the weights are
#: torchvision's; AlexNet: Krizhevsky 2014 (arXiv:1404.5997), the variant in one tower without
#: response normalisation of Krizhevsky, Sutskever and Hinton 2012; small: four convolutions and two
#: fully connected layers in the manner of VGG, for images of 64 pixels. All others are those of
#: keras.applications, up to their pooled values.
BACKBONES = {
    backbone.name: backbone
    for backbone in (
        Backbone("vgg16", "fc2", 4096, 224, 32, "caffe", 30.952, _BOTH),
        Backbone("vgg19", "fc2", 4096, 224, 32, "caffe", 39.278, _BOTH),
        Backbone("resnet50", "avg_pool", 2048, 224, 32, "caffe", 7.712, _BOTH),
        Backbone("resnet101", "avg_pool", 2048, 224, 32, "caffe", 15.144, _BOTH),
        Backbone("resnet152", "avg_pool", 2048, 224, 32, "caffe", 22.561, _BOTH),
        Backbone("resnet18", "avg_pool", 512, 224, 32, "torch", 3.627, _BOTH),
        Backbone("resnet34", "avg_pool", 512, 224, 32, "torch", 7.327, _BOTH),
        Backbone("alexnet", "fc7", 4096, 224, 63, "torch", 1.421, _BOTH),
        Backbone("small", "fc2", 128, 64, 16, "unit", 0.0239, ("bundled", "random")),
        _application("DenseNet121", 1024, 224, "torch", 5.666),
        _application("DenseNet169", 1664, 224, "torch", 6.716),
        _application("DenseNet201", 1920, 224, "torch", 8.579),
        _application("EfficientNetB0", 1280, 224, "torch", 0.7691),
        _application("EfficientNetB1", 1280, 240, "torch", 1.371),
        _application("EfficientNetB2", 1408, 260, "torch", 1.984),
        _application("EfficientNetB3", 1536, 300, "torch", 3.651),
        _application("EfficientNetB4", 1792, 380, "torch", 8.784),
        _application("EfficientNetB5", 2048, 456, "torch", 20.53),
        _application("EfficientNetB6", 2304, 528, "torch", 38.13),
        _application("EfficientNetB7", 2560, 600, "torch", 75.49),
        _application("EfficientNetV2B0", 1280, 224, "torch", 1.434),
        _application("EfficientNetV2B1", 1280, 240, "torch", 2.391),
        _application("EfficientNetV2B2", 1408, 260, "torch", 3.392),
        _application("EfficientNetV2B3", 1536, 300, "torch", 6.02),
        _application("EfficientNetV2S", 1280, 384, "shifted", 16.73),
        _application("EfficientNetV2M", 1280, 480, "shifted", 49.16),
        _application("EfficientNetV2L", 1280, 480, "shifted", 112.2),
        _application("ConvNeXtTiny", 768, 224, "torch", 8.91),
        _application("ConvNeXtSmall", 768, 224, "torch", 17.37),
        _application("ConvNeXtBase", 1024, 224, "torch", 30.71),
        _application("ConvNeXtLarge", 1536, 224, "torch", 68.72),
        _application("ConvNeXtXLarge", 2048, 224, "torch", 121.8),
        _application("MobileNet", 1024, 224, "unit", 1.135),
        _application("MobileNetV2", 1280, 224, "unit", 0.599),
        _application("MobileNetV3Large", 960, 224, "unit", 0.4282),
        _application("MobileNetV3Small", 576, 224, "unit", 0.1098),
        _application("ResNet50V2", 2048, 224, "unit", 6.96),
        _application("ResNet101V2", 2048, 224, "unit", 14.38),
        _application("ResNet152V2", 2048, 224, "unit", 21.81),
        _application("InceptionV3", 2048, 299, "unit", 11.42, 75),
        _application("InceptionResNetV2", 1536, 299, "unit", 26.31, 75),
        _application("Xception", 2048, 299, "unit", 16.71, 71),
        _application("NASNetMobile", 1056, 224, "unit", 1.125),
        _application("NASNetLarge", 4032, 331, "unit", 47.56),
    )
}


def find_backbone(name: str) -> Backbone:
    """Return a backbone by name; case, hyphens and underscores do not matter.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    name = str(name)  # a setting may be anything
    found = BACKBONES.get(re.sub("[-_ ]", "", name.lower()))
    if found is None:
        hint = did_you_mean(name, BACKBONES)
        raise ValueError(
            f"no backbone {name!r}{hint or '; give one such as vgg16'} (ldl-benchmark backbones "
            f"lists all)"
        )
    return found
