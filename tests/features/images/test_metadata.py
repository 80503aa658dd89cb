"""Metadata, whatever is wrong with it, leaves the pixels of an image as they are."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from features.images.decoding import ImageError, decode
from features.images.metadata import without_metadata

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 30, 3), dtype=np.uint8)


def encoded(format_, **options):
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, format_, **options)
    return buffer.getvalue()


PNG, JPEG = encoded("PNG"), encoded("JPEG")
EXIF = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # lies on its side
XMP = b'<x tiff:Orientation="6"/>'
BOMB = zlib.compress(bytes(40_000_000), 9)


def chunk(name, content, checksum=None):
    found = zlib.crc32(name + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", found)


def png(*chunks, before_end=False):
    place = len(PNG) - 12 if before_end else 33  # behind the header, or before the end
    return PNG[:place] + b"".join(chunks) + PNG[place:]


def jpeg(kind, content):
    return (
        JPEG[:2]
        + b"\xff"
        + bytes([kind])
        + struct.pack(">H", len(content) + 2)
        + content
        + (JPEG[2:])
    )


@pytest.mark.parametrize("before_end", [False, True])
@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(b"zTXt", b"workflow\0\0" + BOMB)],
        [chunk(b"iTXt", b"workflow\0\1\0\0\0" + BOMB)],
        [chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB)],
        [chunk(b"tEXt", b"k\0" + b"x" * 3_000_000)],
        [chunk(b"tEXt", b"%d\0" % i + b"x" * 1_000_000) for i in range(70)],
        [chunk(b"iCCP", b"profile\0\0" + BOMB)],
        [chunk(b"iCCP", b"")],
        [chunk(b"iCCP", b"profile\0\7")],
        [chunk(b"zTXt", b"k\0\7")],
        [chunk(b"zTXt", b"k\0\0no zlib")],
        *([chunk(name, b"")] for name in (b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"tIME", b"eXIf")),
        [chunk(b"acTL", b"abc")],
        [chunk(b"fcTL", b"abc")],
        [chunk(b"tEXt", b"k\0v", checksum=5)],
        [chunk(b"prVt", b"private", checksum=5)],
        [chunk(b"eXIf", b"no exif", checksum=5)],
        [chunk(b"eXIf", b"no exif")],
    ],
    ids=lambda chunks: f"{chunks[0][4:8].decode()}-{len(chunks[0])}",
)
def test_a_png_has_the_pixels_that_it_has_without_metadata(chunks, before_end):
    assert np.array_equal(decode(png(*chunks, before_end=before_end), 8), decode(PNG, 8))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (0xE0, b"JFIF"),
        (0xE0, b""),
        (0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        (0xE1, b"Exif\0\0"),
        (0xE2, b"ICC_PROFILE\0"),
        (0xE2, b"MPF\0no index"),
        (0xED, b"Photoshop 3.0\x008BIM\x03\xed\x02"),
        (0xEE, b"Adobe"),
        (0xFE, b""),
    ],
)
def test_a_jpeg_has_the_pixels_that_it_has_without_metadata(kind, content):
    assert np.array_equal(decode(jpeg(kind, content), 8), decode(JPEG, 8))


def test_which_way_up_is_told_beside_a_malformed_chunk():
    turned = decode(encoded("PNG", exif=b"Exif\0\0" + EXIF), 8)
    assert not np.array_equal(turned, decode(PNG, 8))
    raw = b"\nexif\n%8d\n" % (len(EXIF) + 6) + (b"Exif\0\0" + EXIF).hex().encode()
    for telling in (
        chunk(b"eXIf", EXIF),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)),
    ):
        assert np.array_equal(decode(png(telling), 8), turned)
        assert np.array_equal(decode(png(telling, chunk(b"gAMA", b"")), 8), turned)
    upright = jpeg(0xE1, b"Exif\0\0" + EXIF)
    spoilt = upright[:2] + jpeg(0xE2, b"ICC_PROFILE\0")[2:18] + upright[2:]
    assert np.array_equal(decode(spoilt, 8), decode(upright, 8))


@pytest.mark.parametrize("name", [b"tRNS", b"tRNs", b"tSNS", b"iDAT", b"pLTE"])
def test_damaged_pixels_are_no_metadata(name):
    """A wrong checksum of what may be pixels refuses the image, beside whatever else."""
    for beside in ((), (chunk(b"zTXt", b"k\0\0" + BOMB),)):
        with pytest.raises(ImageError, match="damaged"):
            decode(png(*beside, chunk(name, bytes(6), checksum=5)), 8)


def test_a_cut_or_changed_image_stays_refused():
    whole = png(chunk(b"zTXt", b"k\0\0" + BOMB))
    for data in (
        whole[:-60],
        whole[: len(whole) // 2],
        JPEG[:-200],
        jpeg(0xE2, b"ICC_PROFILE\0")[:300],
    ):
        with pytest.raises(ImageError, match="damaged or cut off"):
            decode(data, 8)


def test_what_cannot_be_stripped_is_left_alone():
    assert without_metadata(b"GIF89a") is None
    assert without_metadata(PNG) is None
    for data in (b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0", PNG[:8], PNG[:11], PNG[:40]):
        assert without_metadata(data) is None


def test_a_bomb_takes_no_memory_and_leaves_no_setting():
    settings = (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY)
    data = png(
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB), chunk(b"iCCP", b"p\0\0" + BOMB)
    )
    tracemalloc.start()
    try:
        decode(data, 8)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY) == settings
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
