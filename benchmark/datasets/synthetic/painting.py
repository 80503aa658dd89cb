"""The painter of the synthetic image set: one row of factors and a seed give one picture.

A picture is a background gradient with blotches, round or spiky shapes with an inner shape each,
a texture over everything and a darkened rim. All geometry is in units of the image's side, every
edge is as wide as a pixel, and every wave loses what a pixel averages away, so the same scene
looks the same at any resolution. Colours are chosen in OKLCh, where lightness and chroma mean the
same for every hue (Ottosson 2020, "A perceptual color space for image processing"), and mixed in
sRGB.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.arrays import FloatArray


class Factors(NamedTuple):
    """What can vary, each between 0 and 1."""

    #: Main hue, as a fraction of the OKLCh circle: red 0.08, yellow 0.3, green 0.4, blue 0.73.
    hue: float
    #: Dark to light.
    brightness: float
    #: Grey to as colourful as the screen allows.
    saturation: float
    #: How far the lightness of shapes and blotches is from the background's.
    contrast: float
    #: Spatial frequency of the texture, 2.5 to 17.5 waves per side.
    fineness: float
    #: Soft round blobs to sharp spiky stars.
    angularity: float
    #: How many shapes, 2 to 18; more of them are smaller.
    number: float
    #: One hue only to every hue.
    variety: float


#: OKLab to linear sRGB in two steps, Ottosson (2020): (L, a, b) -> cube roots of cone responses.
_OKLAB_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONES_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
_MOST_CHROMA = 0.33  # sRGB has no colour beyond


def mix_colours(lightness: FloatArray, saturation: float, hue: FloatArray) -> FloatArray:
    """Mix sRGB colours whose chroma is a fraction of the largest that sRGB has.

    Parameters
    ----------
    lightness : ndarray of shape (k,)
        OKLCh lightness, 0 to 1.
    saturation : float
        Fraction, 0 for grey; the largest chroma is found by bisection.
    hue : ndarray of shape (k,)
        OKLCh hue, as a fraction of the circle.

    Returns
    -------
    ndarray of shape (3, k)
        Values in [0, 1].
    """
    angle = 2 * np.pi * hue
    # Linear in chroma: cones = lightness + chroma * slope.
    slope = _OKLAB_TO_CONES[:, 1:] @ np.stack([np.cos(angle), np.sin(angle)])
    low, high = np.zeros_like(lightness), np.full_like(lightness, _MOST_CHROMA)
    for _ in range(9):
        middle = (low + high) / 2
        rgb = _CONES_TO_RGB @ (lightness + middle * slope) ** 3
        inside = np.abs(rgb - 0.5).max(axis=0) < 0.5001
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    linear = np.clip(_CONES_TO_RGB @ (lightness + saturation * low * slope) ** 3, 0, 1)
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve)


def wave_field(
    size: int, frequency: float, rng: np.random.Generator, count: int = 14
) -> FloatArray:
    """Sum plane waves of about one frequency and random directions, with unit variance.

    sum_k a_k cos(2 pi (u_k x + v_k y) + phi_k); each wave is averaged over the pixel's square,
    which multiplies it by sinc(u / size) sinc(v / size).

    Parameters
    ----------
    size : int
        Pixels per side.
    frequency : float
        Waves per side; single waves deviate from it by up to 25 %.
    rng : Generator
        Gives directions, phases and frequencies; the same ones for any size.
    count : int
        Number of waves.

    Returns
    -------
    ndarray of shape (size, size)
    """
    direction, phase, spread = rng.random((3, count)) * [[2 * np.pi], [2 * np.pi], [0.5]]
    u = frequency * (0.75 + spread) * np.cos(direction)
    v = frequency * (0.75 + spread) * np.sin(direction)
    amplitude = np.sqrt(2 / count) * np.sinc(u / size) * np.sinc(v / size)
    at = _pixel_centres(size)
    across = np.exp(2j * np.pi * np.outer(u, at))
    down = (amplitude * np.exp(1j * phase))[:, None] * np.exp(2j * np.pi * np.outer(v, at))
    return np.asarray(down.real.T @ across.real - down.imag.T @ across.imag)


def star_distance(
    x: FloatArray, y: FloatArray, radius: float, points: int, depth: float, rounding: float
) -> FloatArray:
    """Signed distance to a regular star with rounded corners, negative inside.

    By symmetry the plane is folded into half a point of the star, where the star is bounded by
    one segment from the tip inwards; the distance to it is exact (the construction is Inigo
    Quilez's). A star of radius (1 - rounding) radius is then grown by rounding * radius.

    Parameters
    ----------
    x, y : ndarray
        Places relative to the star's centre.
    radius : float
        Distance of the tips from the centre.
    points : int
        Number of tips, at least 3.
    depth : float
        0 for a regular polygon, 1 for needles.
    rounding : float
        0 for sharp tips, 1 for a disc.
    """
    core = radius * (1 - rounding)
    half = np.pi / points
    # The segment lies square to the folding axis in a polygon, along the radius in a needle.
    slope = np.pi / 2 - depth * (np.pi / 2 - half)
    angle = np.mod(np.arctan2(x, y), 2 * half) - half
    length = np.sqrt(x * x + y * y)
    along = length * np.cos(angle) - core * np.cos(half)
    aside = np.abs(length * np.sin(angle)) - core * np.sin(half)
    reach = np.clip(
        -(along * np.cos(slope) + aside * np.sin(slope)), 0, core * np.sin(half) / np.sin(slope)
    )
    along += reach * np.cos(slope)
    aside += reach * np.sin(slope)
    distance = np.sqrt(along * along + aside * aside)
    return np.copysign(distance, along) - rounding * radius


def paint(factors: Factors, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint one picture.

    Parameters
    ----------
    factors : Factors
        What the picture expresses.
    size : int
        Pixels per side.
    rng : Generator
        Gives what expresses nothing: places, directions, phases. The order and number of the
        draws do not depend on `size`.

    Returns
    -------
    ndarray of shape (size, size, 3), uint8
        sRGB.
    """
    canvas = _background(factors, size, rng)
    _add_shapes(canvas, factors, rng)
    canvas *= 1 + 0.085 * wave_field(size, 2.5 * 7**factors.fineness, rng)
    at = _pixel_centres(size) - 0.5
    canvas *= 1 - 0.7 * (at[:, None] ** 2 + at**2) ** 1.5
    np.clip(canvas, 0, 1, out=canvas)
    canvas *= 255
    canvas += 0.5
    return np.ascontiguousarray(canvas.astype(np.uint8).transpose(1, 2, 0))


def _pixel_centres(size: int) -> FloatArray:
    return (np.arange(size) + 0.5) / size


def _lightness(factors: Factors) -> float:
    return 0.26 + 0.64 * factors.brightness


def _background(factors: Factors, size: int, rng: np.random.Generator) -> FloatArray:
    """Mix two colours along a warped gradient: (3, size, size)."""
    spread = (0.03 + 0.11 * factors.contrast) * np.array([-1.0, 1.0])
    turn = (0.02 + 0.1 * factors.variety) * rng.choice([-1.0, 1.0]) * np.array([-1.0, 1.0])
    lightness = np.clip(_lightness(factors) + spread, 0.1, 0.96)
    ends = mix_colours(lightness, factors.saturation, factors.hue + turn)[:, :, None, None]
    direction = 2 * np.pi * rng.random()
    at = _pixel_centres(size) - 0.5
    ramp = at[:, None] * np.sin(direction) + at * np.cos(direction)
    ramp = 0.5 + 0.8 * ramp + 0.17 * wave_field(size, 1.4, rng, count=6)
    return ends[:, 0] + np.clip(ramp, 0, 1) * (ends[:, 1] - ends[:, 0])


def _add_shapes(canvas: FloatArray, factors: Factors, rng: np.random.Generator) -> None:
    """Draw the shapes over the canvas, the largest first."""
    size = canvas.shape[1]
    count = 2 + round(16 * factors.number)
    scatter = rng.random((5, count))
    radii = np.sort(0.24 * count**-0.4 * 3.0 ** scatter[0] ** 1.5)[::-1]
    body, core = _shape_colours(factors, count, rng)
    softness = 1 - factors.angularity
    at = _pixel_centres(size)
    for k, (centre, radius) in enumerate(zip(_scatter(count, rng), radii, strict=True)):
        # Only the pixels that the shape, its soft edge and its shadow can reach.
        reach = 1.35 * radius + 1 / size
        left, top = np.maximum(np.floor((centre - reach) * size), 0).astype(int)
        right, bottom = np.ceil((centre + reach) * size).astype(int)
        patch = canvas[:, top:bottom, left:right]
        x, y = at[left:right] - centre[0], at[top:bottom, None] - centre[1]
        turn = 2 * np.pi * scatter[1, k]
        cos, sin = np.cos(turn), np.sin(turn)
        # A round shape is drawn out into an oval.
        oval = 1 + 0.35 * softness * scatter[2, k]
        distance = star_distance(
            (cos * x - sin * y) * oval,
            sin * x + cos * y,
            radius,
            points=4 + int(4 * scatter[3, k]),
            depth=0.2 + 0.5 * factors.angularity,
            rounding=softness**1.5,
        )
        sharpness = 1 / max(1 / size, 0.2 * softness**2 * radius)
        inside = np.clip(0.5 - sharpness * distance, 0, 1)
        shadow = 0.3 * np.clip(1 - distance / (0.3 * radius), 0, 1) ** 2
        shade = 1 - 0.18 * y / radius  # light falls from above
        patch *= (1 - inside) * (1 - shadow)
        patch += body[:, k, None, None] * (inside * shade)
        inset = (0.3 + 0.2 * scatter[4, k]) * (0.5 + 0.5 * softness) * radius
        inside = np.clip(0.5 - sharpness * (distance + inset), 0, 1)
        patch += inside * (core[:, k, None, None] - patch)


def _shape_colours(
    factors: Factors, count: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Give each shape a colour and its inner part another: (3, count) each."""
    away = (0.05 + 0.4 * factors.contrast) * (0.7 + 0.3 * rng.random(count))
    # Every other shape is darker than the background, the rest are lighter.
    away *= np.where(np.arange(count) % 2 == rng.integers(2), 1, -1)
    lightness = np.clip(_lightness(factors) + np.concatenate([away, -0.4 * away]), 0.1, 0.97)
    hue = factors.hue + factors.variety * (rng.permutation(count) / count - 0.5)
    hue = np.concatenate([hue, hue + 0.12 * factors.variety])
    colours = mix_colours(lightness, factors.saturation, hue)
    return colours[:, :count], colours[:, count:]


def _scatter(count: int, rng: np.random.Generator) -> FloatArray:
    """Choose places (count, 2): each the one of eight draws farthest from the former places."""
    draws = 0.1 + 0.8 * rng.random((count, 8, 2))
    places = draws[:, 0].copy()
    for k in range(1, count):
        apart = ((draws[k][:, None] - places[:k]) ** 2).sum(axis=2).min(axis=1)
        places[k] = draws[k, int(apart.argmax())]
    return places
