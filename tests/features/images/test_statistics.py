import ast
import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.images import statistics
from features.images.statistics import STATISTIC_NAMES, image_statistics


def of(image, *names):
    """The named statistics of one image."""
    row = image_statistics(np.asarray(image, dtype=np.uint8)[None])[0]
    values = [row[STATISTIC_NAMES.index(name)] for name in names]
    return values[0] if len(values) == 1 else values


def grey(plane):
    """A grey image of a plane of values 0 to 1."""
    return np.repeat(np.round(255 * np.asarray(plane))[:, :, None], 3, axis=2).astype(np.uint8)


def plain(colour, size=16):
    return np.full((size, size, 3), colour, dtype=np.uint8)


def waves(frequency, size=64, angle=0.0):
    at = (np.arange(size) + 0.5) / size
    along = at * np.cos(angle) + at[:, None] * np.sin(angle)
    return grey(0.5 + 0.3 * np.sin(2 * np.pi * frequency * along))


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, size=(70, 20, 20, 3), dtype=np.uint8)


def test_names_and_shape(noise):
    assert image_statistics(noise).shape == (70, len(STATISTIC_NAMES))
    assert image_statistics(noise).dtype == np.float64
    assert len(set(STATISTIC_NAMES)) == len(STATISTIC_NAMES)
    assert image_statistics(noise[:0]).shape == (0, len(STATISTIC_NAMES))


def test_a_row_depends_on_its_image_only(noise):
    together = image_statistics(noise)
    order = np.random.default_rng(1).permutation(70)
    np.testing.assert_array_equal(image_statistics(noise[order]), together[order])
    for i in (0, 33, 69):
        np.testing.assert_array_equal(image_statistics(noise[i : i + 1])[0], together[i])


def test_images_are_left_alone(noise):
    before = noise.copy()
    image_statistics(noise)
    np.testing.assert_array_equal(noise, before)
    noise.flags.writeable = False
    image_statistics(noise)


@pytest.mark.parametrize("size", [8, 9, 64, 65, 100])
@pytest.mark.parametrize("colour", [0, 255, (200, 10, 30), (1, 0, 0)])
def test_constant_images(size, colour):
    row = image_statistics(plain(colour, size)[None])[0]
    assert np.isfinite(row).all()
    red, green, blue = np.broadcast_to(colour, 3) / 255
    found = dict(zip(STATISTIC_NAMES, row, strict=True))
    np.testing.assert_allclose([found["mean_red"], found["mean_blue"]], [red, blue])
    np.testing.assert_allclose(found["luma_q50"], 0.299 * red + 0.587 * green + 0.114 * blue)
    for name in STATISTIC_NAMES:
        if name.startswith(("std_", "gradient", "orientation", "corner", "symmetry", "centre")):
            assert abs(found[name]) < 1e-6, name
        if name.startswith("power"):
            assert found[name] == pytest.approx(-6)
    assert found["flat_share"] == 1
    assert found["luma_entropy"] == found["colour_entropy"] == 0


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(8, 80), st.integers(8, 80), st.just(3)).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 7, 128, 254, 255]))
    )
)
def test_finite_for_any_image(images):
    found = image_statistics(images)
    assert np.isfinite(found).all()
    for name, values in zip(STATISTIC_NAMES, found.T, strict=True):
        if not name.startswith(("power", "edge_sharpness", "mean_f", "colour_e", "luma_e")):
            assert np.abs(values).max() <= 64, name


def test_colour_moments_by_loop(noise):
    image = noise[3]
    pixels = [tuple(pixel / 255) for pixel in image.reshape(-1, 3)]
    saturations = [(max(p) - min(p)) / max(p) for p in pixels if max(p) > 0]
    mean, spread, value = of(image, "mean_green", "std_green", "mean_value")
    assert mean == pytest.approx(sum(p[1] for p in pixels) / len(pixels))
    assert spread == pytest.approx(np.std([p[1] for p in pixels]))
    assert value == pytest.approx(np.mean([max(p) for p in pixels]))
    assert of(image, "mean_saturation") == pytest.approx(sum(saturations) / len(pixels))


def test_colourfulness_of_hasler_and_suesstrunk(noise):
    red, green, blue = np.moveaxis(noise[5] / 255, 2, 0)
    rg, yb = red - green, 0.5 * (red + green) - blue
    expected = np.sqrt(rg.var() + yb.var()) + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2)
    assert of(noise[5], "colourfulness") == pytest.approx(expected)
    assert of(grey(np.linspace(0, 1, 256).reshape(16, 16)), "colourfulness") == pytest.approx(0)


@pytest.mark.parametrize(
    ("colour", "degree"),
    [
        ((255, 0, 0), 0),
        ((255, 255, 0), 60),
        ((0, 255, 0), 120),
        ((0, 255, 255), 180),
        ((0, 0, 255), 240),
        ((255, 0, 255), 300),
        ((255, 0, 10), 0),
    ],
)
def test_hue_of_pure_colours(colour, degree):
    share, cos, sin, length = of(
        plain(colour), f"hue_{degree}", "hue_cos", "hue_sin", "hue_concentration"
    )
    assert share > 0.98
    assert length > 0.98
    assert np.degrees(np.arctan2(sin, cos)) % 360 == pytest.approx(degree % 360, abs=3) or (
        degree == 0 and np.degrees(np.arctan2(sin, cos)) == pytest.approx(0, abs=3)
    )


