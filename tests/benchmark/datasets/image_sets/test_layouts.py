"""Folders of the public image sets: what is read from each, and what is refused in which words.

Also tests `benchmark.datasets.image_sets.listings`.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import numpy as np
import pytest
from miniature import (
    ABSTRACT,
    FI,
    FLICKR,
    make_abstract,
    make_artphoto,
    make_emoset,
    make_emotion6,
    make_fi,
    make_flickr,
    make_twitter,
)

from benchmark.datasets.image_sets.catalogue import known_image_set
from benchmark.datasets.image_sets.layouts import read_folder
from benchmark.errors import UsageError

SHARES_HEADER = "\t".join(
    f"[{name}]"
    for name in (
        "image_filename", "valence", "arousal", "prob. anger", "prob. disgust", "prob. fear",
        "prob. joy", "prob. sadness", "prob. surprise", "prob. neutral",
    )
)  # fmt: skip
VOTES_HEADER = " ".join(["image", *FLICKR])
CSV_HEADER = ",".join(f"'{name}'" for name in ("", *ABSTRACT))


def touch(folder, *names):
    """Make files of different bytes: the readers decode no image."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path}")


def emotion6(folder, *lines, header=SHARES_HEADER, images=("joy/1.jpg", "joy/2.jpg", "fear/1.jpg")):
    root = folder / "Emotion6"
    root.mkdir(parents=True, exist_ok=True)
    touch(root / "images", *images)
    (root / "ground_truth.txt").write_text("\n".join([header, *lines]) + "\n")
    return root


def shares(name, text="0.5 0.5 0 0 0 0 0"):
    return "\t".join([name, "5", "5", *text.split()])


def flickr(folder, *lines, header=VOTES_HEADER, images=("1.jpg", "2.jpg", "10.jpg")):
    root = folder / "Flickr_LDL"
    touch(root / "images", *images)
    (root / "ground_truth.txt").write_text("\n".join([header, *lines]) + "\n")
    return root


def emoset(folder, **splits):
    """Entries of [label, image] per split; one image each unless given."""
    root = folder / "EmoSet-118K"
    for split in ("train", "val", "test"):
        entries = splits.get(split, [["awe", f"image/awe/{split}.jpg"]])
        touch(root, *(image for _, image in entries if not image.startswith((".", "/"))))
        rows = [[label, image, "annotation/none.json"] for label, image in entries]
        (root / f"{split}.json").write_text(json.dumps(rows))
    return root


def read(name, folder):
    return read_folder(known_image_set(name), folder)


