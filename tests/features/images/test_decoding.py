"""An image of any kind becomes the right square of pixels, or one sentence about what is wrong."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from features.images.decoding import ImageError, decode, quiet_decoding

# EXIF orientation -> how the pixels of an upright picture lie in the file.
STORED = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, 1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x, -1),
}


def encoded(image, format_, **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        buffer, format_, **options
    )
    return buffer.getvalue()


def smooth(height, width, channels=3, seed=0):
    """A smooth random picture, as photographs are."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (5, 6, channels), dtype=np.uint8)
    planes = [Image.fromarray(plane).resize((width, height)) for plane in np.moveaxis(small, 2, 0)]
    return np.stack([np.array(plane) for plane in planes], axis=-1)


def resized_by_hand(pixels, size):
    """Triangle filter as wide as the scale, along one axis and then the other."""
    for axis in (0, 1):
        n = pixels.shape[axis]
        scale = n / size
        centres = (np.arange(size) + 0.5) * scale
        reach = max(scale, 1.0)
        distance = np.abs(np.arange(n) + 0.5 - centres[:, None]) / reach
        weights = np.maximum(0, 1 - distance)
        weights /= weights.sum(axis=1, keepdims=True)
        pixels = np.moveaxis(np.tensordot(weights, pixels.astype(float), (1, axis)), 0, axis)
    return pixels


def png(width, height, depth, colour, rows, transparent=None):
    """A PNG written by hand."""

    def chunk(name, data):
        crc = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + crc

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header)]
    if transparent is not None:
        parts.append(chunk(b"tRNS", transparent))
    return b"".join([*parts, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")])


@pytest.mark.parametrize("shape", [(40, 60), (61, 33), (8, 8), (300, 20)])
@pytest.mark.parametrize("size", [1, 16, 33])
def test_resizing_is_the_antialiased_triangle_filter(shape, size):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    got = decode(encoded(pixels, "PNG"), size)
    assert got.shape == (size, size, 3)
    assert got.dtype == np.uint8
    # Pillow rounds to whole numbers between the two axes.
    assert np.abs(got - resized_by_hand(pixels, size)).max() <= 1.01


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_big_jpegs_come_near_the_full_decoding(options):
    pixels = smooth(700, 900)
    data = encoded(pixels, "JPEG", quality=95, **options)
    for size in (20, 87, 88, 300):  # scaled by 8, 8, 4 and 2 in the decoder
        difference = np.abs(decode(data, size) - resized_by_hand(pixels, size))
        assert difference.mean() < 2
        assert difference.max() < 12


def test_a_jpeg_is_decoded_in_full_where_half_would_be_too_small():
    noise = np.random.default_rng(5).integers(0, 256, (128, 200, 3), dtype=np.uint8)
    data = encoded(noise, "JPEG", quality=95)
    full = np.array(Image.open(io.BytesIO(data)))
    assert np.abs(decode(data, 65) - resized_by_hand(full, 65)).max() <= 1.01
    assert np.abs(decode(data, 64) - resized_by_hand(full, 64)).max() > 5


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_every_format_is_read(format_, tmp_path):
    pixels = smooth(24, 24)
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}.get(
        format_, {}
    )
    path = tmp_path / "picture"
    path.write_bytes(encoded(pixels, format_, **options))
    tolerance = {"GIF": 60, "JPEG": 20}.get(format_, 0)
    assert np.abs(decode(path, 24).astype(int) - pixels).max() <= tolerance
    assert np.array_equal(decode(str(path), 24), decode(path.read_bytes(), 24))


def test_grey_and_black_and_white():
    grey = smooth(16, 16, 1)[..., 0]
    assert np.array_equal(decode(encoded(grey, "PNG"), 16), np.repeat(grey[..., None], 3, 2))
    bits = np.random.default_rng(0).random((16, 16)) < 0.5
    got = decode(encoded(Image.fromarray(bits), "PNG"), 16)
    assert np.array_equal(got, np.repeat(np.where(bits, 255, 0)[..., None], 3, 2))


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF"])
def test_transparent_parts_lie_over_white(channels, format_):
    pixels = smooth(16, 16, channels)
    if format_ == "WEBP" and channels == 2:
        pixels = pixels[..., [0, 0, 0, 1]]
    options = {"lossless": True, "exact": True} if format_ == "WEBP" else {}
    alpha = pixels[..., -1:] / 255.0
    expected = alpha * pixels[..., :-1] + (1 - alpha) * 255
    assert np.abs(decode(encoded(pixels, format_, **options), 16) - expected).max() <= 1


def test_palettes_with_and_without_transparency():
    indices = np.arange(16, dtype=np.uint8).reshape(4, 4) % 4
    palette = np.array([[10, 20, 30], [200, 100, 0], [0, 250, 9], [77, 78, 79]])
    image = Image.fromarray(indices).convert("L")
    image.putpalette(palette.astype(np.uint8).tobytes())
    assert np.array_equal(decode(encoded(image, "PNG"), 4), palette[indices])
    assert np.array_equal(decode(encoded(image, "GIF"), 4), palette[indices])
    see_through = np.where(indices[..., None] == 1, 255, palette[indices])
    assert np.array_equal(decode(encoded(image, "PNG", transparency=1), 4), see_through)
    assert np.array_equal(decode(encoded(image, "GIF", transparency=1), 4), see_through)
    half = np.array([255, 128, 0, 255])[indices][..., None] / 255
    got = decode(encoded(image, "PNG", transparency=bytes([255, 128, 0, 255])), 4)
    assert np.abs(got - (half * palette[indices] + (1 - half) * 255)).max() <= 1


def test_a_transparent_colour_becomes_white():
    rgb = png(2, 1, 8, 2, b"\0" + bytes([1, 2, 3, 4, 5, 6]), struct.pack(">3H", 4, 5, 6))
    assert decode(rgb, 2)[0].tolist() == [[1, 2, 3], [255, 255, 255]]
    grey = png(2, 1, 16, 0, b"\0" + struct.pack(">2H", 25700, 300), struct.pack(">H", 300))
    assert decode(grey, 2)[0].tolist() == [[100] * 3, [255] * 3]


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_16_bits_are_scaled_not_clipped(format_):
    values = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    expected = np.round(values / 257)[..., None]
    assert np.array_equal(decode(encoded(values, format_), 8), np.repeat(expected, 3, 2))


def test_16_bits_kept_in_32_are_scaled_too():
    values = np.linspace(0, 65535, 64).astype(np.int32).reshape(8, 8)
    expected = np.repeat(np.round(values / 257)[..., None], 3, 2)
    assert np.array_equal(decode(encoded(values, "TIFF"), 8), expected)


def test_16_bit_colours_are_scaled():
    data = png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 0, 25700, 65535))
    assert decode(data, 1)[0, 0].tolist() == [0, 100, 255]


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_cmyk_has_the_polarity_of_ink(format_):
    """Pillow writes CMYK JPEGs inverted and marked as Adobe does, and TIFFs as they are."""
    ink = np.tile(np.array([250, 30, 0, 40], np.uint8), (16, 16, 1))
    got = decode(encoded(Image.fromarray(ink, "CMYK"), format_), 4)
    expected = (255 - ink[0, 0, :3].astype(float)) * (255 - 40) / 255
    assert np.abs(got - expected).max() <= 3


