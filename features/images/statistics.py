"""Simple statistics of images: what colours, how bright, how rough, how balanced.

They need no trained network, and are what image emotion research used before networks (Machajdik
and Hanbury, "Affective image classification using features inspired by psychology and art
theory", ACM Multimedia 2010). An image larger than 64 pixels per side is first averaged down to
64, and lengths and frequencies are relative to the side, so that resolution matters little.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.arrays import FloatArray

GRID = 64  # pixels per side at which statistics are taken
SMALLEST_SIDE = 8
_BATCH = 32

_HUE_BINS = 12
_ORIENTATION_BINS = 6
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_BANDS = ((1, 2), (2, 4), (4, 8), (8, 16), (16, 32))  # waves per side

# Below these an image counts as grey, flat or free of structure, and shares of it fade to 0.
_LITTLE_CHROMA = 1e-2
_LITTLE_GRADIENT = 1e-3
_LITTLE_POWER = 1e-6
_EDGE = 0.05  # gradient, in brightness per 1/64 of the side, from which a pixel is an edge
_FLAT = 0.01  # gradient up to which it is flat

#: Names of the columns of `image_statistics`.
STATISTIC_NAMES: tuple[str, ...] = (
    *("mean_red", "mean_green", "mean_blue", "std_red", "std_green", "std_blue"),
    *("mean_value", "std_value", "mean_saturation", "std_saturation"),
    *("colourfulness", "colour_entropy"),
    *("hue_cos", "hue_sin", "hue_concentration"),
    *(f"hue_{360 * k // _HUE_BINS}" for k in range(_HUE_BINS)),
    *(f"luma_q{100 * q:02.0f}" for q in _QUANTILES),
    *("luma_std", "luma_entropy"),
    *("gradient_mean", "gradient_std", "edge_density", "flat_share", "edge_sharpness"),
    *(f"orientation_{180 * k // _ORIENTATION_BINS}" for k in range(_ORIENTATION_BINS)),
    *("corner_share", "corner_peak", "coherence"),
    *(f"power_{low}_{high}" for low, high in _BANDS),
    "mean_frequency",
    *("symmetry_left_right", "symmetry_top_bottom", "centre_luma", "centre_saturation"),
)


class _Planes(NamedTuple):
    """A batch of images (m, h, w) taken apart, values 0 to 1."""

    rgb: FloatArray  # (m, h, w, 3)
    luma: FloatArray
    value: FloatArray
    saturation: FloatArray
    warm: FloatArray  # red against green and blue
    green: FloatArray  # green against blue


def image_statistics(images: NDArray[np.uint8]) -> FloatArray:
    """Describe each image by the numbers named in `STATISTIC_NAMES`.

    * ``mean_*``, ``std_*``: of red, green, blue, and of value and saturation (HSV).
    * ``colourfulness``: Hasler and Suesstrunk, "Measuring colorfulness in natural images" (2003).
    * ``colour_entropy``, ``luma_entropy``: of a 4 x 4 x 4 colour and a 16-step luma histogram.
    * ``hue_cos``, ``hue_sin``, ``hue_concentration``: direction and length of the mean vector
      of hue, weighted by chroma; ``hue_<degree>``: its histogram.
    * ``luma_q*``: quantiles of luma (Rec. 601); ``luma_std``: its deviation.
    * ``gradient_*``: magnitude of the gradient of luma; ``edge_density``, ``flat_share``: shares
      of pixels with a large and with hardly any; ``edge_sharpness``: its 98 % quantile over
      the deviation of luma; ``orientation_<degree>``: its direction weighted by magnitude.
    * ``corner_share``, ``corner_peak``, ``coherence``: of the eigenvalues a >= b of the local
      structure tensor (Harris and Stephens 1988): sum b / sum (a + b), 99 % quantile of
      sqrt(b), mean (a - b) / (a + b).
    * ``power_<low>_<high>``: log10 of the variance of luma by waves per side, under a Hann
      window; ``mean_frequency``: mean log2 of waves per side.
    * ``symmetry_*``: correlation of luma with its mirror image; ``centre_*``: mean of the
      middle quarter minus that of the rest.

    Parameters
    ----------
    images : ndarray of shape (n, h, w, 3), uint8
        sRGB; at least 8 pixels per side.

    Returns
    -------
    ndarray of shape (n, q), float64
        Finite for any image; row i depends on image i only.

    Raises
    ------
    ValueError
        Another type or shape, or images smaller than 8 x 8.
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images must be uint8 of shape (n, h, w, 3), not {images.dtype} of {images.shape}"
        )
    if min(images.shape[1:3]) < SMALLEST_SIDE:
        raise ValueError(
            f"images must have at least {SMALLEST_SIDE} pixels per side, "
            f"these are {images.shape[1]} x {images.shape[2]}"
        )
    result = np.empty((len(images), len(STATISTIC_NAMES)))
    for start in range(0, len(images), _BATCH):
        planes = _take_apart(_average_down(images[start : start + _BATCH]))
        parts = (
            _colour_moments(planes),
            _colourfulness(planes),
            _hue(planes),
            _brightness(planes),
            _gradients(planes.luma),
            _spectrum(planes.luma),
            _composition(planes),
        )
        result[start : start + _BATCH] = np.concatenate(parts, axis=1)
    return result