def refused(name, folder):
    with pytest.raises(UsageError) as caught:
        read(name, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def one_hot(labels, order=FI):
    return np.array([[float(label == other) for other in order] for label in labels])


# What is read.


def test_emotion6(tmp_path):
    folder = make_emotion6(tmp_path, per_class=2, size=8)
    lines = [
        "disgust/1.jpg\t2.5\t3.8\t0.133333\t0.7\t0\t0.0666667\t0.1\t0\t0",
        "joy/2.jpg\t7\t5\t0\t0\t0\t1\t0\t0\t0",
        "anger/1.jpg\t3\t6\t0.4\t0.2\t0\t0\t0\t0.1\t0.3",
    ]
    (folder / "ground_truth.txt").write_text("\n".join([SHARES_HEADER, *lines]) + "\n")
    reading = read("Emotion6", folder)
    assert reading.ids == ("disgust/1.jpg", "joy/2.jpg", "anger/1.jpg")
    assert reading.paths == tuple(folder / "images" / name for name in reading.ids)
    assert reading.D.tolist() == [
        [0.133333, 0.7, 0, 0.0666667, 0.1, 0, 0],
        [0, 0, 0, 1, 0, 0, 0],
        [0.4, 0.2, 0, 0, 0, 0.1, 0.3],
    ]
    assert reading.classes == ("disgust", "joy", "anger")
    assert reading.notes == (
        "left out 9 images not listed: anger/2.jpg, disgust/2.jpg, fear/1.jpg, fear/2.jpg, "
        "joy/1.jpg, ...",
    )


def test_the_whole_miniature_emotion6(tmp_path):
    folder = make_emotion6(tmp_path, size=8)
    table = np.loadtxt(folder / "ground_truth.txt", dtype=str, skiprows=1)
    reading = read("Emotion6", folder)
    assert reading.ids == tuple(table[:, 0])
    assert np.array_equal(reading.D, table[:, 3:].astype(float))
    assert reading.classes == tuple(name.split("/")[0] for name in table[:, 0])
    assert (reading.notes, reading.raters) == ((), None)  # shares tell no number


def test_columns_are_found_by_their_names(tmp_path):
    names = ("fear", "surprise", "neutral", "anger", "joy", "disgust", "sadness")
    header = "\t".join(["[image_filename]", *(f"[Prob. {name.title()}]" for name in names), "[x]"])
    line = "joy/1.jpg\t0.1\t0\t0.2\t0\t0.3\t0\t0.4\t9"
    reading = read("Emotion6", emotion6(tmp_path, line, header=header))
    assert reading.D.tolist() == [[0, 0, 0.1, 0.3, 0.4, 0, 0.2]]
    votes = "image Sadness Fear Disgust Anger Excitement Contentment Awe Amusement"
    reading = read("Flickr_LDL", flickr(tmp_path, "2.jpg 1 2 3 0 0 0 0 4", header=votes))
    assert reading.D.tolist() == [[0.4, 0, 0, 0, 0, 0.3, 0.2, 0.1]]


@pytest.mark.parametrize(
    ("name", "make", "votes"), [("Flickr_LDL", make_flickr, 11), ("Twitter_LDL", make_twitter, 8)]
)
def test_flickr_and_twitter(tmp_path, name, make, votes):
    folder = make(tmp_path, size=8)
    table = np.loadtxt(folder / "ground_truth.txt", dtype=str, skiprows=1)
    reading = read(name, folder)
    assert reading.ids == tuple(f"{n}.jpg" for n in range(1, 13))
    assert reading.paths == tuple(folder / "images" / n for n in reading.ids)
    assert np.array_equal(reading.D, table[:, 1:].astype(int) / votes)
    assert reading.raters.tolist() == [votes] * 12
    assert (reading.classes, reading.notes) == ((), ())


def test_votes_become_shares_and_unrated_images_are_left_out(tmp_path):
    lines = ["10.jpg 6 0 3 0 0 1 1 0", "1.jpg 0 0 0 0 0 0 0 0", "2.jpg 0\t0  2 0 0 0 0 6"]
    reading = read("Flickr_LDL", flickr(tmp_path, *lines))
    assert reading.ids == ("10.jpg", "2.jpg")
    assert [path.name for path in reading.paths] == ["10.jpg", "2.jpg"]
    assert reading.D.tolist() == [
        [6 / 11, 0, 3 / 11, 0, 0, 1 / 11, 1 / 11, 0],
        [0, 0, 0.25, 0, 0, 0, 0, 0.75],
    ]
    assert reading.raters.tolist() == [11, 8]
    assert reading.notes == ("left out 1 image without a vote: 1.jpg",)


def test_abstract(tmp_path):
    folder = make_abstract(tmp_path, images=4, size=8)
    lines = ["'abstract_0003.jpg',1,0,0,3,0,0,0,0", "'abstract_0001.jpg',0,2,4,0,2,0,0,2",
             "'abstract_0004.jpg',0,0,0,0,0,0,0,0"]  # fmt: skip
    (folder / "ABSTRACT_groundTruth.csv").write_text("\n".join([CSV_HEADER, *lines]))
    reading = read("Abstract", folder)
    assert reading.ids == ("abstract_0003.jpg", "abstract_0001.jpg")
    assert reading.paths == tuple(folder / name for name in reading.ids)
    # Content and Sad are contentment and sadness.
    assert reading.D.tolist() == [
        [0.25, 0, 0, 0.75, 0, 0, 0, 0],
        [0, 0.2, 0.4, 0, 0.2, 0, 0, 0.2],
    ]
    assert reading.notes == (
        "left out 1 image not listed: abstract_0002.jpg",
        "left out 1 image without a vote: abstract_0004.jpg",
    )


def test_the_whole_miniature_abstract(tmp_path):
    folder = make_abstract(tmp_path, size=8)
    reading = read("Abstract", folder)
    lines = (folder / "ABSTRACT_groundTruth.csv").read_text().splitlines()[1:]
    votes = np.array([list(map(int, line.split(",")[1:])) for line in lines])
    assert reading.ids == tuple(f"abstract_{n:04d}.jpg" for n in range(1, 11))
    assert np.array_equal(reading.D, votes / 14)
    assert reading.notes == ("left out 2 images not listed: abstract_0011.jpg, abstract_0012.jpg",)


def test_artphoto(tmp_path):
    folder = make_artphoto(tmp_path, per_class=2, size=8)
    touch(folder, "awe_10.jpg", "readme.jpg", "SAD_0003.JPG", "sadness_4.jpg", "Thumbs.db")
    reading = read("ArtPhoto", folder)
    assert reading.ids == (
        "amusement_0001.jpg", "amusement_0002.jpg", "anger_0001.jpg", "anger_0002.jpg",
        "awe_0001.jpg", "awe_0002.jpg", "awe_10.jpg", "contentment_0001.jpg",
        "contentment_0002.jpg", "disgust_0001.jpg", "disgust_0002.jpg", "excitement_0001.jpg",
        "excitement_0002.jpg", "fear_0001.jpg", "fear_0002.jpg", "sad_0001.jpg", "sad_0002.jpg",
        "SAD_0003.JPG", "sadness_4.jpg",
    )  # fmt: skip
    assert reading.paths == tuple(folder / name for name in reading.ids)
    labels = [name.lower().split("_")[0].replace("sadness", "sad") for name in reading.ids]
    assert np.array_equal(reading.D, one_hot(labels, [*FI[:-1], "sad"]))
    assert reading.notes == ("left out 1 image not named LABEL_NUMBER: readme.jpg",)


def test_fi(tmp_path):
    folder = make_fi(tmp_path, size=8)
    reading = read("FI", folder)
    labels = [name.split("/")[0] for name in reading.ids]
    assert labels == sorted(FI * 3)
    assert np.array_equal(reading.D, one_hot(labels))
    assert reading.paths == tuple(folder / name for name in reading.ids)
    dead = ", ".join(f"anger/dead_{copy}.jpg" for copy in range(4))
    assert reading.notes == (
        "left out 4 images with the same bytes as 2 others or more (stand-ins for removed "
        f"images): {dead}",
    )


def test_three_copies_are_stand_ins_and_two_are_twins(tmp_path):
    touch(tmp_path, *(f"{label}/1.jpg" for label in FI), "loose.jpg")
    contents = {
        "awe/2.jpg": "removed", "fear/2.jpg": "removed", "fear/3.jpg": "removed",
        "awe/3.jpg": "twin", "awe/4.jpg": "twin", "awe/5.jpg": "lone", "joy.jpg": "loose",
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    reading = read("FI", tmp_path)
    assert [name for name in reading.ids if "1.jpg" not in name] == [
        "awe/3.jpg",
        "awe/4.jpg",
        "awe/5.jpg",
    ]
    assert reading.notes == (
        "left out 3 images with the same bytes as 2 others or more (stand-ins for removed "
        "images): awe/2.jpg, fear/2.jpg, fear/3.jpg",
        "left out 2 images in no folder of a label: joy.jpg, loose.jpg",
    )


def test_emoset(tmp_path):
    folder = make_emoset(tmp_path, size=8)
    touch(folder, "image/awe/unlisted.jpg")
    reading = read("EmoSet", folder)
    expected = [
        f"{split}:image/{label}/{label}_{number:05d}.jpg"
        for number, split in enumerate(("train", "val", "test"))
        for label in FI
    ]
    assert reading.ids == tuple(expected)
    assert reading.paths == tuple(folder / name.partition(":")[2] for name in expected)
    assert np.array_equal(reading.D, one_hot(FI * 3))
    assert reading.notes == ("left out 1 image not listed: image/awe/unlisted.jpg",)
    assert reading.splits == ("train",) * 8 + ("val",) * 8 + ("test",) * 8


def test_the_order_of_file_names_is_natural(tmp_path):
    names = ["anger_1.jpg", "Anger_2.jpg", "anger_10.jpg", "awe_1.jpg", "awe_03.jpg"]
    touch(tmp_path, *reversed(names))
    assert read("ArtPhoto", tmp_path).ids == tuple(names)


def test_digits_of_other_scripts_in_file_names(tmp_path):
    names = ("１２.jpg", "٣.jpg", "4².jpg")  # noqa: RUF001
    folder = flickr(tmp_path, *(f"{name} 1 0 0 0 0 0 0 0" for name in names), images=names)
    assert read("Flickr_LDL", folder).ids == names


def test_hidden_files_and_other_files_are_no_images(tmp_path):
    line = shares("joy/1.jpg")
    folder = emotion6(tmp_path, line, images=["joy/1.jpg"])
    touch(folder / "images", "joy/._1.jpg", ".trash/2.jpg", "__MACOSX/joy/3.jpg", "joy/notes.txt",
          "joy/jpg", "joy/1.jpg.part")  # fmt: skip
    reading = read("Emotion6", folder)
    assert (reading.ids, reading.notes) == (("joy/1.jpg",), ())


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path / "disk", "joy/1.jpg")
    touch(tmp_path / "other", "1.jpg")
    folder = emotion6(tmp_path, shares("joy/1.jpg"), shares("fear/1.jpg"), images=())
    (folder / "images").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "again").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "fear").symlink_to(tmp_path / "other")
    reading = read("Emotion6", folder)
    assert (reading.ids, reading.notes) == (("joy/1.jpg", "fear/1.jpg"), ())
    assert reading.paths == tuple(folder / "images" / name for name in reading.ids)