def test_ycck():
    """The same file with the Adobe flag for YCCK: its first three planes are luma and chroma."""
    stored = np.array([120, 150, 90, 200])
    planes = np.tile((255 - stored).astype(np.uint8), (16, 16, 1))
    data = encoded(Image.fromarray(planes, "CMYK"), "JPEG", quality=100, subsampling=0)
    where = data.index(b"Adobe")
    assert data[where + 11] == 0
    got = decode(data[: where + 11] + b"\x02" + data[where + 12 :], 4)
    y, cb, cr = stored[:3] - np.array([0, 128, 128])
    ink = np.array([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb])
    assert np.abs(got - (255 - ink) * stored[3] / 255).max() <= 3


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(orientation, format_):
    upright = smooth(30, 40)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
    stored = np.ascontiguousarray(STORED[orientation](upright))
    data = encoded(stored, format_, exif=exif, **options.get(format_, {}))
    difference = np.abs(decode(data, 30) - resized_by_hand(upright, 30))
    assert difference.max() <= (12 if format_ == "JPEG" else 1.01)


@pytest.mark.parametrize("orientation", [None, 1, 3, 6])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_pixels_are_those_of_pillows_own_functions_one_after_the_other(mode, orientation):
    """To the last bit: cached features were computed from these."""
    pixels = np.random.default_rng(3).integers(0, 256, (90, 120, 4), dtype=np.uint8)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    for format_ in ("PNG",) if mode == "RGBA" else ("PNG", "JPEG"):
        data = encoded(Image.fromarray(pixels).convert(mode), format_, exif=exif)
        for size in (24, 50, 200):
            image = Image.open(io.BytesIO(data))
            image.draft(None, (size, size))
            upright = ImageOps.exif_transpose(image)
            white = Image.new("RGBA", upright.size, (255, 255, 255, 255))
            white.alpha_composite(upright.convert("RGBA"))
            expected = white.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
            assert np.array_equal(decode(data, size), np.asarray(expected))


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG"])
def test_animations_give_their_first_frame(format_):
    frames = [Image.new("RGB", (9, 9), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    data = encoded(frames[0], format_, save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert np.abs(decode(data, 3) - np.array([255.0, 0, 0])).max() <= 2


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0no header", b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03"]
)
@pytest.mark.parametrize("format_", ["JPEG", "WEBP"])
def test_a_broken_exif_block_does_not_matter(exif, format_):
    with quiet_decoding():
        got = decode(encoded(smooth(20, 20), format_, exif=exif), 20)
    assert np.array_equal(got, decode(encoded(smooth(20, 20), format_), 20))


def damaged_files():
    good = encoded(smooth(40, 40), "PNG")
    tall = png(10_000, 10_000, 8, 2, b"")
    text = b"<html>This photo is no longer available</html>"
    return {
        "empty": (b"", "the file is empty"),
        "text": (text, "not a JPEG, PNG, GIF, WebP, BMP or TIFF image"),
        "riff": (b"RIFF\0\0\0\0WAVEfmt ", "not a JPEG"),
        "pdf": (b"%PDF-1.5", "not a JPEG"),
        "cut in the header": (good[:20], "damaged or cut off"),
        "changed": (good[:400] + b"\0\0\0\0" + good[404:], "damaged or cut off"),
        "bomb": (tall, "10000 x 10000 pixels, more than the limit"),
        "great bomb": (png(50_000, 50_000, 8, 2, b""), "50000 x 50000 pixels"),
        "WebP bomb": (
            b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xfe\xff\0" * 2,
            "more pixels than the limit",
        ),
        "GIF bomb": (b"GIF89a\xff\xff\xff\xff\0\0\0", "cannot be decoded"),
        "32 bits": (encoded(np.full((4, 4), 2**20, np.int32), "TIFF"), "32 bits"),
        "float": (encoded(np.full((4, 4), 0.5, np.float32), "TIFF"), "floating-point"),
    }


@pytest.mark.parametrize("name", damaged_files())
def test_what_cannot_be_decoded_is_named_with_the_reason(name, tmp_path):
    data, reason = damaged_files()[name]
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=reason) as caught:
        decode(path, 8)
    assert str(path) in str(caught.value)
    assert list(caught.value.problems) == [str(path)]


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_cut_files_are_reported_at_any_size_asked(format_):
    """What a check at 1 pixel accepts is accepted at 224, and cut image data never are."""
    data = encoded(smooth(96, 128), format_)
    for length in np.linspace(30, len(data) - 30, 25).astype(int):
        for size in (1, 50, 224):
            with pytest.raises(ImageError, match="damaged or cut off"):
                decode(data[:length], size)


