"""Sets of images by row, with a key of each one's content."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from features.arrays import ByteArray
from features.images.checking import file_keys
from features.images.decoding import decode


class ImageSource(Protocol):
    """Images by row number. Sources are picklable.

    Attributes
    ----------
    keys : tuple of str
        A hash of each image's content.
    names : tuple of str
        What to call each image in an error message.
    """

    @property
    def keys(self) -> tuple[str, ...]:
        """One per row."""

    @property
    def names(self) -> tuple[str, ...]:
        """One per row."""

    def __len__(self) -> int: ...

    def load(self, row: int, size: int) -> ByteArray:
        """Return image `row` as (size, size, 3) uint8 RGB, resized as `decode` does."""


@dataclass(frozen=True)
class ImageFiles:
    """Image files as an `ImageSource`.

    Parameters
    ----------
    paths : tuple of Path
        One file per row.
    index : Path, optional
        What `features.images.checking.check_image_files` wrote: files that have not changed since
        are not read again for their keys.
    """

    paths: tuple[Path, ...]
    index: Path | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def __getstate__(self) -> dict[str, Any]:
        # 100,000 Path objects take a second to pickle, and one long string none.
        joined = "\0".join(map(str, self.paths)) if self.paths else None
        return {**self.__dict__, "paths": joined}

    def __setstate__(self, state: dict[str, Any]) -> None:
        joined = state["paths"]
        paths = () if joined is None else tuple(map(Path, joined.split("\0")))
        self.__dict__.update(state, paths=paths)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """SHA-256 of each file's bytes, as 64 hexadecimal digits; reads files once.

        Raises
        ------
        ImageError
            Files cannot be read; names them all.
        """
        return file_keys(self.paths, self.index)

    @property
    def names(self) -> tuple[str, ...]:
        """The paths."""
        return tuple(map(str, self.paths))

    def load(self, row: int, size: int) -> ByteArray:
        """Decode one file; see `features.images.decoding.decode`."""
        return decode(self.paths[row], size)
