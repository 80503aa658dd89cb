"""The public image sets: what is known of each, their names, and which of them are here."""

from __future__ import annotations

import os
import shutil

import pytest
from miniature import (
    make_abstract,
    make_artphoto,
    make_emoset,
    make_emotion6,
    make_fi,
    make_flickr,
    make_twitter,
)

from benchmark.datasets.image_sets.catalogue import (
    IMAGE_SETS,
    find_image_set,
    how_to_get,
    known_image_set,
    parse_name,
)
from benchmark.datasets.image_sets.loading import find_folder, status
from benchmark.errors import UsageError
from ewmtcnn.wheel import wheel_distances

# Image files of the miniature sets.
MAKERS = {
    "Emotion6": (make_emotion6, 24),
    "ArtPhoto": (make_artphoto, 32),
    "Abstract": (make_abstract, 12),
    "Flickr_LDL": (make_flickr, 12),
    "Twitter_LDL": (make_twitter, 12),
    "FI": (make_fi, 28),
    "EmoSet": (make_emoset, 24),
}


def state_of(name, data_dir):
    return next(row for row in status(data_dir) if row.name == name)


@pytest.mark.parametrize(
    ("name", "expected", "first", "last"),
    [
        ("Emotion6", "1,980", "anger", "neutral"),
        ("ArtPhoto", "806", "amusement", "sadness"),
        ("Abstract", "280", "amusement", "sadness"),
        ("Flickr_LDL", "about 11,150", "amusement", "sadness"),
        ("Twitter_LDL", "about 10,045", "amusement", "sadness"),
        ("FI", "about 23,000", "amusement", "sadness"),
        ("EmoSet", "118,102", "amusement", "sadness"),
    ],
)
def test_facts(name, expected, first, last):
    image_set = known_image_set(name)
    assert image_set.expected == expected
    assert (image_set.labels[0], image_set.labels[-1]) == (first, last)
    assert wheel_distances(image_set.labels).shape == (len(image_set.labels),) * 2
    assert image_set.citation
    assert "academic" in image_set.licence
    assert bool(image_set.archive) != bool(image_set.obtain)


def test_the_order_of_labels_is_that_of_the_files():
    assert known_image_set("Emotion6").labels == (
        "anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral",
    )  # fmt: skip
    assert known_image_set("Flickr_LDL").labels == known_image_set("Twitter_LDL").labels
    assert known_image_set("Flickr_LDL").labels == (
        "amusement", "awe", "contentment", "excitement", "anger", "disgust", "fear", "sadness",
    )  # fmt: skip


def test_the_classes_of_the_papers_table_1_add_up():
    assert sum(known_image_set("Emotion6").classes.values()) == 1980
    assert sum(known_image_set("ArtPhoto").classes.values()) == 806
    for image_set in IMAGE_SETS:
        assert set(image_set.classes) <= set(image_set.labels)


def test_about_so_many_images_are_reached_with_a_few_less():
    exact, about = known_image_set("Emotion6"), known_image_set("Twitter_LDL")
    assert [exact.has_all(n) for n in (1979, 1980, 1981)] == [False, True, True]
    assert [about.has_all(n) for n in (9000, 9743, 9744, 11000)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("emotion6", "Emotion6"),
        ("EMOTION6", "Emotion6"),
        ("testImages_artphoto", "ArtPhoto"),
        ("flickr-ldl", "Flickr_LDL"),
        ("twitterldl", "Twitter_LDL"),
        ("fi", "FI"),
        ("EmoSet-118K", "EmoSet"),
    ],
)
def test_names(written, name):
    assert known_image_set(written).name == name
    assert parse_name(written) == (known_image_set(name), None)


def test_unknown_names():
    assert find_image_set("Emotion") is None
    assert parse_name("data/Emotion6") is None
    assert parse_name("Emotion7:0.4") is None
    with pytest.raises(UsageError, match=r"no image set named 'Emotion7'.*did you mean 'Emotion6'"):
        known_image_set("Emotion7")


@pytest.mark.parametrize(
    ("written", "sigma"), [("0.4", 0.4), ("0", 0.0), ("2", 2.0), ("1e-3", 1e-3)]
)
def test_a_sigma_after_the_name(written, sigma):
    assert parse_name(f"artphoto:{written}") == (known_image_set("ArtPhoto"), sigma)


@pytest.mark.parametrize("written", ["", "x", "-0.1", "nan", "inf", "1e999", "0.4:0.5"])
def test_a_sigma_that_is_none(written):
    with pytest.raises(
        UsageError, match=r"'ArtPhoto:.*sigma must be a number.*as in ArtPhoto:0\.6"
    ):
        parse_name(f"ArtPhoto:{written}")


def test_distributions_take_no_sigma():
    with pytest.raises(UsageError, match="Flickr_LDL has distributions, so it takes no sigma"):
        parse_name("Flickr_LDL:0.4")


def test_how_to_get():
    assert how_to_get(known_image_set("ArtPhoto")).endswith("datasets fetch ArtPhoto")
    assert how_to_get(known_image_set("Twitter_LDL")).startswith("ask its authors")
    assert how_to_get(known_image_set("FI")).endswith(", see https://qzyou.github.io")


def test_nothing_is_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for place in (None, tmp_path, tmp_path / "none", tmp_path / "file"):
        rows = status(place)
        assert [row.name for row in rows] == list(MAKERS)
        assert {(row.state, row.folder) for row in rows} == {("absent", None)}


