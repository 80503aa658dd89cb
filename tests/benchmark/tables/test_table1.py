"""Table 1: images per class, counted from the files, beside the numbers of the paper."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from miniature import EMOTION6, make_artphoto, make_emotion6, make_flickr

from benchmark.datasets.image_sets.catalogue import known_image_set
from benchmark.datasets.image_sets.layouts import Reading
from benchmark.tables.table1 import table1, table1_grid

# What the miniature Emotion6 of `data` says, by hand: category -> dominant label of each image.
DOMINANT = {
    "anger": ["anger", "fear"],
    "disgust": ["disgust", "neutral"],
    "fear": ["fear", "fear"],
    "joy": ["joy", "joy"],
    "sadness": ["anger", "sadness"],
    "surprise": ["joy", "joy"],
}
ARTPHOTO = {"amusement": 101, "anger": 77, "awe": 102, "contentment": 70, "disgust": 70,
            "excitement": 105, "fear": 115, "sadness": 166}  # fmt: skip


@pytest.fixture
def data(tmp_path):
    """Emotion6, 2 images in each of 6 categories, and ArtPhoto, 3 of each label but fear."""
    folder = make_emotion6(tmp_path / "data", per_class=2, size=8)
    header = (folder / "ground_truth.txt").read_text().splitlines()[0]
    labels, lines = [*EMOTION6, "neutral"], [header]
    for category, winners in DOMINANT.items():
        for number, winner in enumerate(winners, 1):
            shares = "\t".join("0.7" if label == winner else "0.05" for label in labels)
            lines.append(f"{category}/{number}.jpg\t5\t5\t{shares}")
    # Of two largest shares the first label's counts.
    lines[-1] = "surprise/2.jpg\t5\t5\t0\t0\t0\t0.4\t0\t0.2\t0.4"
    (folder / "ground_truth.txt").write_text("\n".join(lines))
    for path in make_artphoto(tmp_path / "data", per_class=3, size=8).glob("fear*"):
        path.unlink()
    return tmp_path / "data"


CATEGORIES = [(category, 2, 330) for category in EMOTION6]
WINNERS = [(label, count, None) for label, count in zip(
    [*EMOTION6, "neutral"], [2, 1, 3, 4, 1, 0, 1], strict=True)]  # fmt: skip
ART_LABELS = [(label, 0 if label == "fear" else 3, count) for label, count in ARTPHOTO.items()]


def test_the_command(data, command):
    done = command("table", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(
        "Written: results/tables/table1.csv, results/tables/table1.tex, results/tables/table1.md\n"
    )
    table = pd.read_csv("results/tables/table1.csv").astype(object)
    table = table.where(table.notna(), None)
    assert list(table.columns) == ["dataset", "counted_by", "class", "images", "expected"]
    assert [tuple(row) for row in table.to_numpy()] == [
        *(("Emotion6", "category", *row) for row in CATEGORIES),
        *(("Emotion6", "dominant label", *row) for row in WINNERS),
        *(("ArtPhoto", "dominant label", *row) for row in ART_LABELS),
    ]
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["Emotion6", "category", "joy", "2", "[330]"] in rows
    assert ["Emotion6", "category", "all", "12"] in rows
    assert ["Emotion6", "dominant", "label", "joy", "4"] in rows
    assert ["ArtPhoto", "dominant", "label", "fear", "0", "[115]"] in rows
    assert ["ArtPhoto", "dominant", "label", "all", "21"] in rows
    assert "In brackets the number in Table 1 of Lai, Wan and Zeng (2022)" in done.stdout


def test_markdown(data, command):
    command("table", 1, "--dataset", "artphoto", "--out", "here")
    lines = Path("here", "table1.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    assert cells[0] == ["Dataset", "Counted by", "Class", "Images"]
    assert [cell.replace("\\", "") for cell in cells[2]] == [
        "ArtPhoto", "dominant label", "amusement", "3 [101]",
    ]  # fmt: skip
    assert len(cells) == 2 + 8 + 1


def test_latex_is_escaped(data, command):
    make_flickr(data, size=8)
    done = command("table", 1, "--data-dir", "data", "--dataset", "Flickr_LDL", "--dataset",
                   "Emotion6", "--out", "here")  # fmt: skip
    assert done.returncode == 0
    text = Path("here", "table1.tex").read_text()
    assert r"Flickr\_LDL & dominant label & amusement & " in text
    assert "Flickr_LDL" not in text
    assert re.search(r"Emotion6 & category & joy & (\\phantom\{0+\})?2 \[330\] \\\\", text)
    assert text.count(r"}llll@{}}") == 1
    # Flickr_LDL is not in the paper's table.
    flickr = [line for line in text.splitlines() if "Flickr" in line]
    assert len(flickr) == 9
    assert not any("[" in line for line in flickr)


def full(name):
    """A reading with as many images of each class as the paper's Table 1 has."""
    image_set = known_image_set(name)
    counts = ARTPHOTO if name == "ArtPhoto" else dict.fromkeys(EMOTION6, 330)
    labels = [label for label, count in counts.items() for _ in range(count)]
    D = np.eye(len(image_set.labels))[[image_set.labels.index(label) for label in labels]]
    classes = tuple(labels) if name == "Emotion6" else ()
    ids = tuple(map(str, range(len(labels))))
    return image_set, Reading(tuple(map(Path, ids)), ids, D, classes)