def test_opposite_hues_cancel():
    image = plain((255, 0, 0))
    image[:, 8:] = (0, 255, 255)
    length, red, cyan = of(image, "hue_concentration", "hue_0", "hue_180")
    assert length == pytest.approx(0, abs=1e-12)
    assert red == pytest.approx(cyan)
    assert red == pytest.approx(0.5, abs=0.01)


def test_luma_quantiles_and_entropy():
    image = grey(np.arange(256).reshape(16, 16) / 255)
    found = of(image, *(name for name in STATISTIC_NAMES if name.startswith("luma_q")))
    np.testing.assert_allclose(found, [0.05, 0.25, 0.5, 0.75, 0.95], atol=1e-9)
    assert of(image, "luma_entropy") == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize(("frequency", "band"), [(1, 0), (3, 1), (6, 2), (12, 3), (20, 4)])
def test_waves_fall_in_their_band(frequency, band):
    bands = of(waves(frequency), *(name for name in STATISTIC_NAMES if name.startswith("power")))
    assert np.argmax(bands) == band
    # A wave of amplitude 0.3 has variance 0.045.
    if frequency >= 6:  # the window spreads a wave over its neighbours
        assert 10 ** bands[band] == pytest.approx(0.045, rel=0.05)
        assert of(waves(frequency), "mean_frequency") == pytest.approx(np.log2(frequency), abs=0.1)


@pytest.mark.parametrize("size", [33, 48, 64])
def test_all_bands_together_are_the_variance_under_the_window(size):
    at = (np.arange(size) + 0.5) / size
    plane = 0.5 + 0.1 * np.sin(2 * np.pi * 5 * at) + 0.1 * np.cos(2 * np.pi * 10 * at[:, None])
    bands = of(grey(plane), *(name for name in STATISTIC_NAMES if name.startswith("power")))
    assert sum(10**b for b in bands) == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("degree", [0, 30, 60, 90, 120, 150])
def test_orientation(degree):
    image = waves(4, angle=np.radians(degree))
    names = [name for name in STATISTIC_NAMES if name.startswith("orientation")]
    shares = of(image, *names)
    assert names[int(np.argmax(shares))] == f"orientation_{degree}"
    assert max(shares) > 0.9


def test_gradient_of_a_ramp():
    # Brightness grows by 1 over the side: 1/64 per 1/64 of it, at any resolution.
    for size in (32, 64):
        image = grey(np.tile((np.arange(size) + 0.5) / size, (size, 1)))
        mean, spread, flat = of(image, "gradient_mean", "gradient_std", "flat_share")
        assert mean == pytest.approx(1 / 64, rel=0.02)
        assert spread < 0.1 * mean
        assert flat < 0.05


def test_corners_tell_squares_from_stripes():
    stripes = grey(np.tile(np.arange(64) // 8 % 2, (64, 1)))
    board = grey((np.arange(64) // 8 + np.arange(64)[:, None] // 8) % 2)
    (line_share, line_peak, line_coherence), (share, peak, coherence) = (
        of(image, "corner_share", "corner_peak", "coherence") for image in (stripes, board)
    )
    assert line_share == pytest.approx(0, abs=1e-9)
    assert line_peak == pytest.approx(0, abs=1e-6)
    assert share > 0.1
    assert peak > 0.1
    assert line_coherence > coherence


def test_symmetry_and_centre():
    rng = np.random.default_rng(3)
    half = rng.random((32, 16))
    mirrored = grey(np.hstack([half, half[:, ::-1]]))
    across, down = of(mirrored, "symmetry_left_right", "symmetry_top_bottom")
    assert across == pytest.approx(1, abs=1e-3)
    assert abs(down) < 0.3
    spot = np.zeros((16, 16))
    spot[4:12, 4:12] = 1
    assert of(grey(spot), "centre_luma") == pytest.approx(1)
    red = np.repeat(spot[:, :, None] * 200, 3, axis=2).astype(np.uint8)
    red[:, :, 1:] = 0
    assert of(red, "centre_saturation") == pytest.approx(1)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_magnified_image_has_the_same_statistics(factor):
    image = np.random.default_rng(4).integers(0, 256, size=(1, 64, 64, 3), dtype=np.uint8)
    larger = image.repeat(factor, axis=1).repeat(factor, axis=2)
    np.testing.assert_allclose(image_statistics(larger), image_statistics(image), rtol=1e-9)


def test_malformed_images():
    for wrong in (
        np.zeros((2, 9, 9, 3)),
        np.zeros((9, 9, 3), np.uint8),
        np.zeros((2, 9, 9, 4), np.uint8),
    ):
        with pytest.raises(ValueError, match=r"must be uint8 of shape \(n, h, w, 3\), not"):
            image_statistics(wrong)
    with pytest.raises(ValueError, match="at least 8 pixels per side, these are 7 x 30"):
        image_statistics(np.zeros((2, 7, 30, 3), np.uint8))


def test_imports_stay_within_features():
    tree = ast.parse(inspect.getsource(statistics))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {
        a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names
    }
    assert modules <= {"__future__", "typing", "numpy", "numpy.typing", "features.arrays"}