def _average_down(images: NDArray[np.uint8]) -> FloatArray:
    """Average blocks of pixels so that no side exceeds `GRID`; values 0 to 1."""
    small: NDArray[Any] = images
    for axis in (1, 2):
        side = small.shape[axis]
        if side > GRID:
            starts = np.arange(GRID) * side // GRID
            widths = np.diff(np.append(starts, side))
            shape = [1, 1, 1, 1]
            shape[axis] = GRID
            sums = np.add.reduceat(small, starts, axis=axis, dtype=np.float64)
            small = sums / widths.reshape(shape)
    return small / 255.0


def _take_apart(rgb: FloatArray) -> _Planes:
    red, green, blue = np.moveaxis(rgb, 3, 0)
    value = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    return _Planes(
        rgb=rgb,
        luma=0.299 * red + 0.587 * green + 0.114 * blue,
        value=value,
        saturation=(value - lowest) / np.maximum(value, 1 / 255),
        warm=red - (green + blue) / 2,
        green=np.sqrt(0.75) * (green - blue),
    )


def _columns(*columns: FloatArray) -> FloatArray:
    return np.stack(columns, axis=1)


def _mean(plane: FloatArray) -> FloatArray:
    return np.asarray(plane.mean(axis=(1, 2)))


def _std(plane: FloatArray) -> FloatArray:
    return np.asarray(plane.std(axis=(1, 2)))


def _shares(bins: NDArray[np.intp], n_bins: int, weights: FloatArray | None = None) -> FloatArray:
    """Histogram of each image: bins (m, h, w) of integers, weights alike -> (m, n_bins)."""
    m = len(bins)
    flat = (bins.reshape(m, -1) + n_bins * np.arange(m)[:, None]).ravel()
    flat_weights = None if weights is None else weights.ravel()
    counts = np.bincount(flat, flat_weights, minlength=m * n_bins).reshape(m, n_bins)
    return counts / bins[0].size


def _entropy(shares: FloatArray) -> FloatArray:
    """Entropy (m,) of histograms (m, k), in bits."""
    return np.abs((shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1))


def _colour_moments(planes: _Planes) -> FloatArray:
    rgb, value, saturation = planes.rgb, planes.value, planes.saturation
    hsv = _columns(_mean(value), _std(value), _mean(saturation), _std(saturation))
    return np.concatenate([rgb.mean(axis=(1, 2)), rgb.std(axis=(1, 2)), hsv], axis=1)


def _colourfulness(planes: _Planes) -> FloatArray:
    red, green, blue = np.moveaxis(planes.rgb, 3, 0)
    across, along = red - green, (red + green) / 2 - blue
    spread = np.hypot(_std(across), _std(along))
    colourfulness = spread + 0.3 * np.hypot(_mean(across), _mean(along))
    levels = np.minimum(planes.rgb * 4, 3).astype(np.intp)
    entropy = _entropy(_shares(levels @ np.array([16, 4, 1]), 64))
    return _columns(colourfulness, entropy)


def _hue(planes: _Planes) -> FloatArray:
    chroma = np.hypot(planes.warm, planes.green)
    total = _mean(chroma) + _LITTLE_CHROMA
    cos, sin = _mean(planes.warm) / total, _mean(planes.green) / total
    turn = np.arctan2(planes.green, planes.warm) / (2 * np.pi)
    # The first bin is centred on red, hue 0.
    bins = np.floor(turn * _HUE_BINS + 0.5).astype(np.intp) % _HUE_BINS
    shares = _shares(bins, _HUE_BINS, chroma) / total[:, None]
    return np.concatenate([_columns(cos, sin, np.hypot(cos, sin)), shares], axis=1)


def _brightness(planes: _Planes) -> FloatArray:
    luma = planes.luma
    quantiles = np.quantile(luma.reshape(len(luma), -1), _QUANTILES, axis=1).T
    shares = _shares(np.minimum(luma * 16, 15).astype(np.intp), 16)
    return np.concatenate([quantiles, _columns(_std(luma), _entropy(shares))], axis=1)