# Spellings.


def test_the_case_of_names_does_not_matter(tmp_path):
    folder = emotion6(tmp_path, shares("Joy/1.JPG"), images=["joy/1.jpg"])
    (folder / "ground_truth.txt").rename(folder / "Ground_Truth.TXT")
    (folder / "images").rename(folder / "Images")
    reading = read("Emotion6", folder)
    assert reading.ids == ("Joy/1.JPG",)
    assert reading.paths == (folder / "Images" / "joy" / "1.jpg",)
    assert reading.classes == ("joy",)
    touch(tmp_path / "FI", *(f"{label.title()}/1.jpg" for label in FI))
    assert np.array_equal(read("FI", tmp_path / "FI").D, np.eye(8))


def test_files_that_differ_in_case_only(tmp_path):
    lines = ["a.jpg 1 0 0 0 0 0 0 0", "A.jpg 0 1 0 0 0 0 0 0"]
    folder = flickr(tmp_path, *lines, images=["a.jpg", "A.jpg"])
    assert [path.name for path in read("Flickr_LDL", folder).paths] == ["a.jpg", "A.jpg"]
    folder = flickr(tmp_path, "A.JPG 1 0 0 0 0 0 0 0", images=())
    assert "images listed" in refused("Flickr_LDL", folder)


