"""Loads datasets by their names, or from files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmark.datasets.base import Dataset
from benchmark.datasets.image_sets.catalogue import IMAGE_SETS, parse_name
from benchmark.errors import UsageError
from benchmark.progress import QUIET, Console
from benchmark.wording import listed
from features.names import did_you_mean

#: Built-in name -> one line for people.
BUILT_IN = {
    "synthetic": "600 drawn images with known latent emotion distributions; "
    "synthetic:N or synthetic:NxSIZE for other sizes",
}

_SYNTHETIC = re.compile(r"synthetic(?::(\d+)(?:x(\d+))?)?", re.IGNORECASE)


def is_synthetic(name: str | Path) -> bool:
    """Tell whether a name means built-in images."""
    return _SYNTHETIC.fullmatch(str(name)) is not None


def load_dataset(
    name_or_path: str | Path,
    data_dir: str | Path | None = None,
    cache_dir: Path | None = None,
    skip_unreadable: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Dataset:
    """Load a dataset by its name, or from a file.

    Parameters
    ----------
    name_or_path : str or Path
        ``synthetic`` (also ``synthetic:1000`` or ``synthetic:1000x128`` for number of images
        and their size in pixels), the path of a ``.mat``, ``.csv`` or ``.parquet`` file, or one
        of `image_sets.catalogue.IMAGE_SETS`: ``Emotion6``, ``ArtPhoto``, and where images
        have a single label also ``ArtPhoto:0.4``, spread over the emotion wheel with that sigma.
    data_dir : str or Path, optional
        Folder in which a relative path is looked up when it does not exist here, and image sets
        always: in it or up to two levels below. Without it image sets are looked up in ``data``.
    cache_dir : Path, optional
        Folder that remembers which image files are sound, so that each is checked once ever.
    skip_unreadable : bool
        Leave out images that cannot be decoded, and note it, instead of refusing the set.
    progress : callable, optional
        Gets the number of images checked since its last call.

    Returns
    -------
    Dataset

    Raises
    ------
    UsageError
        Unknown name, missing or unreadable file, malformed data, or images that cannot be
        decoded.
    BenchmarkError
        `cache_dir` cannot be written.
    """
    from benchmark.datasets.tabular import READERS

    text = str(name_or_path)
    match = _SYNTHETIC.fullmatch(text)
    if match:
        from benchmark.datasets.synthetic.dataset import load_synthetic

        n, size = (int(group) if group else None for group in match.groups())
        return load_synthetic(*[value for value in (n, size) if value is not None])
    named = parse_name(text)
    if named:
        from benchmark.datasets.image_sets.loading import load_image_set

        return load_image_set(*named, data_dir, cache_dir, skip_unreadable, progress)
    candidates = [Path(text)] + ([Path(data_dir) / text] if data_dir else [])
    reader = READERS.get(Path(text).suffix.lower())
    if reader is None:
        names = [*BUILT_IN, *(image_set.name for image_set in IMAGE_SETS)]
        raise UsageError(
            f"no dataset named {text!r}: give one of {', '.join(names)}, or the path of a "
            f"{listed(READERS, 'or')} file{did_you_mean(text.partition(':')[0], names)}"
        )
    for path in candidates:
        try:
            found = path.is_file()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error
        if found:
            return reader(path)
    raise UsageError(f"no such file: {' or '.join(str(path) for path in candidates)}")


def load_datasets(
    names: Iterable[str],
    given: Iterable[Dataset],
    data_dir: str | Path | None,
    cache: Path,
    skip_unreadable: bool = False,
    console: Console = QUIET,
) -> dict[str, Dataset]:
    """Load every dataset of a run.

    Parameters
    ----------
    names : iterable of str
        Names and files, see `load_dataset`.
    given : iterable of Dataset
        Further ones, which are in memory.
    data_dir, cache, skip_unreadable
        See `load_dataset`.
    console : Console
        Shows how many images have been checked.

    Returns
    -------
    dict
        Name to dataset.

    Raises
    ------
    UsageError
        One cannot be loaded, or two have the same name.
    """
    loaded: dict[str, Dataset] = {}
    found = []
    for name in names:
        with console.bar(f"checking the images of {name}") as bar:
            found.append(load_dataset(name, data_dir, cache, skip_unreadable, bar.update))
    for data in [*found, *given]:
        if data.name.lower() in {name.lower() for name in loaded}:
            raise UsageError(f"two datasets are called {data.name!r}; rename one")
        loaded[data.name] = data
    return loaded
