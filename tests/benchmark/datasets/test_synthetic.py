"""The built-in images, drawn with a known truth.

Also tests `benchmark.datasets.synthetic.dataset` and `benchmark.datasets.synthetic.painting`.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmark.datasets import load_dataset
from benchmark.datasets.synthetic import dataset as synthetic_module
from benchmark.datasets.synthetic.dataset import (
    EMOTION6_LABELS,
    FACTOR_NAMES,
    RATERS,
    draw_factors,
    draw_images,
    draw_votes,
    emotion_scores,
    latent_distributions,
    load_synthetic,
)
from benchmark.datasets.synthetic.painting import mix_colours, star_distance, wave_field
from benchmark.errors import UsageError
from features.images.statistics import STATISTIC_NAMES


def kl(D, P):
    P = np.broadcast_to(P, D.shape)
    return np.mean(np.sum(D * np.log(np.maximum(D, 1e-10) / np.maximum(P, 1e-10)), axis=1))


def column(name):
    return FACTOR_NAMES.index(name)


@pytest.fixture(scope="module")
def dataset():
    return load_synthetic(240, 32)


@pytest.fixture(scope="module")
def factors():
    return draw_factors(6, seed=5)


def test_labels_are_emotion6s():
    assert EMOTION6_LABELS == (
        "anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral"
    )  # fmt: skip


def test_a_small_set_is_the_beginning_of_a_larger_one():
    small, large = load_synthetic(5, 16), load_synthetic(9, 16)
    for attribute in ("D", "X", "latent"):
        np.testing.assert_array_equal(getattr(large, attribute)[:5], getattr(small, attribute))
    assert large.ids[:5] == small.ids
    for row in (4, 2):
        np.testing.assert_array_equal(large.images.load(row, 32), small.images.load(row, 32))


def test_images_are_drawn_by_row(factors):
    everything = draw_images(factors, 24, seed=5)
    assert everything.shape == (6, 24, 24, 3)
    assert everything.dtype == np.uint8
    some = draw_images(factors, 24, seed=5, rows=[3, 0, 3])
    assert some.tobytes() == everything[[3, 0, 3]].tobytes()
    assert draw_images(factors, 24, seed=5, rows=[]).shape == (0, 24, 24, 3)


def test_the_seed_decides_everything(factors):
    np.testing.assert_array_equal(draw_factors(6, 5), factors)
    assert not np.isclose(draw_factors(6, 6), factors).any()
    assert draw_images(factors, 16, 1).tobytes() == draw_images(factors, 16, 1).tobytes()
    assert draw_images(factors, 16, 1).tobytes() != draw_images(factors, 16, 2).tobytes()
    latent = np.full((30, 7), 1 / 7)
    np.testing.assert_array_equal(draw_votes(latent, 1), draw_votes(latent, 1))
    assert (draw_votes(latent, 1) != draw_votes(latent, 2)).any()


def test_items_differ_in_their_draws():
    same_factors = np.full((3, len(FACTOR_NAMES)), 0.5)
    images = draw_images(same_factors, 16, seed=0)
    assert len({image.tobytes() for image in images}) == 3
    assert len(np.unique(draw_factors(500, 0))) == 500 * len(FACTOR_NAMES)


def test_the_scene_does_not_depend_on_the_resolution(factors):
    large = draw_images(factors, 128, seed=5).astype(float)
    averaged = large.reshape(6, 64, 2, 64, 2, 3).mean(axis=(2, 4))
    small = draw_images(factors, 64, seed=5).astype(float)
    assert np.abs(averaged - small).mean(axis=(1, 2, 3)).max() < 1.5
    # The images themselves differ far more from each other.
    assert np.abs(small[1:] - small[:-1]).mean(axis=(1, 2, 3)).min() > 15


@pytest.mark.parametrize("size", [1, 2, 7])
def test_any_size_can_be_drawn(factors, size):
    assert draw_images(factors, size, 0).shape == (6, size, size, 3)


@pytest.mark.parametrize("corner", [0.0, 1.0])
def test_extreme_factors(corner):
    table = np.vstack([np.full(8, corner), np.eye(8), 1 - np.eye(8)])
    assert np.isfinite(latent_distributions(table)).all()
    assert draw_images(table, 16, 0).shape == (17, 16, 16, 3)


@pytest.mark.parametrize("name", FACTOR_NAMES)
def test_each_factor_shows(name):
    table = np.full((1, 8), 0.5)
    changed = table.copy()
    changed[0, column(name)] = 0.9
    before, after = (draw_images(t, 48, seed=3).astype(float) for t in (table, changed))
    assert np.abs(after - before).mean() > 2
    assert np.abs(latent_distributions(changed) - latent_distributions(table)).max() > 0.005


# Copied from what the docstring of emotion_scores promises.
RISES = {
    "anger": "saturation angularity contrast",
    "disgust": "fineness saturation",
    "fear": "contrast angularity",
    "joy": "brightness saturation",
    "sadness": "",
    "surprise": "brightness saturation contrast number variety",
    "neutral": "",
}
FALLS = {
    "anger": "",
    "disgust": "brightness angularity",
    "fear": "brightness",
    "joy": "angularity",
    "sadness": "brightness saturation contrast number angularity",
    "surprise": "",
    "neutral": "saturation contrast number fineness variety",
}


@pytest.mark.parametrize("label", EMOTION6_LABELS)
def test_scores_rise_and_fall_as_documented(label):
    table = draw_factors(200, seed=8)
    before = emotion_scores(table)[:, EMOTION6_LABELS.index(label)]
    for name in set(FACTOR_NAMES) - {"hue"}:
        raised = table.copy()
        raised[:, column(name)] += 0.1
        change = emotion_scores(raised)[:, EMOTION6_LABELS.index(label)] - before
        if name in RISES[label].split():
            assert change.min() > 0, name
        elif name in FALLS[label].split():
            assert change.max() < 0, name
        else:
            np.testing.assert_allclose(change, 0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("label", "hue"), [("anger", 0.07), ("joy", 0.25), ("disgust", 0.34), ("sadness", 0.74)]
)
def test_each_emotion_has_its_hue(label, hue):
    table = np.tile(draw_factors(1, seed=1), (100, 1))
    table[:, column("hue")] = np.arange(100) / 100
    scores = emotion_scores(table)[:, EMOTION6_LABELS.index(label)]
    assert scores.argmax() == round(100 * hue)


def test_latent_distributions_are_a_softmax_of_the_scores():
    table = draw_factors(50, seed=2)
    latent = latent_distributions(table)
    np.testing.assert_allclose(latent.sum(axis=1), 1)
    assert latent.min() > 0
    # Log odds of two labels are the difference of scores, stretched and shifted the same way.
    odds = np.log(latent[:, 0] / latent[:, 3])
    difference = np.subtract(*emotion_scores(table)[:, [0, 3]].T)
    slope, _ = np.polyfit(difference, odds, 1)
    assert slope > 0
    np.testing.assert_allclose(np.corrcoef(difference, odds)[0, 1], 1)


def test_votes_are_shares_of_fifteen_raters():
    latent = latent_distributions(draw_factors(300, seed=4))
    votes = draw_votes(latent, seed=4)
    counts = votes * 15
    np.testing.assert_allclose(counts, counts.round(), atol=1e-12)
    np.testing.assert_allclose(votes.sum(axis=1), 1, atol=1e-12)
    assert (votes == 0).any()
    # The mean of the votes is the latent share, with the binomial's deviation.
    deviation = np.sqrt((latent * (1 - latent)).sum(axis=0) / RATERS) / len(latent)
    assert (np.abs(votes.mean(axis=0) - latent.mean(axis=0)) < 4 * deviation).all()


def test_the_set_is_as_hard_as_a_real_one():
    latent = latent_distributions(draw_factors(600, seed=0))
    votes = draw_votes(latent, seed=0)
    assert 0.6 < kl(votes, np.full(7, 1 / 7)) < 0.8
    assert kl(votes, latent) < 0.35 * kl(votes, votes.mean(axis=0))
    assert 0.25 < (votes == 0).mean() < 0.36
    for distributions in (latent, votes):
        assert np.bincount(distributions.argmax(axis=1), minlength=7).min() > 0.05 * 600


def test_statistics_recover_the_factors(dataset):
    factors = draw_factors(240, seed=0)
    for name, statistic, least in (
        ("brightness", "luma_q50", 0.95),
        ("saturation", "colourfulness", 0.85),
        ("contrast", "luma_std", 0.8),
        ("variety", "hue_concentration", -0.6),
        ("number", "mean_frequency", 0.4),
        ("angularity", "corner_share", 0.4),
    ):
        values = dataset.X[:, STATISTIC_NAMES.index(statistic)]
        found = spearmanr(values, factors[:, column(name)]).statistic
        assert found * np.sign(least) > abs(least), name


def test_neighbours_in_the_statistics_beat_the_mean(dataset):
    Z = (dataset.X - dataset.X.mean(axis=0)) / dataset.X.std(axis=0)
    train, held_out = slice(0, 180), slice(180, 240)
    distances = ((Z[held_out, None] - Z[None, train]) ** 2).sum(axis=2)
    nearest = distances.argsort(axis=1)[:, :15]
    predicted = dataset.D[train][nearest].mean(axis=1)
    truth = dataset.D[held_out]
    mean, oracle = kl(truth, dataset.D[train].mean(axis=0)), kl(truth, dataset.latent[held_out])
    assert oracle < kl(truth, predicted) < 0.8 * mean


def test_the_dataset(dataset):
    assert dataset.label_names == EMOTION6_LABELS
    assert dataset.X.shape == (240, len(STATISTIC_NAMES))
    assert dataset.latent.shape == dataset.D.shape == (240, 7)
    assert dataset.images.load(7, 32).shape == (32, 32, 3)
    assert (dataset.X.std(axis=0) > 0).all()


def test_loaded_by_name():
    loaded = load_dataset("synthetic:3x16")
    assert loaded.D.shape == (3, 7)
    assert loaded.images.load(0, 16).shape == (16, 16, 3)
    # What the built-in name stands for.
    defaults = inspect.signature(load_synthetic).parameters
    assert (defaults["n"].default, defaults["size"].default) == (600, 64)


def test_requests_without_meaning(factors):
    with pytest.raises(ValueError, match="there is no row 6: rows are 0 to 5"):
        draw_images(factors, 16, 0, rows=[2, 6])
    with pytest.raises(ValueError, match="there is no row -1"):
        draw_images(factors, 16, 0, rows=[-1])
    with pytest.raises(ValueError, match="at least 1 pixel per side, not 0"):
        draw_images(factors, 0, 0)
    with pytest.raises(UsageError, match="not 0 of 64"):
        load_synthetic(0)
    with pytest.raises(UsageError, match="8 pixels per side, not 10 of 4"):
        load_synthetic(10, 4)


def test_the_module_draws_nothing_when_imported():
    assert not [
        name
        for name, value in vars(synthetic_module).items()
        if isinstance(value, np.random.Generator)
    ]


def test_mixed_colours_are_those_of_the_colour_space():
    # Chroma 0 is grey of the wanted lightness: its luminance is the cube of L.
    lightness = np.array([0.2, 0.5, 0.9])
    grey = mix_colours(lightness, 0.0, np.array([0.1, 0.4, 0.8]))
    linear = np.where(grey <= 0.04045, grey / 12.92, ((grey + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(linear, np.tile(lightness**3, (3, 1)), rtol=1e-4)
    # The most colourful red and green at the lightness and hue that OKLCh gives the primaries.
    primaries = mix_colours(np.array([0.62796, 0.86644]), 1.0, np.array([29.234, 142.495]) / 360)
    np.testing.assert_allclose(primaries, np.eye(3)[:, :2], atol=0.03)


@pytest.mark.parametrize("depth", [0.0, 0.5, 0.8])
def test_star_distance_against_the_outline(depth):
    # Corners in turn: a tip at radius 0.4, then the inner corner half a point further round.
    points, tip = 5, 0.4
    half = np.pi / points
    # A polygon's edge meets the half-way direction at cos(half), a needle's at 0, by the slope.
    slope = np.pi / 2 - depth * (np.pi / 2 - half)
    inner = tip * (np.cos(half) - np.sin(half) / np.tan(slope))
    angle = half * np.arange(2 * points + 1)
    reach = np.where(np.arange(2 * points + 1) % 2 == 0, tip, inner)
    corners = reach[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
    part = np.linspace(0, 1, 800)[:, None, None]
    outline = (corners[:-1] * (1 - part) + corners[1:] * part).reshape(-1, 2)
    at = np.random.default_rng(0).uniform(-0.6, 0.6, size=(200, 2))
    expected = np.sqrt(((at[:, None] - outline) ** 2).sum(axis=2).min(axis=1))
    found = star_distance(at[:, 0], at[:, 1], tip, points, depth, rounding=0.0)
    np.testing.assert_allclose(np.abs(found), expected, atol=1e-3)
    # Inside are the points from which a ray upwards crosses the outline an odd number of times.
    (x0, y0), (x1, y1) = corners[:-1].T[:, :, None], corners[1:].T[:, :, None]
    x, y = at.T
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = y0 + (x - x0) / (x1 - x0) * (y1 - y0)
    crossed = ((x0 < x) != (x1 < x)) & (crossing > y)
    np.testing.assert_array_equal(found < 0, crossed.sum(axis=0) % 2 == 1)
    assert (inner == pytest.approx(tip * np.cos(half))) == (depth == 0)


def test_a_fully_rounded_star_is_a_disc():
    x, y = np.random.default_rng(1).uniform(-1, 1, size=(2, 100))
    found = star_distance(x, y, 0.3, 6, 0.0, rounding=1.0)
    np.testing.assert_allclose(found, np.hypot(x, y) - 0.3, atol=1e-12)


def test_wave_field_is_what_pixels_average():
    fine = wave_field(256, 6.0, np.random.default_rng(2))
    coarse = wave_field(16, 6.0, np.random.default_rng(2))
    averaged = fine.reshape(16, 16, 16, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(coarse, averaged, atol=2e-3)
    assert 0.5 < fine.var() < 1.5