@pytest.mark.parametrize("name", MAKERS)
def test_incomplete_and_complete(tmp_path, change_set, name):
    make, images = MAKERS[name]
    folder = make(tmp_path, size=8)
    row = state_of(name, tmp_path)
    assert row.folder == folder
    assert row.state == f"incomplete: {images} of {known_image_set(name).expected} images"
    change_set(name, images=images)
    assert state_of(name, tmp_path).state == "complete"
    next(path for path in folder.rglob("*.jpg") if path.parent.name != "anger").unlink()
    changed = change_set(name, exact=True)
    assert state_of(name, tmp_path).state == f"incomplete: {images - 1} of {images} images"
    assert changed.expected == str(images)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Emotion6", "ground_truth.txt"),
        ("Emotion6", "images"),
        ("Twitter_LDL", "ground_truth.txt"),
        ("Abstract", "ABSTRACT_groundTruth.csv"),
        ("FI", "disgust"),
        ("EmoSet", "val.json"),
    ],
)
def test_a_part_is_missing(tmp_path, change_set, name, part):
    change_set(name, images=1)
    path = MAKERS[name][0](tmp_path, size=8) / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert state_of(name, tmp_path).state == f"incomplete: no {part}"


@pytest.mark.parametrize("depth", ["", "a"])
def test_a_set_lies_up_to_two_levels_below(tmp_path, monkeypatch, depth):
    folder = make_emotion6(tmp_path / depth, per_class=1, size=8)
    assert find_folder(known_image_set("Emotion6"), tmp_path) == folder
    assert find_folder(known_image_set("Emotion6"), folder) == folder
    assert find_folder(known_image_set("ArtPhoto"), tmp_path) is None
    monkeypatch.chdir(folder)
    assert find_folder(known_image_set("Emotion6"), ".").samefile(folder)


def test_no_deeper_and_not_in_hidden_folders(tmp_path):
    make_emotion6(tmp_path / "a" / "b", per_class=1, size=8)
    make_emotion6(tmp_path / ".hidden", per_class=1, size=8)
    assert find_folder(known_image_set("Emotion6"), tmp_path) is None


def test_the_default_place_is_the_folder_data(tmp_path, monkeypatch):
    make_emotion6(tmp_path / "data", per_class=1, size=8)
    monkeypatch.chdir(tmp_path)
    assert find_folder(known_image_set("Emotion6")).samefile(tmp_path / "data" / "Emotion6")


@pytest.mark.parametrize("name", MAKERS)
def test_an_archive_unpacked_into_a_folder_of_its_name(tmp_path, name):
    """As `datasets fetch` and file managers do: Emotion6/Emotion6, ArtPhoto/testImages_artphoto."""
    folder = MAKERS[name][0](tmp_path / name, size=8)
    assert find_folder(known_image_set(name), tmp_path) == folder
    assert find_folder(known_image_set(name), tmp_path / name) == folder


def test_the_list_of_abstract_may_lie_beside_its_images(tmp_path, change_set):
    folder = make_abstract(tmp_path / "Abstract", images=12, size=8)
    path = folder / "ABSTRACT_groundTruth.csv"
    path.rename(folder.parent / path.name)
    change_set("Abstract", images=12)
    row = state_of("Abstract", tmp_path)
    assert (row.folder, row.state) == (folder, "complete")


def test_of_two_folders_the_fuller_one_counts(tmp_path):
    (tmp_path / "a" / "Emotion6" / "images").mkdir(parents=True)
    make_emotion6(tmp_path / "b", per_class=1, size=8)
    fullest = make_emotion6(tmp_path / "c", per_class=2, size=8)
    make_emotion6(tmp_path / "d", per_class=2, size=8)
    assert find_folder(known_image_set("Emotion6"), tmp_path) == fullest


@pytest.fixture
def closed(monkeypatch):
    """Forbid reading folders of a name, also to an administrator."""
    real, names = os.scandir, set()

    def scandir(path="."):
        if os.path.basename(path) in names:  # noqa: PTH119  # of a text or a path
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return names


def test_a_folder_that_cannot_be_read(tmp_path, closed, command):
    make_fi(tmp_path / "data", size=8)
    (tmp_path / "data" / "lost+found").mkdir()
    closed.add("lost+found")
    assert state_of("FI", tmp_path / "data").folder is not None
    closed.add("anger")
    with pytest.raises(UsageError, match=r"data/FI/anger cannot be read: Permission denied"):
        status(tmp_path / "data")
    closed.add("data")
    done = command("datasets")
    assert done.returncode == 2
    assert done.stderr == "Error: data cannot be read: Permission denied\n"


def test_the_list_on_the_terminal(tmp_path, command, change_set):
    make_emotion6(tmp_path / "data", per_class=1, size=8)
    make_artphoto(tmp_path / "data", per_class=1, size=8)
    change_set("ArtPhoto", images=8)
    done = command("datasets")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()]
    lines = {row[0]: " ".join(row) for row in rows}
    assert {"synthetic", "FILE.mat", *MAKERS} <= set(lines)
    assert "incomplete: 6 of 1,980 images" in lines["Emotion6"]
    assert " 8 complete" in lines["ArtPhoto"]
    assert "about 11,150 absent" in lines["Flickr_LDL"]
    for name in MAKERS:
        assert "academic use only; download it yourself" in lines[name]
    assert "ldl-benchmark datasets fetch Emotion6" in lines["Emotion6"]
    assert "ask its authors (Jingyuan Yang" in lines["EmoSet"]
    assert "118,102 absent" in lines["EmoSet"]


def test_the_list_of_another_folder(tmp_path, command):
    make_emotion6(tmp_path / "elsewhere", per_class=1, size=8)
    assert "incomplete: 6 of" in command("datasets", "--data-dir", "elsewhere").stdout
    assert "incomplete" not in command("datasets").stdout