@pytest.mark.parametrize("written", ["joy\\1.jpg", "./joy/1.jpg", "joy//1.jpg", "'joy/1.jpg'"])
def test_spellings_of_a_path(tmp_path, written):
    reading = read("Emotion6", emotion6(tmp_path, shares(written)))
    assert reading.paths == (tmp_path / "Emotion6" / "images" / "joy" / "1.jpg",)
    assert reading.classes == ("joy",)
    assert PurePosixPath(reading.ids[0]).name == "1.jpg"


def as_bytes(lines, ending="\n", encoding="utf-8", last=True):
    return (ending.join(lines) + (ending if last else "")).encode(encoding)


@pytest.mark.parametrize(
    "how",
    [
        {"ending": "\r\n"},
        {"ending": "\r"},
        {"ending": "\r\n", "encoding": "utf-8-sig"},
        {"encoding": "utf-16"},
        {"encoding": "utf-16", "ending": "\r\n"},
        {"encoding": "cp1252"},
        {"ending": "\n\n \n"},
        {"ending": " \t\n"},
        {"last": False},
    ],
)
def test_line_ends_and_encodings(tmp_path, how):
    folder = emotion6(tmp_path, images=["joy/é.jpg", "joy/2.jpg"])
    lines = [SHARES_HEADER, shares("joy/é.jpg"), shares("joy/2.jpg", "0 0 0 0 0 0.25 0.75")]
    (folder / "ground_truth.txt").write_bytes(as_bytes(lines, **how))
    reading = read("Emotion6", folder)
    assert reading.ids == ("joy/é.jpg", "joy/2.jpg")
    assert reading.D.tolist() == [[0.5, 0.5, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0.25, 0.75]]
    folder = flickr(tmp_path, images=["é.jpg", "2.jpg"])
    lines = [VOTES_HEADER, "é.jpg 4 0 0 0 0 0 0 0", "2.jpg 0 1 0 3 0 0 0 0"]
    (folder / "ground_truth.txt").write_bytes(as_bytes(lines, **how))
    assert read("Flickr_LDL", folder).D[1].tolist() == [0, 0.25, 0, 0.75, 0, 0, 0, 0]
    folder = make_abstract(tmp_path, images=2, size=8)
    lines = [
        CSV_HEADER,
        "'abstract_0001.jpg',4,0,0,0,0,0,0,0",
        "'abstract_0002.jpg',0,0,0,0,0,0,1,3",
    ]
    (folder / "ABSTRACT_groundTruth.csv").write_bytes(as_bytes(lines, **how))
    assert read("Abstract", folder).D[1].tolist() == [0, 0, 0, 0, 0, 0, 0.25, 0.75]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_emosets_lists(tmp_path, encoding):
    folder = emoset(tmp_path, train=[["Awe", "image/awe/é.jpg"]])
    path = folder / "train.json"
    rows = json.dumps(json.loads(path.read_text()), ensure_ascii=False, indent=1)
    path.write_bytes(rows.replace("\n", "\r\n").encode(encoding))
    assert read("EmoSet", folder).ids[0] == "train:image/awe/é.jpg"


