"""Images in memory, where a test needs no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from features.images.decoding import squash
from features.storage.files import array_key


@dataclass(frozen=True, eq=False)
class ImagesInMemory:
    """An `ImageSource` of pixels (n, h, w, 3), uint8."""

    images: np.ndarray[Any, np.dtype[np.uint8]]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(array_key(image) for image in self.images)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"image {row}" for row in range(len(self)))

    def load(self, row: int, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return squash(Image.fromarray(self.images[row]), size)
