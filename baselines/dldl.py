"""DLDL: deep label distribution learning (Gao, Xing, Xie, Wu and Geng, TIP 2017)."""

from __future__ import annotations

from typing import ClassVar

from ewmtcnn.base import NetworkEstimator


class DLDL(NetworkEstimator):
    """A convolutional network with softmax output, trained end to end on the distributions.

    The loss is the Kullback-Leibler divergence of the prediction from the distribution, of which
    the entropy of the distribution, a constant, is left out. It is EW-MTCNN without a wheel and
    at loss_weight = 1, with the same training.

    Parameters
    ----------
    backbone : str
        ``vgg16``, ``vgg19``, ``resnet50``, ``resnet101``, ``alexnet`` or ``small``, see
        `features.networks.backbones`.
    weights : str
        ``imagenet``, ``torchvision``, ``random``, ``bundled``, a file or a folder, see
        `features.networks.weights`.
    size : int, optional
        Pixels per side that the harness resizes images to; by default the backbone's own.
    dropout : float
        Share of the outputs of each fully connected layer that is dropped in training.
    backbone_rate, head_rate : float
        Learning rates of the backbone (0: it is frozen, see `ewmtcnn.base`), and of the new layer.
    momentum : float
        Of SGD. The paper does not state it; 0.9 is what such networks are trained with.
    weight_decay : float
        L2 penalty on kernels. The paper does not state one.
    augmentation : {"none", "flip", "crop"}
        Random changes of training images. The paper does not state any.
    epochs, batch_size : int
        Passes over the training rows, images a step.
    precision : {"float32", "bfloat16"}
        What the backbone computes in.
    scaling : {"none", "standard", "minmax"}
        Of the activations of a frozen backbone, see `baselines.preprocessing.fit_preprocessing`.
    start : {"uniform", "prior"}
        Whether predictions start nearly uniform, or at the mean of the training targets.
    early_stopping : bool
        Whether to find the number of epochs, at most `epochs`, by held-out rows.
    validation_fraction : float
        Share of the training rows that is held out for it.
    refit : bool
        Whether the number found is then trained for on all rows, or on those not held out.
    random_state : int, optional
        Seed of the new layer, the order, dropout, augmentation and held-out rows.
    """

    year: ClassVar[int | None] = 2017
    citation: ClassVar[str] = (
        'Gao, Xing, Xie, Wu and Geng, "Deep Label Distribution Learning with Label Ambiguity", '
        "IEEE TIP 26(6), 2017"
    )

    def __init__(
        self,
        backbone: str = "vgg16",
        weights: str = "imagenet",
        size: int | None = None,
        dropout: float = 0.5,
        backbone_rate: float = 0.001,
        head_rate: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        augmentation: str = "none",
        epochs: int = 20,
        batch_size: int = 32,
        precision: str = "float32",
        scaling: str = "none",
        start: str = "uniform",
        early_stopping: bool = False,
        validation_fraction: float = 0.2,
        refit: bool = True,
        random_state: int | None = None,
    ):
        super().__init__(
            backbone=backbone, weights=weights, size=size, wheel="none", loss_weight=1.0,
            dropout=dropout, backbone_rate=backbone_rate, head_rate=head_rate, momentum=momentum,
            weight_decay=weight_decay, augmentation=augmentation, epochs=epochs,
            batch_size=batch_size, precision=precision, scaling=scaling, start=start,
            early_stopping=early_stopping, validation_fraction=validation_fraction, refit=refit,
            random_state=random_state,
        )  # fmt: skip