# What is refused.


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (shares("joy/2.jpg") + "\t0", "has 11 columns, the first line has 10"),
        ("joy/2.jpg 5 5 0.5", "has 4 columns, the first line has 10"),
        (shares("joy/2.jpg", "x 1 0 0 0 0 0"), "'x' in column anger is no number of at least 0"),
        (shares("joy/2.jpg", "0 1.1 -0.1 0 0 0 0"), "'-0.1' in column fear is no number of"),
        (shares("joy/2.jpg", "nan 1 0 0 0 0 0"), "'nan' in column anger is no number of"),
        (shares("joy/2.jpg", "0 1 0 0 0 0 inf"), "'inf' in column neutral is no number of"),
        (shares("joy/2.jpg", "0.5 0.4 0 0 0 0 0"), "the shares sum to 0.9, not to 1"),
        (shares("joy/2.jpg", "0 0 0 0 0 0 0"), "the shares sum to 0, not to 1"),
    ],
)
def test_malformed_shares(tmp_path, line, message):
    folder = emotion6(tmp_path, shares("joy/1.jpg"), "", line, shares("fear/1.jpg"))
    text = refused("Emotion6", folder)
    assert text.startswith(f"{folder / 'ground_truth.txt'}, line 4")
    assert message in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2.jpg 6 0 3 0 0 1 1", "has 8 columns, the first line has 9"),
        ("2.jpg 6 0 3 0 0 1 1 0 0", "has 10 columns, the first line has 9"),
        ("2.jpg 0.5 0 0 0 0 0 0 0", "votes must be whole numbers, not [0.5, 0.0"),
        ("2.jpg 1 -1 0 0 0 0 0 0", "'-1' in column awe is no number of at least 0"),
        ("2.jpg 1 0 0 0 0 0 0 eight", "'eight' in column sadness is no number"),
    ],
)
def test_malformed_votes(tmp_path, line, message):
    folder = flickr(tmp_path, "1.jpg 1 0 0 0 0 0 0 0", line)
    text = refused("Flickr_LDL", folder)
    assert text.startswith(f"{folder / 'ground_truth.txt'}, line 3")
    assert message in text
    folder = make_abstract(tmp_path, images=2, size=8)
    csv = ",".join(line.split()).replace("2.jpg", "'abstract_0002.jpg'")
    (folder / "ABSTRACT_groundTruth.csv").write_text(f"{CSV_HEADER}\n{csv}\n")
    text = refused("Abstract", folder)
    assert text.startswith(f"{folder / 'ABSTRACT_groundTruth.csv'}, line 2")
    assert message.replace("awe", "anger") in text