def test_unreadable_files_are_reported(tmp_path, monkeypatch):
    with pytest.raises(ImageError, match=r"none\.jpg: there is no such file"):
        decode(tmp_path / "none.jpg", 8)
    with pytest.raises(ImageError, match="it is not a file"):
        decode(tmp_path, 8)
    path = tmp_path / "x.png"
    path.write_bytes(encoded(smooth(8, 8), "PNG"))

    for error, reason in (
        (PermissionError(13, "Permission denied"), "no permission"),
        (OSError(5, "Input/output error"), r"cannot be read \(Input/output error\)"),
    ):

        def fail(*_arguments, error=error):
            raise error

        monkeypatch.setattr(Path, "open", fail)
        with pytest.raises(ImageError, match=reason):
            decode(path, 8)


def test_too_little_memory_is_not_called_damage(monkeypatch):
    def fail(_image):
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(ImageError, match="not enough memory"):
        decode(encoded(smooth(8, 8), "PNG"), 8)


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1 pixel"):
        decode(encoded(smooth(8, 8), "PNG"), 0)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_random_damage_gives_pixels_or_an_image_error(format_):
    rng = np.random.default_rng(3)
    good = encoded(smooth(40, 60), format_)
    outcomes = set()
    for _ in range(150):
        data = bytearray(good)
        for where in rng.integers(0, len(good) if rng.random() < 0.5 else 120, 3):
            data[where] = rng.integers(256)
        try:
            with quiet_decoding():
                assert decode(bytes(data), 8).shape == (8, 8, 3)
            outcomes.add("pixels")
        except ImageError:
            outcomes.add("error")
    assert outcomes >= {"error"}


def test_bombs_are_refused_from_the_header_and_without_a_warning(recwarn):
    limit = Image.MAX_IMAGE_PIXELS
    side = int((1.5 * limit) ** 0.5)  # between once and twice the limit Pillow only warns
    with pytest.raises(ImageError, match="more than the limit"):
        decode(png(side, side, 8, 2, b""), 8)
    assert not recwarn.list


def test_pillow_is_left_as_it_was():
    code = (
        "from PIL import Image, ImageFile\n"
        "Image.preinit()\n"
        "before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK)\n"
        "import features.images.sources\n"
        "now = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK)\n"
        "assert now == before and now[1] is False\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    filters = list(warnings.filters)
    with quiet_decoding():
        warnings.warn_explicit("x", UserWarning, "PIL/Image.py", 1, module="PIL.Image")
    assert warnings.filters == filters
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_threads_give_the_same_pixels():
    files = [
        encoded(smooth(90, 120, seed=i), format_)
        for i, format_ in enumerate(["JPEG", "PNG", "WEBP", "GIF"] * 6)
    ]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda data: decode(data, 32), files * 3))
    alone = [decode(data, 32) for data in files] * 3
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))


def test_an_error_names_twenty_images_and_counts_the_rest():
    error = ImageError({f"{i}.jpg": "bad" for i in range(25)})
    assert str(error).startswith("25 images cannot be decoded: 0.jpg: bad; 1.jpg: bad")
    assert str(error).endswith("19.jpg: bad; and 5 more")
    assert str(ImageError({"a": "bad"})) == "1 image cannot be decoded: a: bad"