def test_full_sets_have_nothing_in_brackets():
    table = table1([full("Emotion6"), full("ArtPhoto")])
    papers = table[table["expected"].notna()]
    assert len(papers) == 6 + 8
    assert (papers["images"] == papers["expected"]).all()
    cells = table1_grid(table)
    assert not any("[" in row[3] for row in cells.rows)
    assert ["Emotion6", "category", "all", "1,980"] in cells.rows
    assert ["ArtPhoto", "dominant label", "all", "806"] in cells.rows
    assert ["ArtPhoto", "dominant label", "sadness", "166"] in cells.rows


def test_a_number_that_differs_has_the_papers_in_brackets():
    image_set, reading = full("ArtPhoto")
    fewer = Reading(reading.paths[1:], reading.ids[1:], reading.D[1:])
    cells = table1_grid(table1([(image_set, fewer)]))
    bracketed = [row for row in cells.rows if "[" in row[3]]
    assert bracketed == [["ArtPhoto", "dominant label", "amusement", "100 [101]"]]
    assert cells.rows[-1][-1] == "805"


def test_a_category_that_the_labels_lack_is_counted_too():
    image_set, reading = full("Emotion6")
    strange = Reading(reading.paths, reading.ids, reading.D, ("other", *reading.classes[1:]))
    rows = table1_grid(table1([(image_set, strange)])).rows
    assert ["Emotion6", "category", "anger", "329 [330]"] in rows
    assert ["Emotion6", "category", "other", "1"] in rows
    assert ["Emotion6", "category", "all", "1,980"] in rows


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dataset", "Emotion7"], "no image set named 'Emotion7'; there are Emotion6, "),
        (
            ["--dataset", "FI"],
            "FI is not in data: there is no folder FI or emotion_dataset; get it",
        ),
        (["--dataset", "ArtPhoto:0.4"], "no image set named 'ArtPhoto:0.4'"),
        (["--dataset", "ArtPhoto", "--dataset", "artphoto"], "a dataset is named twice"),
        (["--data-dir", "none"], "Emotion6 is not in none: there is no folder Emotion6; get it"),
    ],
)
def test_what_cannot_be_counted(data, command, words, message):
    done = command("table", 1, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {message}")
    assert done.stderr.count("\n") == 1
    assert not Path("results").exists()


def test_an_incomplete_set_is_refused(data, command):
    (data / "Emotion6" / "images" / "joy" / "2.jpg").unlink()
    done = command("table", 1)
    assert done.returncode == 2
    assert "1 of the 12 images listed in" in done.stderr
    assert "(joy/2.jpg)" in done.stderr


def test_a_folder_that_cannot_be_written(data, command):
    Path("file").touch()
    done = command("table", 1, "--out", "file")
    assert done.returncode == 1
    assert done.stdout.startswith("Images per class")
    files = "table1.csv, table1.tex and table1.md"
    assert done.stderr.startswith(f"Error: cannot write {files} in file: ")