def test_lists_without_rows_or_of_another_set(tmp_path):
    folder = flickr(tmp_path)
    assert (
        refused("Flickr_LDL", folder) == f"{folder / 'ground_truth.txt'} lists no image with a vote"
    )
    (folder / "ground_truth.txt").write_text(" \n\n")
    assert refused("Flickr_LDL", folder) == f"{folder / 'ground_truth.txt'} is empty"
    (folder / "ground_truth.txt").write_text("1.jpg 6 0 3 0 0 1 1 0\n")
    text = refused("Flickr_LDL", folder)
    assert "its first line names no column amusement, awe" in text
    assert "is it the list of Flickr_LDL?" in text
    folder = emotion6(tmp_path, "joy/1.jpg 1 0 0 0 0 0 0 0", header=VOTES_HEADER)
    assert "is it the list of Emotion6?" in refused("Emotion6", folder)
    (folder / "ground_truth.txt").write_bytes(bytes(range(256)) * 4)
    assert "is it the list of Emotion6?" in refused("Emotion6", folder)


def test_a_list_that_is_a_folder(tmp_path):
    folder = emotion6(tmp_path)
    (folder / "ground_truth.txt").unlink()
    (folder / "ground_truth.txt").mkdir()
    assert "ground_truth.txt cannot be read: Is a directory" in refused("Emotion6", folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "train.json is empty"),
        ("<html>", "train.json is an HTML or XML page"),
        ("version https://git-lfs.github.com/spec/v1", "train.json is a Git LFS pointer"),
        ("[[", "is not a JSON file: "),
        ("[" * 100_000, "is not a JSON file: "),
        ('{"a": 1}', "holds no list of [label, image, annotation]"),
        ('[["awe", "image/awe/train.jpg"]]', "entry 0 (counted from 0) is not [label, image,"),
        ('[["awe", "image/awe/train.jpg", 7]]', "entry 0 (counted from 0) is not [label, image,"),
        ('[["joy", "image/awe/train.jpg", ""]]', "entry 0 (counted from 0): 'joy' is no label of"),
    ],
)
def test_malformed_lists_of_emoset(tmp_path, content, message):
    folder = emoset(tmp_path)
    (folder / "train.json").write_text(content)
    text = refused("EmoSet", folder)
    assert text.startswith(str(folder / "train.json"))
    assert message in text


OUTSIDE = ["../x.jpg", "joy/../../x.jpg", "/x.jpg", "C:/x.jpg", "..\\x.jpg", "C:\\x.jpg", "''", "."]


