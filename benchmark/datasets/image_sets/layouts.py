"""Readers of the folders in which the public image sets come."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from benchmark.datasets.image_sets.catalogue import ImageSet
from benchmark.datasets.image_sets.listings import (
    Row,
    label_index,
    read_entries,
    read_shares,
    read_votes,
    read_votes_csv,
)
from benchmark.errors import UsageError
from benchmark.wording import count, cut
from features.arrays import FloatArray

_IMAGE_SUFFIXES = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"
}  # fmt: skip
_NAMED = 5
_LIST, _IMAGES = "ground_truth.txt", "images"
_ABSTRACT_LIST = "ABSTRACT_groundTruth.csv"
_SPLITS = ("train", "val", "test")

# So many files with the same bytes are stand-ins for removed images, not images.
_COPIES = 3


@dataclass(frozen=True)
class Reading:
    """What a folder holds, before any image is decoded.

    Attributes
    ----------
    paths : tuple of Path
        One image file per row.
    ids : tuple of str
        Names of the rows: paths inside the folder.
    D : ndarray of shape (n, c), float64
        Distributions; rows are one-hot where each image has one label.
    classes : tuple of str
        Where images lie in a folder per class beside having distributions: the class of each row.
    notes : tuple of str
        What the reader of the results should know.
    splits : tuple of str
        Where the set comes with a split: the part of each row, such as ``train``.
    raters : ndarray of shape (n,), float64, optional
        Where the list has votes: how many each row has.
    """

    paths: tuple[Path, ...]
    ids: tuple[str, ...]
    D: FloatArray
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    raters: FloatArray | None = None


def read_folder(image_set: ImageSet, folder: Path) -> Reading:
    """Read a set's folder; decodes no image.

    Parameters
    ----------
    image_set : ImageSet
        What it is.
    folder : Path
        The set's own folder.

    Returns
    -------
    Reading
        Rows in the order of the set's list, else of the file names, 2 before 10.

    Raises
    ------
    UsageError
        Something is missing or malformed; names file and line.
    """
    missing = missing_parts(image_set, folder)
    if missing:
        raise UsageError(
            f"{image_set.name} is incomplete: {folder} has no {' and no '.join(missing)}"
        )
    return _LAYOUTS[image_set.layout](image_set, folder)


def missing_parts(image_set: ImageSet, folder: Path) -> list[str]:
    """List what a set's folder lacks beside images: lists, and folders of images."""
    parts = {
        "shares": [folder / _LIST, folder / _IMAGES],
        "votes": [folder / _LIST, folder / _IMAGES],
        "votes_csv": [_abstract_list(folder)],
        "label_folders": [folder / label for label in image_set.labels],
        "split_json": [folder / f"{split}.json" for split in _SPLITS],
    }
    return [path.name for path in parts.get(image_set.layout, []) if not _entry(path).exists()]


def find_images(image_set: ImageSet, folder: Path) -> dict[str, Path]:
    """Find a set's image files, by their suffixes.

    Returns
    -------
    dict of str to Path
        Path inside the folder of images, with slashes -> path, in natural order.
    """
    if image_set.layout in ("shares", "votes"):
        return _walk(_entry(folder / _IMAGES))
    return _walk(folder, deep=image_set.layout in ("label_folders", "split_json"))


def _read_list(
    image_set: ImageSet,
    folder: Path,
    path: Path,
    parse: Callable[[ImageSet, Path], Iterator[Row]],
) -> Reading:
    """Read a list with a number per label and image."""
    rows = list(parse(image_set, path))
    paths, notes = _match(image_set, path, rows, find_images(image_set, folder))
    D = np.array([row.values for row in rows]).reshape(-1, len(image_set.labels))
    totals = D.sum(axis=1)
    rated = np.flatnonzero(totals > 0)
    if not len(rated):
        raise UsageError(f"{path} lists no image with a vote")
    if len(rated) < len(rows):
        unrated = [row.image for row, total in zip(rows, totals, strict=True) if total == 0]
        notes.append(_note(unrated, "without a vote"))
    ids = tuple(rows[i].image for i in rated)
    folders = [PurePosixPath(name).parent.name.lower() for name in ids]
    return Reading(
        paths=tuple(paths[i] for i in rated),
        ids=ids,
        # Shares stay as they are written.
        D=D[rated] if parse is read_shares else D[rated] / totals[rated, None],
        classes=tuple(folders) if all(folders) else (),
        notes=tuple(notes),
        raters=None if parse is read_shares else totals[rated],
    )


def _read_emotion6(image_set: ImageSet, folder: Path) -> Reading:
    return _read_list(image_set, folder, _entry(folder / _LIST), read_shares)


def _read_ldl(image_set: ImageSet, folder: Path) -> Reading:
    return _read_list(image_set, folder, _entry(folder / _LIST), read_votes)


def _read_abstract(image_set: ImageSet, folder: Path) -> Reading:
    return _read_list(image_set, folder, _abstract_list(folder), read_votes_csv)


def _read_artphoto(image_set: ImageSet, folder: Path) -> Reading:
    """Take the beginning of the file name for the label."""
    rows, strange = [], []
    for name, path in find_images(image_set, folder).items():
        match = re.fullmatch(r"([a-z]+)_\d+\.\w+", name, re.IGNORECASE)
        if match:
            rows.append((name, path, label_index(image_set, match[1], str(path))))
        else:
            strange.append(name)
    notes = [_note(strange, "not named LABEL_NUMBER")] if strange else []
    return _single_labels(image_set, folder, rows, notes)