def _gradients(luma: FloatArray) -> FloatArray:
    """Strength, direction and corners of the gradient of luma."""
    m, height, width = luma.shape
    down: FloatArray = np.gradient(luma, GRID / height, axis=1)
    across: FloatArray = np.gradient(luma, GRID / width, axis=2)
    magnitude = np.hypot(down, across)
    high = np.quantile(magnitude.reshape(m, -1), 0.98, axis=1)
    strength = _columns(
        _mean(magnitude),
        _std(magnitude),
        _mean((magnitude > _EDGE).astype(np.float64)),
        _mean((magnitude < _FLAT).astype(np.float64)),
        high / (_std(luma) + _EDGE),
    )
    turn = np.arctan2(down, across) / np.pi
    bins = np.floor(turn * _ORIENTATION_BINS + 0.5).astype(np.intp) % _ORIENTATION_BINS
    total = _mean(magnitude)[:, None] + _LITTLE_GRADIENT
    orientation = _shares(bins, _ORIENTATION_BINS, magnitude) / total

    xx, yy, xy = _blur(across**2), _blur(down**2), _blur(across * down)
    trace = xx + yy
    difference = np.hypot(xx - yy, 2 * xy)
    smaller = np.maximum(trace - difference, 0) / 2
    corners = _columns(
        _mean(smaller) / (_mean(trace) + _LITTLE_POWER),
        np.sqrt(np.quantile(smaller.reshape(m, -1), 0.99, axis=1)),
        _mean(difference / (trace + _LITTLE_POWER)),
    )
    return np.concatenate([strength, orientation, corners], axis=1)


def _blur(plane: FloatArray) -> FloatArray:
    """Average over a square of about 1/13 of the side, an odd number of pixels."""
    for axis in (1, 2):
        reach = max(1, round(plane.shape[axis] / 32))
        padding = [(0, 0), (0, 0), (0, 0)]
        padding[axis] = (reach + 1, reach)
        sums = np.cumsum(np.pad(plane, padding, mode="edge"), axis=axis)
        upper = np.take(sums, range(2 * reach + 1, sums.shape[axis]), axis=axis)
        lower = np.take(sums, range(sums.shape[axis] - 2 * reach - 1), axis=axis)
        plane = (upper - lower) / (2 * reach + 1)
    return plane


def _spectrum(luma: FloatArray) -> FloatArray:
    """Variance of luma in bands of spatial frequency, and the mean frequency."""
    m, height, width = luma.shape
    window = np.outer(np.hanning(height + 1)[:-1], np.hanning(width + 1)[:-1])
    centred = luma - np.average(luma.reshape(m, -1), axis=1, weights=window.ravel())[:, None, None]
    spectrum = np.fft.rfft2(centred * window, norm="forward")
    power = (spectrum.real**2 + spectrum.imag**2) / (window**2).mean()
    # A column stands for its mirror image too, except the first and, of an even width, the last.
    power[:, :, 1 : (width + 1) // 2] *= 2
    waves = np.hypot(np.fft.fftfreq(height, 1 / height)[:, None], np.fft.rfftfreq(width, 1 / width))
    inside = [(waves >= low) & (waves < high) for low, high in _BANDS]
    bands = _columns(*((power * band).sum(axis=(1, 2)) for band in inside))
    octaves = np.log2(np.maximum(waves, 1))
    total = power.sum(axis=(1, 2)) + _LITTLE_POWER
    mean_octave = (power * octaves).sum(axis=(1, 2)) / total
    return np.concatenate([np.log10(bands + _LITTLE_POWER), mean_octave[:, None]], axis=1)


def _composition(planes: _Planes) -> FloatArray:
    luma, saturation = planes.luma, planes.saturation
    centred = luma - _mean(luma)[:, None, None]
    variance = _mean(centred**2) + _LITTLE_POWER
    height, width = luma.shape[1:]
    middle = np.zeros((height, width), dtype=bool)
    middle[height // 4 : height - height // 4, width // 4 : width - width // 4] = True
    # Weights whose sum with a plane is the mean of the middle minus that of the rest.
    contrast = middle / middle.sum() - ~middle / (~middle).sum()
    return _columns(
        _mean(centred * centred[:, :, ::-1]) / variance,
        _mean(centred * centred[:, ::-1]) / variance,
        (luma * contrast).sum(axis=(1, 2)),
        (saturation * contrast).sum(axis=(1, 2)),
    )
