"""Image sets on the disk: where they lie, whether they are complete, and loading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.datasets.base import Dataset, make_dataset
from benchmark.datasets.folders import DATA_DIR, folders_in
from benchmark.datasets.image_sets.catalogue import DEFAULT_SIGMA, IMAGE_SETS, ImageSet, how_to_get
from benchmark.datasets.image_sets.layouts import Reading, find_images, missing_parts, read_folder
from benchmark.errors import BenchmarkError, UsageError
from benchmark.wording import count, cut
from ewmtcnn.wheel import prior_distributions
from features.images.checking import check_image_files
from features.images.decoding import ImageError
from features.images.sources import ImageFiles

# Names of damaged images in an error, and of those left out in a note.
_IN_ERROR, _IN_NOTE = 100, 5


@dataclass(frozen=True)
class SetStatus:
    """Whether a set is here.

    Attributes
    ----------
    name : str
        Of the set.
    expected : str
        How many images the full set has, in words.
    state : str
        ``complete``, ``incomplete: ...`` or ``absent``.
    folder : Path or None
        Where it lies.
    licence : str
        Terms of use in a few words.
    obtain : str
        How to get it, in a few words.
    citation : str
        What to cite.
    """

    name: str
    expected: str
    state: str
    folder: Path | None
    licence: str
    obtain: str
    citation: str


def status(data_dir: str | Path | None = None) -> list[SetStatus]:
    """Tell for every set whether it is here, by counting files; decodes none.

    Parameters
    ----------
    data_dir : str or Path, optional
        Where to look; `DATA_DIR` if absent.

    Raises
    ------
    UsageError
        A folder cannot be read.
    """
    return [status_of(image_set, data_dir) for image_set in IMAGE_SETS]


def status_of(image_set: ImageSet, data_dir: str | Path | None = None) -> SetStatus:
    """Tell whether one set is here; see `status`."""
    folder = find_folder(image_set, data_dir)
    state = "absent" if folder is None else _state(image_set, folder)
    return SetStatus(
        image_set.name, image_set.expected, state, folder, image_set.licence,
        how_to_get(image_set), image_set.citation,
    )  # fmt: skip


def _state(image_set: ImageSet, folder: Path) -> str:
    try:
        missing = missing_parts(image_set, folder)
        images = len(find_images(image_set, folder))
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error
    if missing:
        return f"incomplete: no {', no '.join(missing)}"
    if not image_set.has_all(images):
        return f"incomplete: {images:,} of {image_set.expected} images"
    return "complete"


def find_folder(image_set: ImageSet, data_dir: str | Path | None = None) -> Path | None:
    """Find the folder of a set by its name: `data_dir` itself, or up to two levels below it.

    Parameters
    ----------
    image_set : ImageSet
        What to look for; its folder has the set's name or that in its archive, in any case.
    data_dir : str or Path, optional
        Where to look; `DATA_DIR` if absent.

    Returns
    -------
    Path or None
        Of several folders the one that lacks least; None if there is none.

    Raises
    ------
    UsageError
        `data_dir` or the set's folder cannot be read; others that cannot are passed over.
    """
    top = DATA_DIR if data_dir is None else Path(data_dir)
    try:
        found = [
            folder
            for folder in folders_in(top)
            if image_set.is_called(folder.name) or image_set.is_called(folder.resolve().name)
        ]
        if len(found) < 2:  # spares counting the images
            return found[0] if found else None
        return min(found, key=lambda folder: _lack(image_set, folder))
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error


def _lack(image_set: ImageSet, folder: Path) -> tuple[int, int]:
    """Order folders: first by what else they lack, then the one with the most images."""
    return len(missing_parts(image_set, folder)), -len(find_images(image_set, folder))


def read_image_set(image_set: ImageSet, data_dir: str | Path | None = None) -> tuple[Path, Reading]:
    """Find a set and read what its folder says; decodes no image.

    Returns
    -------
    folder : Path
        Where it lies.
    reading : Reading
        Paths, ids and labels.

    Raises
    ------
    UsageError
        It is not here, is incomplete, or a file is malformed.
    """
    folder = find_folder(image_set, data_dir)
    if folder is None:
        place = DATA_DIR if data_dir is None else Path(data_dir)
        names = " or ".join((image_set.name, *image_set.folders))
        get = how_to_get(image_set)
        if image_set.archive and data_dir is not None:
            get += f" --data-dir {data_dir}"
        raise UsageError(
            f"{image_set.name} is not in {place}: there is no folder {names}; get it ({get}), or "
            f"give the folder that holds it with --data-dir"
        )
    try:
        return folder, read_folder(image_set, folder)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error


def load_image_set(
    image_set: ImageSet,
    sigma: float | None = None,
    data_dir: str | Path | None = None,
    cache_dir: Path | None = None,
    skip_unreadable: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Dataset:
    """Load a set: read its labels, and decode every image once to see that it can be.

    Parameters
    ----------
    image_set : ImageSet
        Which.
    sigma : float, optional
        Width with which single labels are spread over the emotion wheel (f_mu of Lai, Wan and
        Zeng 2022, eq. 1-2); `DEFAULT_SIGMA` if absent.
    data_dir : str or Path, optional
        Where it is looked up; `DATA_DIR` if absent.
    cache_dir : Path, optional
        Folder that remembers which files are sound, so that each is decoded once ever; without
        it all are, every time.
    skip_unreadable : bool
        Leave out images that cannot be decoded, and note it.
    progress : callable, optional
        Gets the number of images checked since its last call.

    Returns
    -------
    Dataset
        Without features; `images` has the files.

    Raises
    ------
    UsageError
        The set is not here, incomplete or malformed, or images cannot be decoded; names them.
    BenchmarkError
        `cache_dir` cannot be written.
    """
    folder, reading = read_image_set(image_set, data_dir)
    index = None if cache_dir is None else cache_dir / "checked" / f"{image_set.name}.json"
    try:
        problems = check_image_files(reading.paths, index, progress)
    except OSError as error:
        raise BenchmarkError(f"cannot write {error.filename}: {error.strerror}") from error
    sound = [row for row, path in enumerate(reading.paths) if path not in problems]
    damaged = {
        name: problems[path]
        for name, path in zip(reading.ids, reading.paths, strict=True)
        if path in problems
    }
    if damaged and (not skip_unreadable or not sound):
        raise UsageError(_describe_damage(image_set, folder, damaged, bool(sound)))
    notes = list(reading.notes)
    if damaged:
        named = cut(damaged, _IN_NOTE)
        notes.append(f"left out {count(len(damaged), 'image')} that cannot be decoded: {named}")
    if not image_set.has_all(len(sound)) and len(sound) != image_set.rated:
        notes.append(f"{count(len(sound), 'image')}; the full set has {image_set.expected}")
    images = ImageFiles(tuple(reading.paths[row] for row in sound), index)
    try:
        doubles = len(sound) - len(set(images.keys))
    except ImageError as error:
        raise UsageError(f"{image_set.name}: {error}") from error
    if doubles:
        notes.append(f"{count(doubles, 'image repeats', 'images repeat')} another byte for byte")
    D, name, spread = reading.D[sound], image_set.name, None
    if image_set.single_label:
        spread = DEFAULT_SIGMA if sigma is None else sigma
        name = name if sigma is None else f"{name}-sigma{sigma:.15g}"
        D = prior_distributions(image_set.labels, spread)[np.argmax(D, axis=1)]
        notes.append(f"single labels, spread over the emotion wheel with sigma {spread:.15g}")
    return make_dataset(
        name,
        None,
        D,
        label_names=image_set.labels,
        ids=[reading.ids[row] for row in sound],
        images=images,
        split=[reading.splits[row] for row in sound] if reading.splits else None,
        raters=None if reading.raters is None else reading.raters[sound],
        sigma=spread,
        source=str(folder),
        notes=notes,
    )


def _describe_damage(
    image_set: ImageSet, folder: Path, damaged: dict[str, str], some_are_sound: bool
) -> str:
    first: Sequence[tuple[str, str]] = list(damaged.items())[:_IN_ERROR]
    named = "; ".join(f"{name}: {reason}" for name, reason in first)
    more = len(damaged) - len(first)
    leave_out = ", or leave them out with --skip-unreadable" if some_are_sound else ""
    return (
        f"{image_set.name} in {folder}: {count(len(damaged), 'image')} cannot be decoded; repair "
        f"them{leave_out} ({named}" + (f"; and {more} more)" if more else ")")
    )