def _read_fi(image_set: ImageSet, folder: Path) -> Reading:
    """Take the folder for the label; copies of one file stand in for removed images."""
    rows, strange = [], []
    for name, path in find_images(image_set, folder).items():
        label, slash, _ = name.partition("/")
        if slash:
            rows.append((name, path, label_index(image_set, label, str(folder / label))))
        else:
            strange.append(name)
    dead = _copies([path for _, path, _ in rows])
    names = [name for name, path, _ in rows if path in dead]
    what = f"with the same bytes as {_COPIES - 1} others or more (stand-ins for removed images)"
    notes = [_note(names, what)] if names else []
    notes += [_note(strange, "in no folder of a label")] if strange else []
    return _single_labels(image_set, folder, [row for row in rows if row[1] not in dead], notes)


def _read_emoset(image_set: ImageSet, folder: Path) -> Reading:
    """Join the three parts of its own split."""
    rows, labels, splits = [], [], []
    for split in _SPLITS:
        for label, image, where in read_entries(_entry(folder / f"{split}.json")):
            rows.append(Row(where, image, []))
            labels.append(label_index(image_set, label, where))
            splits.append(split)
    paths, notes = _match(image_set, folder, rows, find_images(image_set, folder))
    ids = [f"{split}:{row.image}" for split, row in zip(splits, rows, strict=True)]
    whole = list(zip(ids, paths, labels, strict=True))
    return replace(_single_labels(image_set, folder, whole, notes), splits=tuple(splits))


#: Name of a layout -> its reader.
_LAYOUTS: dict[str, Callable[[ImageSet, Path], Reading]] = {
    "shares": _read_emotion6,
    "votes": _read_ldl,
    "votes_csv": _read_abstract,
    "label_in_name": _read_artphoto,
    "label_folders": _read_fi,
    "split_json": _read_emoset,
}


def _single_labels(
    image_set: ImageSet, folder: Path, rows: Sequence[tuple[str, Path, int]], notes: Iterable[str]
) -> Reading:
    if not rows:
        raise UsageError(f"{folder} has no images of {image_set.name}")
    ids, paths, labels = zip(*rows, strict=True)
    D = np.eye(len(image_set.labels))[list(labels)]
    return Reading(paths, ids, D, notes=tuple(notes))


def _match(
    image_set: ImageSet, listing: Path, rows: Sequence[Row], found: dict[str, Path]
) -> tuple[list[Path], list[str]]:
    """Find the file of every row, and note the files that no row names."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in found:
        spellings[name.casefold()].append(name)
    seen: dict[str, str] = {}
    names, missing = [], []
    for row in rows:
        inside = PurePosixPath(row.image)
        name = inside.as_posix()
        if inside.is_absolute() or ".." in inside.parts or ":" in name or not inside.parts:
            raise UsageError(f"{row.where}: {row.image!r} is no path inside the folder of images")
        others = spellings[name.casefold()]
        if name not in found and len(others) == 1:
            name = others[0]
        if name in seen:
            raise UsageError(f"{row.where} names {row.image!r} again, after {seen[name]}")
        seen[name] = row.where
        names.append(name)
        if name not in found:
            missing.append(row.image)
    if missing:
        raise UsageError(
            f"{image_set.name} is incomplete: {len(missing):,} of the {len(rows):,} images listed "
            f"in {listing} are missing ({cut(missing, _NAMED)}); get the whole set, or take their "
            f"lines out of the list"
        )
    unlisted = [name for name in found if name not in seen]
    notes = [_note(unlisted, "not listed")] if unlisted else []
    return [found[name] for name in names], notes


def _copies(paths: Sequence[Path]) -> set[Path]:
    """Find files of which several have the same bytes; reads only those of equal size."""
    groups: dict[int, list[Path]] = defaultdict(list)
    for path in paths:
        groups[path.stat().st_size].append(path)
    same_size = [path for group in groups.values() if len(group) >= _COPIES for path in group]
    digests = {path: hashlib.sha256(path.read_bytes()).digest() for path in same_size}
    counts = Counter(digests.values())
    return {path for path, digest in digests.items() if counts[digest] >= _COPIES}


def _walk(folder: Path, deep: bool = True) -> dict[str, Path]:
    """Find image files below a folder, hidden ones aside; links are followed, not in circles."""
    found: dict[str, Path] = {}
    if not folder.is_dir():
        return found
    visited = set()
    for place, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = [n for n in folders if deep and not n.startswith(".") and n != "__MACOSX"]
        inside = Path(place).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        for name in files:
            stem, dot, suffix = name.rpartition(".")
            if stem and not name.startswith(".") and (dot + suffix).lower() in _IMAGE_SUFFIXES:
                found[prefix + name] = Path(place, name)
    return dict(sorted(found.items(), key=lambda item: _natural(item[0])))


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort 2.jpg before 10.jpg."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts], name


def _raise(error: OSError) -> None:
    raise error


def _entry(path: Path) -> Path:
    """Find a file or folder, whatever the case of its name; the path itself if there is none."""
    if path.exists() or not path.parent.is_dir():
        return path
    wanted = path.name.casefold()
    near = sorted(other for other in path.parent.iterdir() if other.name.casefold() == wanted)
    return near[0] if near else path


def _abstract_list(folder: Path) -> Path:
    """Find Abstract's list in the folder of images, or beside it."""
    inside, beside = _entry(folder / _ABSTRACT_LIST), _entry(folder.parent / _ABSTRACT_LIST)
    return beside if beside.exists() and not inside.exists() else inside


def _note(names: Sequence[str], what: str) -> str:
    return f"left out {count(len(names), 'image')} {what}: {cut(names, _NAMED)}"
