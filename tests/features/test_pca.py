"""PCA inside a fold: the components of scikit-learn, of the right rows, once per setting."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from read_only_disk import read_only
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

import features.pca
from features.pca import principal_directions, reduce
from features.storage.build_shards import ArrayPlan, build_shards
from features.storage.files import write_arrays

TRAIN, TEST = np.arange(0, 60), np.arange(60, 80)


def activations(n=80, q=120, seed=0):
    """Rectified and correlated, like the fully connected layers of a network."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 40)) * np.arange(1, 41) ** -0.5
    return np.maximum(hidden @ rng.normal(size=(40, q)) + 0.3, 0).astype(np.float32)


def sharded(array, folder):
    plan = ArrayPlan({"seed": 0}, len(array), array.shape[1:], array.dtype, 7)
    return build_shards(folder, plan, lambda rows: [array[rows.start : rows.stop]])


def expected(array, fitted, rows, n_components):
    """The full SVD of scikit-learn in double precision."""
    with threadpool_limits(1):
        pca = PCA(n_components, svd_solver="full").fit(array[fitted].astype(np.float64))
        return pca.transform(array[rows].astype(np.float64))


def assert_close(got, wanted):
    """Equal up to the sign of each column, to 1e-5 of the column's norm."""
    assert got.shape == wanted.shape
    signs = np.sign((got * wanted).sum(axis=0))
    error = np.linalg.norm(got * signs - wanted, axis=0)
    assert (error <= 1e-5 * np.linalg.norm(wanted, axis=0)).all()


# more features than rows, fewer, and as many
@pytest.mark.parametrize("q", [120, 25, 60])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scope", ["fold", "dataset"])
def test_components_are_those_of_the_full_svd(q, dtype, scope):
    array = activations(q=q).astype(dtype)
    fitted = TRAIN if scope == "fold" else np.arange(80)
    train, test = reduce(array, TRAIN, TEST, 15, scope)
    assert train.dtype == test.dtype == np.float64
    assert_close(train, expected(array, fitted, TRAIN, 15))
    assert_close(test, expected(array, fitted, TEST, 15))


def test_small_components_are_exact_too():
    """Where squaring the data would lose them: deviations over six decades, wide and tall."""
    rng = np.random.default_rng(1)
    for n, q in ((30, 40), (400, 20)):
        array = rng.normal(size=(n, q)) * 10.0 ** -np.linspace(0, 5, q)
        got, _ = reduce(array, np.arange(n), [], 15)
        assert_close(got, expected(array, np.arange(n), np.arange(n), 15))


def test_tall_arrays_are_read_in_chunks(tmp_path, monkeypatch):
    array = activations(500, 30)
    largest = []

    class Watched:
        shape, dtype = array.shape, array.dtype

        def __getitem__(self, index):
            largest.append(len(array[index]))
            return array[index]

    monkeypatch.setattr(features.pca, "_CHUNK", 64)
    got, _ = reduce(Watched(), np.arange(500), [], 10)
    assert max(largest) == 64
    assert_close(got, expected(array, np.arange(500), np.arange(500), 10))
    dependent = np.hstack([array, array[:, :5]])  # this takes the singular value decomposition
    mean, directions = principal_directions(dependent, np.arange(500), 35)
    assert directions.shape == (35, 30)
    got = (dependent - mean) @ directions
    assert_close(got, expected(dependent, np.arange(500), np.arange(500), 30))


@pytest.mark.parametrize("shape", [(40, 60), (60, 40)])
def test_directions_are_orthonormal_with_their_largest_entry_positive(shape):
    array = activations(*shape)
    mean, directions = principal_directions(array, np.arange(len(array)), 20)
    assert np.allclose(mean, array.mean(axis=0, dtype=np.float64))
    assert np.allclose(directions.T @ directions, np.eye(20), atol=1e-9)
    assert (directions.max(axis=0) > -directions.min(axis=0)).all()
    spread = ((array - mean) @ directions).std(axis=0)
    assert (np.diff(spread) <= 0).all()


def test_test_rows_shape_nothing_inside_a_fold():
    array = activations()
    changed = array.copy()
    changed[TEST] = 5 * activations(seed=1)[TEST]
    before, after = reduce(array, TRAIN, TEST, 9), reduce(changed, TRAIN, TEST, 9)
    assert np.array_equal(before[0], after[0])
    assert not np.allclose(before[1], after[1])
    leaking = [reduce(x, TRAIN, TEST, 9, "dataset")[0] for x in (array, changed)]
    assert not np.allclose(leaking[0], leaking[1])


@pytest.mark.parametrize(
    ("array", "count"),
    [
        (activations(q=12), 12),  # no more than features
        (activations(n=21), 20),  # no more than rows less one
        (np.repeat(activations(10), 3, axis=0), 9),  # repeated rows
        (np.hstack([activations(q=9)] * 3), 9),  # repeated features
        (np.hstack([activations(q=9), np.zeros((80, 20))]), 9),  # features that never fire
        (activations() * 1e-30, 59),  # however small
    ],
)
def test_there_are_no_more_components_than_dimensions(array, count):
    rows = np.arange(min(len(array), 60))
    train, test = reduce(array, rows, rows[:4], 280)
    assert train.shape == (len(rows), count)
    assert_close(test, train[:4])
    assert_close(train, expected(array, rows, rows, count))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_equal_rows_have_no_components(value):
    for shape in ((5, 7), (3000, 7)):
        with pytest.raises(ValueError, match="rows to fit are all equal"):
            reduce(np.full(shape, value), np.arange(shape[0]), [], 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scope": "all"}, "scope of PCA must be 'fold' or 'dataset', not 'all'"),
        ({"n_components": 0}, "at least 1 component"),
        ({"features": np.zeros((3, 2, 2))}, r"not an array of shape \(3, 2, 2\)"),
        ({"train": [3]}, "at least 2 rows to fit, not 1"),
        ({"train": [0.5, 1.5]}, "whole numbers"),
        ({"train": np.zeros(80, bool)}, "whole numbers"),
    ],
)
def test_what_has_no_meaning_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        reduce(**{"features": activations(), "train": TRAIN, "test": TEST, **arguments})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite_are_named_by_row(bad):
    array = activations()
    array[[3, 70], 5] = bad
    with pytest.raises(ValueError, match=r"NaN or infinite in rows 3 \(from 0\)"):
        reduce(array, TRAIN, TEST)
    with pytest.raises(ValueError, match=r"NaN or infinite in rows 70"):
        reduce(array, TRAIN[4:], TEST)
    array[10:20, 0] = bad
    with pytest.raises(ValueError, match="in rows 3, 10, 11, 12, 13 and 6 more"):
        reduce(array, TRAIN, TEST)


