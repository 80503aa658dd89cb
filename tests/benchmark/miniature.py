"""Miniature copies of the public image sets, in their true layouts, made of small JPEGs.

The colour of an image depends on its label, so that there is something to learn.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

EMOTION6 = ("anger", "disgust", "fear", "joy", "sadness", "surprise")
ARTPHOTO = ("amusement", "anger", "awe", "contentment", "disgust", "excitement", "fear", "sad")
ABSTRACT = ("Amusement", "Anger", "Awe", "Content", "Disgust", "Excitement", "Fear", "Sad")
FLICKR = ("Amusement", "Awe", "Contentment", "Excitement", "Anger", "Disgust", "Fear", "Sadness")
FI = ("amusement", "anger", "awe", "contentment", "disgust", "excitement", "fear", "sadness")


def paint(path: Path, label: int, rng: np.random.Generator, size: int) -> None:
    """Write a JPEG whose colour is that of its label, with noise; a little wider than high."""
    hue = np.random.default_rng(label).integers(40, 216, size=3)
    pixels = rng.normal(hue, 25, size=(size, size + 8, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=90)


def make_emotion6(folder: Path, per_class: int = 4, size: int = 40, seed: int = 0) -> Path:
    """``Emotion6/images/<category>/<n>.jpg`` and ``Emotion6/ground_truth.txt``."""
    root, rng = folder / "Emotion6", np.random.default_rng(seed)
    labels = [*EMOTION6, "neutral"]
    names = ["image_filename", "valence", "arousal", *(f"prob. {x}" for x in labels)]
    lines = ["\t".join(f"[{name}]" for name in names)]
    for label, category in enumerate(EMOTION6):
        for number in range(1, per_class + 1):
            paint(root / "images" / category / f"{number}.jpg", label, rng, size)
            votes = rng.multinomial(15, np.full(7, 0.06) + 0.58 * np.eye(7)[label])
            shares = "\t".join(f"{vote / 15:.6g}" for vote in votes)
            lines.append(f"{category}/{number}.jpg\t{rng.uniform(1, 9):.4g}\t5\t{shares}")
    (root / "ground_truth.txt").write_text("\n".join(lines) + "\n")
    return root


def make_artphoto(folder: Path, per_class: int = 4, size: int = 40, seed: int = 0) -> Path:
    """``testImages_artphoto/<label>_<nnnn>.jpg``."""
    root, rng = folder / "testImages_artphoto", np.random.default_rng(seed)
    for label, name in enumerate(ARTPHOTO):
        for number in range(1, per_class + 1):
            paint(root / f"{name}_{number:04d}.jpg", label, rng, size)
    return root


def make_abstract(folder: Path, images: int = 12, size: int = 40, seed: int = 0) -> Path:
    """``testImages_abstract/abstract_<nnnn>.jpg`` and its list; the last two images are unrated."""
    root, rng = folder / "testImages_abstract", np.random.default_rng(seed)
    lines = [",".join(f"'{name}'" for name in ("", *ABSTRACT))]
    for number in range(1, images + 1):
        name = f"abstract_{number:04d}.jpg"
        paint(root / name, number % 8, rng, size)
        if number <= images - 2:
            votes = rng.multinomial(14, np.full(8, 0.05) + 0.6 * np.eye(8)[number % 8])
            lines.append(",".join([f"'{name}'", *map(str, votes)]))
    (root / "ABSTRACT_groundTruth.csv").write_text("\n".join(lines) + "\n")
    return root


def make_votes(folder: Path, name: str, images: int, votes: int, size: int, seed: int) -> Path:
    """``<name>/images/<n>.jpg`` and ``<name>/ground_truth.txt``."""
    root, rng = folder / name, np.random.default_rng(seed)
    lines = [" ".join(["image", *FLICKR])]
    for number in range(1, images + 1):
        paint(root / "images" / f"{number}.jpg", number % 8, rng, size)
        drawn = rng.multinomial(votes, np.full(8, 0.05) + 0.6 * np.eye(8)[number % 8])
        lines.append(" ".join([f"{number}.jpg", *map(str, drawn)]))
    (root / "ground_truth.txt").write_text("\n".join(lines) + "\n")
    return root


def make_flickr(folder: Path, images: int = 12, size: int = 40, seed: int = 0) -> Path:
    """Flickr_LDL: 11 votes per image."""
    return make_votes(folder, "Flickr_LDL", images, 11, size, seed)


def make_twitter(folder: Path, images: int = 12, size: int = 40, seed: int = 0) -> Path:
    """Twitter_LDL: 8 votes per image."""
    return make_votes(folder, "Twitter_LDL", images, 8, size, seed)


def make_fi(folder: Path, per_class: int = 3, size: int = 40, seed: int = 0) -> Path:
    """``FI/<label>/*.jpg``; one class has four copies of one file in place of removed images."""
    root, rng = folder / "FI", np.random.default_rng(seed)
    for label, name in enumerate(FI):
        for number in range(per_class):
            paint(root / name / f"{name}_{number}_{rng.integers(10**9)}.jpg", label, rng, size)
    paint(root / "anger" / "dead_0.jpg", 99, rng, size)
    for copy in range(1, 4):
        stand_in = (root / "anger" / "dead_0.jpg").read_bytes()
        (root / "anger" / f"dead_{copy}.jpg").write_bytes(stand_in)
    return root


def make_emoset(folder: Path, per_class: int = 3, size: int = 40, seed: int = 0) -> Path:
    """``{train,val,test}.json`` of [label, image, annotation], and the images they name."""
    root, rng = folder / "EmoSet-118K", np.random.default_rng(seed)
    splits = ("train", "val", "test")
    entries: dict[str, list[list[str]]] = {split: [] for split in splits}
    for label, name in enumerate(FI):
        for number in range(per_class):
            image = f"image/{name}/{name}_{number:05d}.jpg"
            paint(root / image, label, rng, size)
            annotation = f"annotation/{name}/{name}_{number:05d}.json"
            entries[splits[number % 3]].append([name, image, annotation])
    for split, rows in entries.items():
        (root / f"{split}.json").write_text(json.dumps(rows))
    return root


def zip_folder(folder: Path, archive: Path) -> Path:
    """Pack a folder, its own name included, as the public archives are."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder.parent))
    return archive
