"""Image sets as datasets: rows, spread labels, damaged and repeated images, and what is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
from miniature import EMOTION6, make_abstract, make_artphoto, make_emoset, make_emotion6

from benchmark.datasets import load_dataset, loading
from benchmark.errors import BenchmarkError, UsageError
from features.images import checking
from features.images.decoding import decode
from features.storage.files import read_json

# Steps round the wheel from each label, in the order of the set's labels: amusement, anger, awe,
# contentment, disgust, excitement, fear, sadness.
STEPS_FROM_FEAR = [4, 3, 2, 3, 2, 1, 0, 1]
STEPS_FROM_ANGER = [1, 0, 3, 2, 1, 4, 3, 2]


@pytest.fixture
def emotion6(tmp_path, change_set):
    """A complete miniature Emotion6 of 24 images below tmp_path / "data"."""
    change_set("Emotion6", images=24)
    return make_emotion6(tmp_path / "data", size=12)


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files read so far, to be decoded or to be hashed."""
    names = []

    def counting(function):
        def read(path):
            names.append(path.name)
            return function(path)

        return read

    for name in ("read_image", "_hash"):
        monkeypatch.setattr(checking, name, counting(getattr(checking, name)))
    return names


def spoil(folder):
    """Damage three images of Emotion6 in three ways."""
    images = folder / "images"
    photo = images / "anger" / "2.jpg"
    photo.write_bytes(photo.read_bytes()[:-200])
    (images / "fear" / "1.jpg").write_text("<html>404 Not Found</html>")
    (images / "joy" / "4.jpg").write_bytes(b"")


