"""One image: from the bytes of a file to a square of RGB pixels, or why not."""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from features.arrays import ByteArray
from features.images.budget import BUDGET
from features.images.metadata import without_metadata

#: Names the rule by which an image becomes a square of pixels. Part of every cache key: change it
#: whenever `decode` returns other pixels for the same bytes.
RESIZING = "1: upright, over white, RGB, whole image, antialiased bilinear, JPEG scaled by DCT"

_READERS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"GIF87a", GifImageFile),
    (b"GIF89a", GifImageFile),
    (b"RIFF", WebPImageFile),
    (b"BM", BmpImageFile),
    (b"II*\0", TiffImageFile),
    (b"MM\0*", TiffImageFile),
    (b"II+\0", TiffImageFile),
    (b"MM\0+", TiffImageFile),
)

_LARGEST_16_BIT = 65535
_NAMED_IN_ERROR = 20
_HEAD = 16


class ImageError(ValueError):
    """One or more images cannot be decoded; names the first 20 and says why.

    Attributes
    ----------
    problems : dict of str to str
        The reason by name, for all of them.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(problems)
        self.problems = dict(problems)

    def __str__(self) -> str:
        first = list(self.problems.items())[:_NAMED_IN_ERROR]
        named = "; ".join(f"{name}: {reason}" for name, reason in first)
        more = len(self.problems) - len(first)
        count = "1 image" if len(self.problems) == 1 else f"{len(self.problems)} images"
        return f"{count} cannot be decoded: {named}" + (f"; and {more} more" if more else "")


class UnusableError(Exception):
    """Why one image cannot be decoded, before its name is known."""


def decode(image: Path | str | bytes, size: int) -> ByteArray:
    """Decode the whole of an image into a square of RGB pixels.

    JPEG, PNG, GIF, WebP, BMP and TIFF; the first frame of an animation. EXIF orientation is
    applied, transparent parts are laid over white, 16 bits are scaled to 8, colour profiles are
    ignored, and so is other metadata, be it malformed or huge. The image is squashed to the square
    by an antialiased bilinear filter; a JPEG of twice the size or more is first reduced by the
    decoder to 1/2, 1/4 or 1/8, never below `size`.
    Any number of threads may call this at once; `features.images.budget` bounds their memory.

    Parameters
    ----------
    image : Path, str or bytes
        A file, or what is in one.
    size : int
        Pixels per side.

    Returns
    -------
    ndarray of shape (size, size, 3), uint8

    Raises
    ------
    ImageError
        There is no such file, it cannot be read, is no image, is damaged or cut off, or has more
        pixels than ``PIL.Image.MAX_IMAGE_PIXELS``. Names the file and the reason.
    ValueError
        `size` is below 1.
    """
    if size < 1:
        raise ValueError(f"an image must have at least 1 pixel per side, not {size}")
    try:
        data = image if isinstance(image, bytes) else read_image(Path(image))[0]
        return decode_bytes(data, size)
    except UnusableError as error:
        name = "the image" if isinstance(image, bytes) else str(image)
        raise ImageError({name: str(error)}) from error.__cause__


@contextmanager
def quiet_decoding() -> Iterator[None]:
    """Silence Pillow's warnings about oddities that do not touch the pixels (EXIF, tags).

    Warnings are filtered for the whole process, so this goes round a whole batch, in one thread.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def read_image(path: Path) -> tuple[bytes, os.stat_result]:
    """Read a file that starts like an image; return its bytes and its status before reading.

    Raises
    ------
    UnusableError
        There is no such file, it cannot be read, or it starts like no image.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnusableError("it is not a file")
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            head = file.read(_HEAD)
            _reader(head)  # raises before the rest of what is no image is read
            return head + file.read(), status
    except FileNotFoundError as error:
        raise UnusableError("there is no such file") from error
    except PermissionError as error:
        raise UnusableError("there is no permission to read it") from error
    except OSError as error:
        raise UnusableError(f"it cannot be read ({error.strerror or error})") from error


def _reader(head: bytes) -> type[ImageFile.ImageFile]:
    if not head:
        raise UnusableError("the file is empty")
    for start, reader in _READERS:
        if head.startswith(start) and (reader is not WebPImageFile or head[8:12] == b"WEBP"):
            return reader
    raise UnusableError("it is not a JPEG, PNG, GIF, WebP, BMP or TIFF image")


def decode_bytes(data: bytes, size: int) -> ByteArray:
    """Decode an image in memory; see `decode`.

    Raises
    ------
    UnusableError
        It cannot be decoded.
    """
    try:
        return _decode(data, size)
    except _DamagedError as error:
        reason: UnusableError = error
    for keep_orientation in (True, False):
        bare = without_metadata(data, keep_orientation)
        if bare is not None:
            try:
                return _decode(bare, size)
            except UnusableError as error:
                reason = error
    raise reason


class _DamagedError(UnusableError):
    """A reader stumbled; perhaps over metadata alone."""


def _decode(data: bytes, size: int) -> ByteArray:
    # The readers are called without Image.open, which warns of bombs instead of refusing them,
    # and warnings cannot be caught in one thread alone.
    reader = _reader(data[:_HEAD])
    try:
        image = reader(io.BytesIO(data))
        limit = Image.MAX_IMAGE_PIXELS
        width, height = image.size
        if limit is not None and width * height > limit:
            raise UnusableError(
                f"it has {width} x {height} pixels, more than the limit of {limit}; scale it down"
            )
        image.draft(None, (size, size))
        with BUDGET.taken(image.width * image.height):
            image.load()
            _turn_upright(image)
            pixels = squash(_over_white(image), size)
            del image  # before the next one is decoded
        return pixels
    except Image.DecompressionBombError as error:
        raise UnusableError("it has more pixels than the limit; scale it down") from error
    except MemoryError as error:
        raise UnusableError("there is not enough memory for it") from error
    except UnusableError:
        raise
    except Exception as error:  # a damaged file fails in any part of its decoder
        raise _DamagedError(f"it is damaged or cut off ({error})") from error


def _turn_upright(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # noqa: S110 - the pixels are sound though the EXIF block is not
        pass


# Large images are converted row by row, so that there is never a third copy of one in memory.


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _from_deep_grey(image)
    if image.mode == "F":
        raise UnusableError("its samples are floating-point numbers; save it with 8 or 16 bits")
    if image.has_transparency_data:
        laid = Image.new("RGB", image.size)
        for box in _bands(image):
            band = image.crop(box).convert("RGBA")
            white = Image.new("RGBA", band.size, "white")
            laid.paste(Image.alpha_composite(white, band).convert("RGB"), box)
        return laid
    # Grey stays grey until it is small; three equal channels would be resized alike.
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    grey = Image.new("L", image.size)
    for box in _bands(image):
        values = np.asarray(image.crop(box)).astype(np.int64)
        if values.min() < 0 or values.max() > _LARGEST_16_BIT:
            raise UnusableError("its samples have 32 bits; save it with 8 or 16")
        scaled = ((values * 255 + _LARGEST_16_BIT // 2) // _LARGEST_16_BIT).astype(np.uint8)
        if "transparency" in image.info:
            scaled[values == image.info["transparency"]] = 255
        grey.paste(Image.fromarray(scaled), box)
    return grey


def _bands(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Cut an image into bands of rows of about a million pixels: left, upper, right, lower."""
    rows = max(1, 2**20 // image.width)
    for upper in range(0, image.height, rows):
        yield 0, upper, image.width, min(upper + rows, image.height)


def squash(image: Image.Image, size: int) -> ByteArray:
    """Resize the whole of an image to (size, size, 3) uint8, antialiased bilinear."""
    return np.array(image.resize((size, size), Image.Resampling.BILINEAR).convert("RGB"))
