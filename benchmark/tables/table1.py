"""Table 1: the number of images per class of image sets, beside what the full sets have."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.columns import TABLE1
from benchmark.datasets.image_sets.catalogue import ImageSet, known_image_set
from benchmark.datasets.image_sets.layouts import Reading
from benchmark.datasets.image_sets.loading import read_image_set
from benchmark.errors import UsageError
from benchmark.store.run_folder import RunFolder
from benchmark.tables import grid
from benchmark.tables.grid import Grid, captioned
from benchmark.tables.options import TableOptions
from benchmark.tables.writing import write_grid

logger = logging.getLogger("benchmark")

#: Default folder of the table, and the image sets that the paper's Table 1 has.
FOLDER = Path("results", "tables")
PAPERS = ("Emotion6", "ArtPhoto")

_CATEGORY, _DOMINANT = "category", "dominant label"


def table1(sets: Sequence[tuple[ImageSet, Reading]]) -> pd.DataFrame:
    """Count images per class.

    Parameters
    ----------
    sets : sequence of (ImageSet, Reading)
        What `benchmark.datasets.image_sets.loading.read_image_set` read.

    Returns
    -------
    DataFrame
        Columns `benchmark.columns.TABLE1`. Images are counted by dominant label, the first of the
        largest shares, and also by category where the set has folders of classes beside
        distributions.
    """
    rows = []
    for image_set, reading in sets:
        dominant = np.array(image_set.labels)[reading.D.argmax(axis=1)]
        countings = {_DOMINANT: dominant}
        if reading.classes:
            countings = {_CATEGORY: np.array(reading.classes), **countings}
        for position, (counted_by, classes) in enumerate(countings.items()):
            others = sorted(set(classes) - set(image_set.labels))
            for label in (*image_set.labels, *others):
                number = int((classes == label).sum())
                expected = image_set.classes.get(label) if position == 0 else None
                if number or expected or counted_by == _DOMINANT:
                    rows.append((image_set.name, counted_by, label, number, expected))
    frame = pd.DataFrame(rows, columns=list(TABLE1))
    return frame.astype({"expected": "Int64"})


def table1_grid(frame: pd.DataFrame, options: TableOptions | None = None) -> Grid:
    """Write the cells; a number other than the paper's has the paper's in brackets."""
    rows = []
    for (dataset, counted_by), part in frame.groupby(["dataset", "counted_by"], sort=False):
        for row in part.to_dict("records"):
            expected = row["expected"]
            differs = not pd.isna(expected) and expected != row["images"]
            number = f"{row['images']:,}" + (f" [{expected:,}]" if differs else "")
            rows.append([str(dataset), str(counted_by), str(row["class"]), number])
        rows.append([str(dataset), str(counted_by), "all", f"{part['images'].sum():,}"])
    cells = Grid(
        caption="Images per class",
        headers=["Dataset", "Counted by", "Class", "Images"],
        cells=[grid.text_cells(row) for row in rows],
        notes=[
            "In brackets the number in Table 1 of Lai, Wan and Zeng (2022), where it is another.",
            "A category is the folder in which an image lies; the dominant label is the first of "
            "the largest shares that raters gave it, which may be another emotion.",
        ],
        names=3,
        legend=[
            "In brackets: the number in Table 1 of Lai, Wan and Zeng (2022), where it is another. "
            "Category: the folder of an image; dominant label: the first of the largest shares.",
        ],
        name="table1",
    )
    return captioned([cells], options or TableOptions())[0]


def write_table1(
    names: Sequence[str] = (),
    data_dir: str | Path | None = None,
    out: str | Path | None = None,
    problems: list[str] | None = None,
    options: TableOptions | None = None,
) -> tuple[Grid, list[Path]]:
    """Make Table 1 of image sets as .csv, .tex and .md files. Decodes no image.

    Parameters
    ----------
    names : sequence of str
        Image sets to count; by default those of the paper.
    data_dir : str or Path, optional
        Folder in which they are looked up.
    out : str or Path, optional
        Folder for the files, by default ``results/tables``.
    problems : optional
        As in `benchmark.tables.writing.write_files`.
    options : TableOptions, optional
        How it is written.

    Returns
    -------
    grid : Grid
        The table.
    paths : list of Path
        The files; none where the default folder cannot be written, which is logged.

    Raises
    ------
    UsageError
        Unknown set, or one that is absent, incomplete or malformed.
    BenchmarkError
        The files cannot be written.
    """
    chosen = [known_image_set(name) for name in names or PAPERS]
    if len({image_set.name for image_set in chosen}) < len(chosen):
        raise UsageError("a dataset is named twice")
    frame = table1([(each, read_image_set(each, data_dir)[1]) for each in chosen])
    cells = table1_grid(frame, options)
    folder = RunFolder(Path(out or FOLDER))
    if out is None and (said := folder.obstacle()):  # nobody asked for files
        logger.warning("%s", said)
        return cells, []
    return cells, write_grid(folder, "table1", frame, cells, problems)