def test_the_cache_gives_the_same_bits_without_computing(tmp_path, monkeypatch):
    array = activations()
    for name, given in (("plain", array), ("sharded", sharded(array, tmp_path / "shards"))):
        cache = tmp_path / name
        plain = reduce(array, TRAIN, TEST, 9)
        first = reduce(given, TRAIN, TEST, 9, cache=cache)
        with monkeypatch.context() as patch:
            patch.setattr(features.pca, "principal_directions", None)
            second = reduce(given, TRAIN, TEST, 9, cache=cache)
        for one in (first, second):
            assert np.array_equal(one[0], plain[0])
            assert np.array_equal(one[1], plain[1])
        (file,) = cache.glob("*.npz")
        file.write_bytes(file.read_bytes()[:-100])
        (cache / ".partial-of-a-killed-process").touch()
        repaired = reduce(given, TRAIN, TEST, 9, cache=cache)
        assert np.array_equal(repaired[0], plain[0])
        assert not list(cache.glob(".partial-*"))
        with monkeypatch.context() as patch:
            patch.setattr(features.pca, "principal_directions", None)
            assert np.array_equal(reduce(given, TRAIN, TEST, 9, cache=cache)[1], plain[1])


def test_each_setting_has_its_own_cache_entry(tmp_path):
    array = activations()
    settings = [
        (array, TRAIN, TEST, 9, "fold"),
        (array, TRAIN, TEST, 9, "dataset"),
        (array, TRAIN, TEST, 8, "fold"),
        (array, TRAIN[:-1], TEST, 9, "fold"),
        (array, TRAIN, TEST[::-1], 9, "fold"),
        (array, TRAIN[:-1], np.append(TRAIN[-1], TEST), 9, "fold"),
        (array + 1, TRAIN, TEST, 9, "fold"),
        (sharded(array, tmp_path / "shards"), TRAIN, TEST, 9, "fold"),
    ]
    for number, setting in enumerate(settings, 1):
        got = reduce(*setting, cache=tmp_path / "cache")
        wanted = reduce(*setting)
        assert np.array_equal(got[0], wanted[0])
        assert np.array_equal(got[1], wanted[1])
        assert len(list((tmp_path / "cache").glob("*.npz"))) == number


def test_the_number_of_threads_changes_no_bit():
    array = activations(300, 500)
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(reduce(array, np.arange(250), np.arange(250, 300), 50))
    assert np.array_equal(results[0][0], results[1][0])
    assert np.array_equal(results[0][1], results[1][1])


REDUCE = """
import sys, time
from pathlib import Path
import numpy as np
import features.pca

folder, find = Path(sys.argv[1]), features.pca.principal_directions

def slowly(*arguments):
    print("computing", flush=True)
    while not (folder / "go").exists():
        time.sleep(0.01)
    return find(*arguments)

features.pca.principal_directions = slowly
array = np.random.default_rng(0).normal(size=(30, 8))
wait = features.pca.locked
features.pca.locked = lambda path: wait(path, lambda text: print(text, flush=True))
features.pca.reduce(array, range(20), range(20, 30), 4, cache=folder / "cache")
"""


def test_a_second_process_waits_and_computes_nothing(tmp_path):
    command = [sys.executable, "-c", REDUCE, str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "computing\n"
    second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = second.stdout.readline()
    (tmp_path / "go").touch()
    assert said.startswith("waiting for another process that works in")
    assert (first.communicate()[0], second.communicate()[0]) == ("", "")
    assert (first.returncode, second.returncode) == (0, 0)


def test_components_on_a_read_only_disk_are_read_or_computed_without_being_kept(tmp_path):
    X = np.random.default_rng(0).normal(size=(50, 6))
    train, test = np.arange(30), np.arange(30, 50)
    first = reduce(X, train, test, 3, cache=tmp_path / "cache")
    files = sorted((tmp_path / "cache").iterdir())
    with read_only(tmp_path / "cache"):
        assert np.array_equal(reduce(X, train, test, 3, cache=tmp_path / "cache")[0], first[0])
        other = reduce(X, train, test, 4, cache=tmp_path / "cache")
    assert np.array_equal(other[0], reduce(X, train, test, 4)[0])
    assert sorted((tmp_path / "cache").iterdir()) == files


def test_stored_components_of_another_shape_are_computed_anew(tmp_path):
    X = np.random.default_rng(0).normal(size=(50, 6))
    train, test = np.arange(30), np.arange(30, 50)
    expected = reduce(X, train, test, 3, cache=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    for arrays in ({"train": expected[0]}, {"train": expected[0], "test": np.array("x")}):
        write_arrays(path, arrays)
        assert np.array_equal(reduce(X, train, test, 3, cache=tmp_path)[1], expected[1])
