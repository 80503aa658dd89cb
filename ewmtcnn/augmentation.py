"""Random changes of training images, drawn for a whole epoch at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

#: Kinds of augmentation: none; mirrored left to right in half of the cases; that, and moved by up
#: to an eighth of the side in both directions, the border being mirrored.
AUGMENTATIONS = ("none", "flip", "crop")


@dataclass(frozen=True)
class Augmentation:
    """What happens to each of n images in one epoch.

    Attributes
    ----------
    mirrored : ndarray of shape (n,), bool, optional
        Which images are mirrored.
    moved : ndarray of shape (n, 2), optional
        Shares of the largest move, -1 to 1, down and to the right.
    """

    mirrored: NDArray[np.bool_] | None = None
    moved: NDArray[np.float64] | None = None

    @classmethod
    def draw(cls, kind: str, n: int, rng: np.random.Generator) -> Self:
        """Draw what happens to n images; ``kind`` is one of `AUGMENTATIONS`."""
        if kind == "none":
            return cls()
        mirrored = rng.random(n) < 0.5
        return cls(mirrored, rng.uniform(-1, 1, (n, 2)) if kind == "crop" else None)

    def apply(self, images: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
        """Change images (m, h, w, 3), which are those of the rows; returns new ones or these."""
        if self.mirrored is not None:
            flips = self.mirrored[rows][:, None, None, None]
            images = np.where(flips, images[:, :, ::-1], images)
        if self.moved is not None:
            images = _move(images, self.moved[rows])
        return images

    def changes(self, rows: NDArray[np.int64], side: int) -> NDArray[np.int32] | None:
        """Return what `ewmtcnn.resident.change` needs of the rows, (..., 3); None for no change."""
        if self.mirrored is None:
            return None
        down = np.zeros((*rows.shape, 2), int)
        if self.moved is not None:
            down = _shifts(self.moved[rows], np.array([side // 8] * 2)) - side // 8
        return np.concatenate([self.mirrored[rows][..., None], down], axis=-1).astype(np.int32)


def _shifts(shares: NDArray[np.float64], reach: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row and the column of the filled image at which each moved one begins."""
    return np.asarray(reach - np.rint(shares * reach).astype(int))


def _move(images: NDArray[Any], shares: NDArray[np.float64]) -> NDArray[Any]:
    reach = np.array(images.shape[1:3]) // 8
    down, right = _shifts(shares, reach).T
    height, width = images.shape[1:3]
    margins = [(0, 0), (reach[0], reach[0]), (reach[1], reach[1]), (0, 0)]
    padded = np.pad(images, margins, mode="reflect")
    cut = [image[d : d + height, r : r + width]
           for image, d, r in zip(padded, down, right, strict=True)]  # fmt: skip
    return np.stack(cut)