@pytest.mark.parametrize("written", OUTSIDE)
def test_a_list_cannot_name_files_outside(tmp_path, written):
    folder = emotion6(tmp_path, shares("joy/1.jpg"), shares(written))
    touch(folder, "x.jpg", "images/joy/x.jpg")
    text = refused("Emotion6", folder)
    assert text.startswith(f"{folder / 'ground_truth.txt'}, line 3: ")
    assert text.endswith("is no path inside the folder of images")


def test_emosets_lists_cannot_name_files_outside(tmp_path):
    folder = emoset(tmp_path, val=[["awe", "image/awe/1.jpg"], ["awe", "../x.jpg"]])
    touch(tmp_path, "x.jpg")
    text = refused("EmoSet", folder)
    assert text.startswith(
        f"{folder / 'val.json'}, entry 1 (counted from 0): '../x.jpg' is no path"
    )


def test_missing_images_are_named(tmp_path):
    names = [f"joy/{n}.jpg" for n in range(1, 8)]
    folder = emotion6(tmp_path, *map(shares, ["fear/1.jpg", *names]), images=["fear/1.jpg"])
    text = refused("Emotion6", folder)
    assert "7 of the 8 images listed" in text
    assert "(joy/1.jpg, joy/2.jpg, joy/3.jpg, joy/4.jpg, joy/5.jpg, ...)" in text
    assert str(folder / "ground_truth.txt") in text
    folder = emoset(tmp_path)
    (folder / "image" / "awe" / "test.jpg").unlink()
    assert "1 of the 3 images listed" in refused("EmoSet", folder)
    assert "(image/awe/test.jpg)" in refused("EmoSet", folder)


@pytest.mark.parametrize("again", ["joy/1.jpg", "JOY/1.JPG", "./joy/1.jpg", "joy\\1.jpg"])
def test_an_image_listed_twice(tmp_path, again):
    folder = emotion6(tmp_path, shares("joy/1.jpg"), shares("joy/2.jpg"), shares(again))
    text, path = refused("Emotion6", folder), folder / "ground_truth.txt"
    assert text.startswith(f"{path}, line 4 names ")
    assert text.endswith(f" again, after {path}, line 2")


def test_an_image_in_two_parts_of_emosets_split(tmp_path):
    twice = [["awe", "image/awe/1.jpg"]]
    text = refused("EmoSet", emoset(tmp_path, train=twice, test=twice))
    assert "test.json, entry 0 (counted from 0) names 'image/awe/1.jpg' again, after " in text
    assert text.endswith("train.json, entry 0 (counted from 0)")


def test_unknown_labels(tmp_path):
    touch(tmp_path / "a", "anger_1.jpg", "joy_1.jpg")
    text = refused("ArtPhoto", tmp_path / "a")
    assert text.startswith(f"{tmp_path / 'a' / 'joy_1.jpg'}: 'joy' is no label of ArtPhoto")
    touch(tmp_path / "FI", *(f"{label}/1.jpg" for label in FI), "joy/1.jpg")
    text = refused("FI", tmp_path / "FI")
    assert text.startswith(f"{tmp_path / 'FI' / 'joy'}: 'joy' is no label of FI; its labels are am")


def test_folders_without_images_or_parts(tmp_path):
    assert refused("ArtPhoto", tmp_path) == f"{tmp_path} has no images of ArtPhoto"
    text = refused("Emotion6", tmp_path)
    assert text == f"Emotion6 is incomplete: {tmp_path} has no ground_truth.txt and no images"
    assert "has no train.json and no val.json and no test.json" in refused("EmoSet", tmp_path)
    for label in FI:
        (tmp_path / label).mkdir()
    assert refused("FI", tmp_path) == f"{tmp_path} has no images of FI"
    (tmp_path / "fear").rmdir()
    assert refused("FI", tmp_path) == f"FI is incomplete: {tmp_path} has no fear"
