"""What tuning may choose from for networks: few configurations, since each is a whole training.

With a row's own settings they are eight each. Those of a frozen backbone cost next to nothing
beside the others: the backbone looks at each image once. All start at the prior, so that the first
of each list, whose penalty leaves little but the biases, is near the mean of the training targets.
Rates that suit one backbone may be too large for another; such a configuration loses, or fails,
and another is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Space = Mapping[str, tuple[Any, ...]]

#: A new layer on the scaled activations of a backbone: a convex problem, which this solves.
HEAD: Space = {
    "start": ("prior",),
    "scaling": ("standard",),
    "dropout": (0.0,),
    "head_rate": (0.01,),
    "epochs": (60,),
}

#: The same in a network that takes images.
FROZEN: Space = {**HEAD, "backbone_rate": (0.0,), "augmentation": ("none",)}

#: All layers trained, with less dropout than the paper's, mirrored images, and a small penalty.
TRAINED: Space = {
    "start": ("prior",),
    "scaling": ("none",),
    "backbone_rate": (0.001,),
    "dropout": (0.2,),
    "augmentation": ("flip",),
    "weight_decay": (0.001,),
    "epochs": (10, 40),
}

#: Of a network without a wheel.
PLAIN: tuple[Space, ...] = (
    {**FROZEN, "weight_decay": (10.0, 0.3, 0.03)},
    {**TRAINED, "head_rate": (0.01, 0.1)},
)

#: Of EW-MTCNN; where it does not say, the rate of the new layer is the row's own.
WHEEL: tuple[Space, ...] = (
    {**FROZEN, "wheel": ("none",), "loss_weight": (1.0,), "weight_decay": (10.0, 0.1)},
    {**TRAINED, "wheel": ("none",), "loss_weight": (1.0,)},
    {**TRAINED, "wheel": ("prior",), "reading": ("logit",), "sigma": (0.6,), "loss_weight": (1.0,),
     "epochs": (40,)},
    {**TRAINED, "wheel": ("prior",), "reading": ("mixture",), "sigma": (0.3, 0.6),
     "loss_weight": (0.7,), "epochs": (40,)},
)  # fmt: skip

#: Of a network that takes activations.
ACTIVATIONS: tuple[Space, ...] = ({**HEAD, "weight_decay": (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)},)
