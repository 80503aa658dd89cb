"""The emotion wheel: distances between emotions, and the prior distributions they give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.arrays import FloatArray

#: Mikels' eight emotions in their order round the wheel; the last is next to the first.
MIKELS = (
    "amusement",
    "contentment",
    "awe",
    "excitement",
    "fear",
    "sadness",
    "disgust",
    "anger",
)

#: The label that has no place on the wheel.
NEUTRAL = "neutral"

#: Other names of emotions on the wheel: those of Emotion6, and the short forms in image sets.
ALIASES = {
    "joy": "amusement",
    "surprise": "awe",
    "sad": "sadness",
    "content": "contentment",
}

#: What `wheel_distances` has in place of a distance between neutral and an emotion.
OFF_WHEEL = -1

#: Steps from the wheel's centre to every emotion: half of the 4 steps between opposite
#: emotions, which is also the mean distance between two emotions drawn at random.
CENTRE_DISTANCE = 2

#: What sigma = 0 means; smaller values give the same one-hot rows.
SMALLEST_SIGMA = 1e-10


def wheel_distances(labels: Sequence[str]) -> NDArray[np.int64]:
    """Count the steps between emotions along the shorter way round the wheel.

    Parameters
    ----------
    labels : sequence of str
        C names out of `MIKELS`, `ALIASES` and `NEUTRAL`; case and outer spaces do not matter.
        Distances are those of the full wheel whichever emotions are named.

    Returns
    -------
    ndarray of shape (C, C), int64
        Symmetric, 0 to 4, 0 on the diagonal only. Between neutral and an emotion there is no
        distance: `OFF_WHEEL`.

    Raises
    ------
    ValueError
        No label, an unknown label, or two labels for the same emotion.
    """
    names = _canonical(labels)
    places = np.array([MIKELS.index(name) if name != NEUTRAL else OFF_WHEEL for name in names])
    apart = np.abs(places[:, None] - places)
    distances = np.minimum(apart, len(MIKELS) - apart)
    off = places == OFF_WHEEL
    distances[off[:, None] != off] = OFF_WHEEL
    return distances.astype(np.int64)


def prior_distributions(
    labels: Sequence[str], sigma: float, neutral: str = "isolated"
) -> FloatArray:
    """Spread each emotion over its neighbours on the wheel with a discrete Gaussian.

    Row mu is f_mu = g / sum(g) with
    g_j = exp(-dist(j, mu)^2 / (2 sigma^2)) / (sqrt(2 pi) sigma)
    (Lai, Wan, Zeng 2022, eq. 1-2). The factor before the exponential cancels. The largest
    exponent of a row is that of mu itself, 0, so its sum is at least 1 for any sigma.

    Parameters
    ----------
    labels : sequence of str
        C names, as in `wheel_distances`.
    sigma : float
        Width in steps; 0 means `SMALLEST_SIGMA`, which makes every row one-hot.
    neutral : {"isolated", "centre"}
        Where neutral lies: its row is itself alone and others give it nothing, or it is
        `CENTRE_DISTANCE` steps from every emotion.

    Returns
    -------
    ndarray of shape (C, C), float64
        Rows on the simplex.

    Raises
    ------
    ValueError
        As `wheel_distances`; sigma is negative, NaN or no number; or an unknown `neutral`.
    """
    if neutral not in ("isolated", "centre"):
        raise ValueError(f"neutral must be 'isolated' or 'centre', not {neutral!r}")
    distances = wheel_distances(labels)
    off_wheel = float(CENTRE_DISTANCE) if neutral == "centre" else np.inf
    steps = np.where(distances == OFF_WHEEL, off_wheel, distances)
    width = min(_checked_sigma(sigma), np.finfo(np.float64).max)
    weights = np.exp(-0.5 * (steps / width) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)


def _checked_sigma(sigma: float) -> float:
    try:
        value = float(sigma)
    except (TypeError, ValueError):
        value = np.nan
    if not value >= 0:  # catches NaN too
        raise ValueError(f"sigma must be a number of wheel steps, 0 or larger, not {sigma!r}")
    return max(value, SMALLEST_SIGMA)


def _canonical(labels: Sequence[str]) -> list[str]:
    lowered = [str(label).strip().lower() for label in labels]
    names = [ALIASES.get(name, name) for name in lowered]
    accepted = ", ".join((*MIKELS, *ALIASES, NEUTRAL))
    if not names:
        raise ValueError(f"no labels given; accepted are {accepted}")
    unknown = [
        repr(label)
        for label, name in zip(labels, names, strict=True)
        if name not in (*MIKELS, NEUTRAL)
    ]
    if unknown:
        raise ValueError(
            f"the emotion wheel has no place for {', '.join(unknown)}; accepted are {accepted}"
        )
    for name in names:
        if names.count(name) > 1:
            rivals = zip(labels, names, strict=True)
            same = " and ".join(repr(label) for label, other in rivals if other == name)
            raise ValueError(f"{same} name the same emotion, {name}; give it once")
    return names
