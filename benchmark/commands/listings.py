"""What there is - models, measures, datasets - and checks of one's own, as functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.commands.answers.documents import ReferenceResults
from benchmark.commands.answers.models import Models
from benchmark.commands.answers.tables import Listing, Problems
from benchmark.datasets.fetching import fetch
from benchmark.datasets.image_sets.loading import status as status_of_images
from benchmark.datasets.loading import BUILT_IN
from benchmark.datasets.tabular_sets.loading import status as status_of_tables
from benchmark.metrics import known_measures
from benchmark.plugins import contract, registry
from benchmark.plugins.given import class_of_given
from benchmark.progress import console_for
from benchmark.reference import contents
from benchmark.spelling import spelt
from benchmark.tables.measures import measures_grid


def models() -> Models:
    """List the models that can be run.

    Returns
    -------
    Models
        A mapping of names to models: built in, of installed packages, of plugins, registered.

    Examples
    --------
    >>> import benchmark
    >>> "AA-kNN" in benchmark.models()
    True
    >>> benchmark.models().to_frame().loc[0, "model"]
    'PT-Bayes'
    """
    return Models(registry.models())


def measures() -> Listing:
    """List the measures that tables can have.

    Returns
    -------
    Listing
        Name, column, range, formula and source of each.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.measures().to_frame()["measure"].tolist()[:3]
    ['chebyshev', 'clark', 'canberra']
    """
    grid = measures_grid(known_measures().values())
    frame = pd.DataFrame(grid.rows, columns=[head.lower() for head in grid.headers])
    return Listing.of(grid.caption, frame, grid.notes)


@spelt()
def known_datasets(data_dir: str | Path | None = None) -> Listing:
    """List the datasets that go by name, and which of them are here.

    Parameters
    ----------
    data_dir : str or Path, optional
        Where public sets are looked up, by default ``data``.

    Returns
    -------
    Listing
        Name, kind (built in, table, images), rows, what they are, and what is here.

    Raises
    ------
    UsageError
        A folder cannot be read.

    Examples
    --------
    >>> import benchmark
    >>> listing = benchmark.known_datasets().to_frame()
    >>> listing[listing["kind"] == "table"]["dataset"].tolist()[:2]
    ['SJAFFE', 'SBU_3DFE']
    """
    rows: list[tuple[Any, ...]] = [
        (name, "built in", "", what, "yes") for name, what in BUILT_IN.items()
    ]
    for table in status_of_tables(data_dir):
        known = table.tabular_set
        rows.append((known.name, "table", f"{known.rows:,}", known.what, table.state))
    for images in status_of_images(data_dir):
        rows.append((images.name, "images", images.expected, images.obtain, images.state))
    frame = pd.DataFrame(rows, columns=["dataset", "kind", "rows", "what it is", "here"])
    return Listing.of("Datasets", frame)


@spelt()
def fetch_dataset(
    name: str, data_dir: str | Path | None = None, *, url: str = "", progress: bool | None = None
) -> Path:
    """Download a public dataset; one that is here is verified and left alone.

    Parameters
    ----------
    name : str
        One of `known_datasets`.
    data_dir : str or Path, optional
        Where it goes, by default ``data``.
    url : str
        Another address, such as of a mirror.
    progress : bool, optional
        As in `run`.

    Returns
    -------
    Path
        The file or folder.

    Raises
    ------
    UsageError
        There is no such set, or its archive is not public; says how to get it.
    BenchmarkError
        The download failed, or is not what was expected.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.fetch_dataset("SJAFFE")  # doctest: +SKIP
    PosixPath('data/SJAFFE.mat')
    """
    console = console_for(progress)
    with console.bar(name, unit="B") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        return fetch(name, data_dir, console.tell, show, url or None)


@spelt()
def reference_results(folder: str | Path = contents.NAME) -> ReferenceResults:
    """Read the reference results: per-fold scores and settings of every method on every set.

    Parameters
    ----------
    folder : str or Path
        Those that come with the package, or a folder of others.

    Returns
    -------
    ReferenceResults
        Tables (DataFrames): ``scores`` has a row per set, method and fold, with a column for each
        measure; ``cells`` tells what is complete, over budget or failed; ``sets`` the data and
        their folds; ``models`` the settings. See `benchmark.reference.contents.Reference`.

    Raises
    ------
    UsageError
        There are none in the folder.
    BenchmarkError
        A file is damaged.

    Examples
    --------
    >>> import benchmark
    >>> scores = benchmark.reference_results().scores
    >>> means = scores.groupby(["dataset", "model"])["kl_divergence"].mean()
    >>> f"{means['SJAFFE', 'AA-kNN']:.3f}"
    '0.051'
    """
    return ReferenceResults(**vars(contents.reference_results(folder)))


@spelt()
def check_model(model: Any) -> Problems:
    """Find everything that breaks the contract of a model.

    Parameters
    ----------
    model : type, learner or str
        A class, a configured learner, a scikit-learn regressor, or the name of a model.

    Returns
    -------
    Problems
        A sentence per problem; empty if there is none.

    Raises
    ------
    UsageError
        It is no model, or there is none of that name.

    Examples
    --------
    >>> import benchmark
    >>> from baselines import AAKNN
    >>> benchmark.check_model(AAKNN)
    AAKNN follows the contract.
    >>> bool(benchmark.check_model(AAKNN(k=3)))
    False
    """
    name, cls = class_of_given(model)
    return Problems(contract.check_model(cls), f"{name} follows the contract.")


@spelt()
def check_plugin(path: str | Path) -> Problems:
    """Find everything that is wrong with the models and measures of a plugin file.

    Parameters
    ----------
    path : str or Path
        The plugin.

    Returns
    -------
    Problems
        A sentence per problem; empty if there is none.

    Raises
    ------
    UsageError
        The file is missing or cannot be loaded at all.

    Examples
    --------
    >>> import benchmark
    >>> path = benchmark.new_model("My method")
    >>> benchmark.check_plugin(path)
    my_method.py follows the contract.
    """
    return Problems(contract.check_plugin(path), f"{Path(path).name} follows the contract.")
