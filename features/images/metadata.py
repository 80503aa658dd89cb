"""Images without what does not touch their pixels: texts, colour profiles, thumbnails.

Readers refuse an image for a comment that is too large or malformed, although its pixels are sound.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PIXELS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")

# Texts that may tell which way up the image is.
_ORIENTATION = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0")
_LONGEST_TEXT = 2**20

_JPEG_START, _JPEG_SCAN, _JPEG_COMMENT = b"\xff\xd8", 0xDA, 0xFE
_APP0, _APP1, _APP14, _APP15 = 0xE0, 0xE1, 0xEE, 0xEF
# A shorter segment is not what its name says, and the decoder passes over it.
_SHORTEST = {_APP0: 14, _APP14: 12}


def without_metadata(data: bytes, keep_orientation: bool = True) -> bytes | None:
    """Return a PNG or JPEG without metadata.

    Parameters
    ----------
    data : bytes
        What is in the file.
    keep_orientation : bool
        Leave what may tell which way up the image is.

    Returns
    -------
    bytes or None
        None where there is nothing to leave out.
    """
    if data.startswith(_PNG):
        parts = [_PNG, *_png_parts(data, keep_orientation)]
    elif data.startswith(_JPEG_START):
        parts = [_JPEG_START, *_jpeg_parts(data, keep_orientation)]
    else:
        return None
    bare = b"".join(parts)
    return bare if len(bare) < len(data) else None


def _png_parts(data: bytes, keep_orientation: bool) -> Iterator[bytes]:
    """Yield the chunks that are kept, and from the first that is cut off on all that is left."""
    place = len(_PNG)
    while place < len(data):
        length = int.from_bytes(data[place : place + 4])
        name, end = data[place + 4 : place + 8], place + 12 + length
        if end > len(data):
            yield data[place:]
            return
        content = data[place + 8 : end - 4]
        intact = zlib.crc32(name + content).to_bytes(4) == data[end - 4 : end]
        upright = keep_orientation and intact and _may_orient(name, content)
        if upright or _is_of_pixels(name, intact):
            yield data[place:end]
        place = end
        if name == b"IEND":
            return


def _may_orient(name: bytes, content: bytes) -> bool:
    if name in _TEXTS:
        return content.startswith(_ORIENTATION) and _is_short(name, content)
    return name == b"eXIf"


def _is_of_pixels(name: bytes, intact: bool) -> bool:
    if name in _PIXELS or not name.isalpha() or name[:1].isupper():
        return True
    # What damage may have made of a chunk of pixels stays, and the image is refused.
    return not intact and any(
        sum(a != b for a, b in zip(name, other, strict=True)) < 2 for other in _PIXELS
    )


def _is_short(name: bytes, content: bytes) -> bool:
    """Tell whether a text is of bearable length, also when it is unpacked."""
    if len(content) > _LONGEST_TEXT:
        return False
    _, _, rest = content.partition(b"\0")
    if name == b"iTXt" and rest[:1] == b"\1":
        packed = rest[2:].split(b"\0", 2)[-1]
    elif name == b"zTXt":
        packed = rest[1:]
    else:
        return True
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(packed, _LONGEST_TEXT)
    except zlib.error:
        return False
    return not unpacking.unconsumed_tail


def _jpeg_parts(data: bytes, keep_orientation: bool) -> Iterator[bytes]:
    """Yield the segments that are kept, and from the first scan on all that is left."""
    place = len(_JPEG_START)
    while data[place : place + 1] == b"\xff" and place + 4 <= len(data):
        kind, end = data[place + 1], place + 2 + int.from_bytes(data[place + 2 : place + 4])
        if kind in (_JPEG_SCAN, 0xFF) or end > len(data):
            break
        named = _APP0 <= kind <= _APP15 or kind == _JPEG_COMMENT
        upright = keep_orientation and kind == _APP1
        if not named or upright or end - place - 4 >= _SHORTEST.get(kind, len(data)):
            yield data[place:end]
        place = end
    yield data[place:]
