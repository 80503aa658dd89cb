"""Fetches a public set by its name, whether tabular or of images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmark.datasets.download import Progress
from benchmark.datasets.image_sets import download as image_sets
from benchmark.datasets.image_sets.catalogue import IMAGE_SETS, find_image_set
from benchmark.datasets.tabular_sets import download as tabular_sets
from benchmark.datasets.tabular_sets.catalogue import find_tabular_set
from benchmark.datasets.tabular_sets.catalogue import tabular_sets as all_tabular_sets
from benchmark.errors import UsageError
from features.names import did_you_mean


def fetch(
    name: str,
    data_dir: str | Path | None = None,
    tell: Callable[[str], object] = lambda _line: None,
    progress: Progress = lambda _done, _total: None,
    url: str | None = None,
) -> Path:
    """Download a public set; what is there already is not fetched again.

    Parameters
    ----------
    name : str
        Of a set; case does not matter. Of one name for images and for a table, ``NAME.mat`` means
        the table.
    data_dir : str or Path, optional
        Where it goes, by default ``data``.
    tell : callable
        Gets sentences for the user.
    progress : callable
        Gets the bytes downloaded and the bytes in all.
    url : str, optional
        Another address than the set's own: of the file, or of the folder with the ``.mat`` file.

    Returns
    -------
    Path
        The file, or the folder of images.

    Raises
    ------
    UsageError
        Unknown set, or one that its authors have to be asked for.
    BenchmarkError
        The download fails, or what came is not the set.
    """
    table, images = find_tabular_set(name), find_image_set(name)
    if table is not None and images is None:
        return tabular_sets.fetch(table, data_dir, tell, progress, url)
    if images is None:
        pictures = [known.name for known in IMAGE_SETS]
        tables = [known.name for known in all_tabular_sets()]
        raise UsageError(
            f"no public set named {name!r}{did_you_mean(name, [*tables, *pictures])}; there are "
            f"the tabular sets {', '.join(tables)} and the image sets {', '.join(pictures)}"
        )
    if table is not None and name != images.name:
        tell(f"These are the images of {images.name}; {table.file_name} means its features.")
    return image_sets.fetch(images.name, data_dir, tell, progress, url)
