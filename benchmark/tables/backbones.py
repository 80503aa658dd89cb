"""The table of backbones: layer, size, input and published weights of each."""

from __future__ import annotations

from benchmark.tables.grid import Grid, text_cells
from features.networks.backbones import BACKBONES, Backbone

#: What `backbone_rows` gives of each backbone.
HEADERS = ["Backbone", "Layer", "Values", "Pixels", "Smallest", "Input", "GFLOP", "Weights"]

#: What is done to pixels before the first layer, see `features.networks.backbones.PREPROCESSING`.
INPUTS = {
    "caffe": "BGR, mean",
    "torch": "RGB, mean, deviation",
    "unit": "RGB, -1 to 1",
    "shifted": "RGB, by 128",
}

NOTES = [
    "Layer: whose output an image's features are, the last one before the class scores; avg_pool "
    "is the mean over places, layer_norm normalises that. Values: how many it gives.",
    "Pixels: side of the images that it is made for, to which they are resized unless a size is "
    "set. Smallest: the least that it takes. Weights of fully connected layers (VGG, AlexNet, "
    "small) fit one size only.",
    "Input: the order of channels, and whether ImageNet's mean is subtracted and by its deviation "
    "divided; -1 to 1: (pixel - 127.5) / 127.5; by 128: (pixel - 128) / 128.",
    "GFLOP: 10^9 floating-point operations for one image, two per multiplication and addition.",
    "Weights: the usual ones first. With torchvision's the input is RGB, mean, deviation, and a "
    "ResNet is version 1.5.",
]


def backbone_rows() -> list[list[str]]:
    """Describe the backbones, a row each."""
    return [_row(backbone) for backbone in BACKBONES.values()]


def _row(backbone: Backbone) -> list[str]:
    return [
        backbone.title,
        backbone.layer,
        f"{backbone.width:,}",
        str(backbone.size),
        str(backbone.smallest),
        INPUTS[backbone.preprocessing],
        f"{backbone.gflops:.3g}",
        ", ".join(backbone.weights),
    ]


def backbones_grid() -> Grid:
    """Lay out `backbone_rows`."""
    return Grid(
        caption="Backbones",
        headers=HEADERS,
        cells=[text_cells(row) for row in backbone_rows()],
        notes=NOTES,
    )