def refused(*arguments, **options):
    with pytest.raises(UsageError) as caught:
        load_dataset(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_emotion6(emotion6):
    loaded = load_dataset("emotion6", emotion6.parent)
    table = np.loadtxt(emotion6 / "ground_truth.txt", dtype=str, skiprows=1)
    assert loaded.name == "Emotion6"
    assert loaded.label_names == (*EMOTION6, "neutral")
    assert np.array_equal(loaded.D, table[:, 3:].astype(float))
    assert loaded.ids == tuple(table[:, 0])
    assert (loaded.X, loaded.sigma, loaded.notes) == (None, None, ())
    assert loaded.source == str(emotion6)
    assert len(loaded.images) == 24
    assert np.array_equal(loaded.images.load(9, 8), decode(emotion6 / "images/fear/2.jpg", 8))


def test_an_incomplete_set_is_noted(tmp_path):
    make_emotion6(tmp_path, size=12)
    assert load_dataset("Emotion6", tmp_path).notes == ("24 images; the full set has 1,980",)
    make_abstract(tmp_path, size=12)
    notes = load_dataset("Abstract", tmp_path).notes
    assert notes[-1] == "10 images; the full set has 280"


def test_the_rated_part_of_abstract_is_complete(tmp_path, change_set):
    make_abstract(tmp_path, size=12)
    change_set("Abstract", rated=10)
    loaded = load_dataset("Abstract", tmp_path)
    assert loaded.raters.tolist() == [14] * 10
    assert len(loaded.ids) == 10
    assert not any("full set" in note for note in loaded.notes)


def spread(steps, sigma):
    """Equations 1 and 2 of the paper."""
    g = [math.exp(-(d**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma) for d in steps]
    return [value / sum(g) for value in g]


@pytest.mark.parametrize(("written", "sigma"), [("ArtPhoto", 0.6), ("artphoto:0.4", 0.4)])
def test_single_labels_are_spread_over_the_wheel(tmp_path, change_set, written, sigma):
    make_artphoto(tmp_path, per_class=2, size=12)
    change_set("ArtPhoto", images=16)
    loaded = load_dataset(written, tmp_path)
    assert loaded.D.shape == (16, 8)
    assert loaded.D[loaded.ids.index("fear_0002.jpg")] == pytest.approx(
        spread(STEPS_FROM_FEAR, sigma), rel=1e-9
    )
    assert loaded.D[loaded.ids.index("anger_0001.jpg")] == pytest.approx(
        spread(STEPS_FROM_ANGER, sigma), rel=1e-9
    )
    assert loaded.sigma == sigma
    assert loaded.notes == (f"single labels, spread over the emotion wheel with sigma {sigma}",)


def test_the_values_that_the_paper_prints(tmp_path):
    make_artphoto(tmp_path, per_class=1, size=12)
    loaded = load_dataset("ArtPhoto", tmp_path)
    row = dict(zip(loaded.label_names, loaded.D[loaded.ids.index("fear_0001.jpg")], strict=True))
    printed = {
        "amusement": 1.48e-10, "contentment": 2.47e-6, "awe": 2.57e-3, "excitement": 1.66e-1,
        "fear": 6.64e-1, "sadness": 1.66e-1, "disgust": 2.57e-3, "anger": 2.47e-6,
    }  # fmt: skip
    assert row == pytest.approx(printed, rel=5e-3)


def test_sigma_0_and_the_names_of_datasets(tmp_path):
    make_emoset(tmp_path, per_class=3, size=12)
    loaded = load_dataset("EmoSet:0", tmp_path)
    assert np.array_equal(loaded.D, np.vstack([np.eye(8)] * 3))
    assert loaded.ids[8] == "val:image/amusement/amusement_00001.jpg"
    assert (loaded.name, loaded.sigma) == ("EmoSet-sigma0", 0.0)
    assert loaded.given_folds.tolist() == [-1] * 16 + [0] * 8  # its own split
    assert "8 rows are for validation in the given split, and learned from here" in loaded.notes
    assert load_dataset("EmoSet", tmp_path).name == "EmoSet"
    assert load_dataset("EmoSet:0.25", tmp_path).name == "EmoSet-sigma0.25"
    fingerprints = {load_dataset(f"EmoSet{s}", tmp_path).fingerprint for s in ("", ":0.6", ":0.5")}
    assert len(fingerprints) == 2


def test_damaged_images_are_reported_all_at_once(emotion6):
    spoil(emotion6)
    text = refused("Emotion6", emotion6.parent)
    assert text.startswith(f"Emotion6 in {emotion6}: 3 images cannot be decoded; ")
    assert "--skip-unreadable" in text
    assert "anger/2.jpg: it is damaged or cut off" in text
    assert "fear/1.jpg: it is not a JPEG, PNG," in text
    assert "joy/4.jpg: the file is empty" in text
    assert text.count(".jpg") == 3


def test_many_damaged_images_are_counted(tmp_path):
    folder = make_artphoto(tmp_path, per_class=13, size=4)
    for path in folder.iterdir():
        path.write_bytes(b"")
    text = refused("ArtPhoto", tmp_path)
    assert "104 images cannot be decoded" in text
    assert text.count(".jpg: the file is empty") == 100
    assert text.endswith("; and 4 more)")


def test_damaged_images_end_a_command_with_one_sentence(emotion6, command):
    spoil(emotion6)
    done = command("run", "AA-kNN", "--dataset", "Emotion6")
    assert done.returncode == 2
    error = done.stderr.splitlines()[-1]
    assert error.startswith("Error: Emotion6 in data/Emotion6: 3 images cannot be decoded; ")
    assert "joy/4.jpg: the file is empty" in error
    assert done.stderr.count("cannot be decoded") == 1


def test_damaged_images_can_be_left_out(emotion6):
    whole = load_dataset("Emotion6", emotion6.parent)
    spoil(emotion6)
    loaded = load_dataset("Emotion6", emotion6.parent, skip_unreadable=True)
    kept = [i for i, name in enumerate(whole.ids)
            if name not in ("anger/2.jpg", "fear/1.jpg", "joy/4.jpg")]  # fmt: skip
    assert loaded.ids == tuple(whole.ids[i] for i in kept)
    assert np.array_equal(loaded.D, whole.D[kept])
    assert loaded.images.keys == tuple(whole.images.keys[i] for i in kept)
    assert loaded.notes == (
        "left out 3 images that cannot be decoded: anger/2.jpg, fear/1.jpg, joy/4.jpg",
        "21 images; the full set has 24",
    )


@pytest.mark.parametrize("words", [("run", "AA-kNN"), ("features",)])
def test_commands_can_leave_them_out(emotion6, command, monkeypatch, words):
    def load_and_stop(*arguments):
        raise UsageError("; ".join(load(*arguments).notes))

    spoil(emotion6)
    load = loading._load
    monkeypatch.setattr(loading, "_load", load_and_stop)
    done = command(*words, "--dataset", "Emotion6", "--skip-unreadable")
    assert "left out 3 images that cannot be decoded: anger/2.jpg, fear/1.jpg" in done.stderr


def test_the_note_of_many_left_out_is_short(emotion6):
    for number in range(1, 5):
        (emotion6 / "images" / "anger" / f"{number}.jpg").write_bytes(b"")
        (emotion6 / "images" / "fear" / f"{number}.jpg").write_bytes(b"")
    notes = load_dataset("Emotion6", emotion6.parent, skip_unreadable=True).notes
    assert notes[0] == (
        "left out 8 images that cannot be decoded: anger/1.jpg, anger/2.jpg, anger/3.jpg, "
        "anger/4.jpg, fear/1.jpg, ..."
    )


def test_a_set_of_damaged_images_only_is_refused_anyway(emotion6):
    for path in (emotion6 / "images").rglob("*.jpg"):
        path.write_text("gone")
    text = refused("Emotion6", emotion6.parent, skip_unreadable=True)
    assert "24 images cannot be decoded" in text
    assert "--skip-unreadable" not in text


def test_each_image_is_decoded_once_ever(emotion6, decoded, tmp_path):
    cache = tmp_path / "cache"
    first = load_dataset("Emotion6", emotion6.parent, cache)
    assert len(decoded) == 24
    assert len(read_json(cache / "checked" / "Emotion6.json")["files"]) == 24
    again = load_dataset("Emotion6", emotion6.parent, cache)
    assert len(decoded) == 24
    assert again.fingerprint == first.fingerprint
    path = emotion6 / "images" / "fear" / "3.jpg"
    path.write_bytes((emotion6 / "images" / "fear" / "4.jpg").read_bytes())
    changed = load_dataset("Emotion6", emotion6.parent, cache)
    assert decoded[24:] == ["3.jpg"]
    assert changed.fingerprint != first.fingerprint


def test_damaged_images_are_looked_at_again(emotion6, decoded, tmp_path):
    path = emotion6 / "images" / "anger" / "2.jpg"
    sound = path.read_bytes()
    path.write_bytes(sound[:-200])
    for _ in range(2):
        assert "anger/2.jpg" in refused("Emotion6", emotion6.parent, tmp_path / "cache")
    assert decoded[24:] == ["2.jpg"]
    path.write_bytes(sound)
    assert len(load_dataset("Emotion6", emotion6.parent, tmp_path / "cache").ids) == 24


def test_a_cache_that_cannot_be_written(emotion6, tmp_path):
    (tmp_path / "cache").touch()
    with pytest.raises(BenchmarkError, match=r"cannot write .*cache") as caught:
        load_dataset("Emotion6", emotion6.parent, tmp_path / "cache")
    assert caught.value.exit_code == 1


def test_images_that_repeat_another_are_noted(emotion6):
    images = emotion6 / "images"
    for name in ("fear/2.jpg", "joy/3.jpg"):
        (images / name).write_bytes((images / "anger/1.jpg").read_bytes())
    loaded = load_dataset("Emotion6", emotion6.parent)
    assert len(loaded.ids) == 24
    assert loaded.notes == ("2 images repeat another byte for byte",)


def test_progress_counts_every_image(emotion6, tmp_path):
    for _ in range(2):
        counts = []
        load_dataset("Emotion6", emotion6.parent, tmp_path / "cache", progress=counts.append)
        assert sum(counts) == 24


def test_a_set_that_is_not_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = refused("ArtPhoto:0.4")
    assert text.startswith("ArtPhoto is not in data: there is no folder ArtPhoto or testImages_a")
    assert "(ldl-benchmark datasets fetch ArtPhoto)" in text
    text = refused("Emotion6", "elsewhere")
    assert "(ldl-benchmark datasets fetch Emotion6 --data-dir elsewhere)" in text
    assert "ask its authors" in refused("Twitter_LDL", "elsewhere")


def test_a_set_of_one_label_only(tmp_path):
    folder = make_artphoto(tmp_path, per_class=1, size=12)
    for path in folder.iterdir():
        if not path.name.startswith("awe"):
            path.unlink()
    assert "one and the same label" in refused("ArtPhoto:0", tmp_path)
