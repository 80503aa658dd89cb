"""Loads datasets by their names, or from files."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, Unpack

from benchmark.datasets.base import Dataset
from benchmark.datasets.image_sets.catalogue import IMAGE_SETS, parse_name
from benchmark.datasets.image_sets.loading import find_folder, load_image_set
from benchmark.datasets.tabular import READERS, load_mat
from benchmark.datasets.tabular_sets.catalogue import find_tabular_set, tabular_sets
from benchmark.datasets.tabular_sets.loading import find_files, how_to_get, load_tabular_set
from benchmark.errors import UsageError
from benchmark.files.kinds import HEAD, refuse_other_kind
from benchmark.files.reading import USUAL, Reading, make_reading, matching, option
from benchmark.progress import QUIET, Console
from benchmark.spelling import spelt
from benchmark.wording import cut, listed
from features.names import did_you_mean, name_key, nearest
from features.storage.files import same_file

#: Built-in name -> one line for people.
BUILT_IN = {
    "synthetic": "600 drawn images with known latent emotion distributions; "
    "synthetic:N or synthetic:NxSIZE for other sizes",
}

# Files of a folder that an error names.
_NAMED = 5

_SYNTHETIC = re.compile(r"synthetic(?::(\d+)(?:x(\d+))?)?", re.IGNORECASE)


def is_synthetic(name: str | Path) -> bool:
    """Tell whether a name means built-in images."""
    return _SYNTHETIC.fullmatch(str(name)) is not None


@dataclass(frozen=True)
class Loading:
    """Where datasets are found, and what is left out of them.

    Attributes
    ----------
    data_dir : str or Path, optional
        Folder in which a relative path is looked up when it does not exist here, and public sets
        always: in it or up to two levels below. Without it public sets are looked up in ``data``.
    cache_dir : Path, optional
        Folder that remembers which image files are sound, so that each is checked once ever.
    skip_unreadable : bool
        Leave out images that cannot be decoded, and note it, instead of refusing the set.
    reading : Reading
        How files are read: which columns or variables are what, and whether rows are normalised.
    """

    data_dir: str | Path | None = None
    cache_dir: Path | None = None
    skip_unreadable: bool = False
    reading: Reading = USUAL


class ReadingSettings(TypedDict, total=False):
    """How a file is read, see `benchmark.files.reading.Reading`."""

    labels: str | Sequence[str]
    features: str | Sequence[str]
    ignore: str | Sequence[str]
    normalise: bool


@spelt(ReadingSettings)
def load_dataset(
    name_or_path: str | Path,
    data_dir: str | Path | None = None,
    cache_dir: Path | None = None,
    skip_unreadable: bool = False,
    progress: Callable[[int], object] | None = None,
    **reading: Unpack[ReadingSettings],
) -> Dataset:
    """Load a dataset by its name, or from a file.

    Parameters
    ----------
    name_or_path : str or Path
        ``synthetic`` (also ``synthetic:1000`` or ``synthetic:1000x128`` for number of images
        and their size in pixels), the path of a file (see `tabular.READERS`), one of
        the tabular sets in `tabular_sets.catalogue`: ``SJAFFE``, or one of
        `image_sets.catalogue.IMAGE_SETS`: ``Emotion6``, ``ArtPhoto``, and where images have a
        single label also ``ArtPhoto:0.4``, spread over the emotion wheel with that sigma.
    data_dir, cache_dir, skip_unreadable
        See `Loading`.
    progress : callable, optional
        Gets the number of images checked since its last call.
    **reading
        How a file is read, see `benchmark.files.reading.Reading`: ``labels``, ``features`` and
        ``ignore``, each a name, a shell pattern, or a sequence of them, and ``normalise``.

    Returns
    -------
    Dataset

    Raises
    ------
    UsageError
        Unknown name, missing or unreadable file, malformed data, images that cannot be decoded,
        or a column that is named and not there.
    BenchmarkError
        `cache_dir` cannot be written, or no process can be started that reads the file.

    Examples
    --------
    >>> import benchmark
    >>> data = benchmark.load_dataset("data.csv")
    >>> data.label_names
    ('calm', 'sad')
    >>> data.to_frame().columns.tolist()
    ['id', 'x0', 'x1', 'label:calm', 'label:sad']
    """
    loading = Loading(data_dir, cache_dir, skip_unreadable, make_reading(**reading))
    data = _load(str(name_or_path), loading, progress)
    _check_patterns([data], loading.reading)
    return data


def _load(name: str, loading: Loading, progress: Callable[[int], object] | None) -> Dataset:
    match = _SYNTHETIC.fullmatch(name)
    if match:
        from benchmark.datasets.synthetic.dataset import load_synthetic

        n, size = (int(group) if group else None for group in match.groups())
        return load_synthetic(*[value for value in (n, size) if value is not None])
    table = None if name.lower().endswith(".mat") else find_tabular_set(name)
    named = parse_name(name)
    if named and table and find_folder(named[0], loading.data_dir) is None:
        # Both have this name, and the images are not here.
        named = None if table.name in find_files(loading.data_dir) else named
    if named:
        return load_image_set(
            *named, loading.data_dir, loading.cache_dir, loading.skip_unreadable, progress
        )
    if table:
        return load_tabular_set(
            table, loading.data_dir, lambda path: load_mat(path, loading.reading)
        )
    path = _find_file(name, loading.data_dir)
    return READERS[path.suffix.lower()](path, loading.reading)


def _find_file(text: str, data_dir: str | Path | None) -> Path:
    """Find a file that can be read, here or in the data folder.

    Raises
    ------
    UsageError
        There is none; tells what lies there, or a name that is near.
    """
    candidates = [Path(text)] + ([Path(data_dir) / text] if data_dir else [])
    is_readable = Path(text).suffix.lower() in READERS
    for path in candidates:
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            if path.is_symlink():
                raise UsageError(f"{path} is a link to a file that is not there") from None
            continue
        except (OSError, ValueError) as error:  # the latter of a name with a zero byte
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(f"{path}: {reason}") from error
        if stat.S_ISREG(status.st_mode) and is_readable:
            return path
        if is_readable and not stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{path} is no file but a pipe or a device; save it as a file")
        if is_readable or stat.S_ISDIR(status.st_mode):
            files = _readable_files([path])
            inside = f", which holds {cut(files, _NAMED)}" if files else ""
            raise UsageError(f"{path} is a folder{inside}; give a {listed(READERS, 'or')} file")
        if stat.S_ISREG(status.st_mode):
            with path.open("rb") as file:
                refuse_other_kind(path, file.read(HEAD))
            raise UsageError(
                f"{path} is not read, by its ending; give a {listed(READERS, 'or')} file, or a "
                f"table of another kind saved as CSV in UTF-8"
            )
    files = _readable_files(path.parent for path in candidates)
    if is_readable:
        same = [name for name in files if Path(name).stem == Path(text).stem]
        near = nearest(Path(text).name, same or files)
        hint = f"; did you mean {files[near]!r}?" if near else ""
        known = find_tabular_set(Path(text).name)
        if known is not None and not near:
            hint = f"; get it with {how_to_get(known, data_dir)}"
        folder = candidates[-1].parent
        if not folder.exists():
            hint = (
                f"; there is no folder {folder}{hint or did_you_mean(folder.name, _beside(folder))}"
            )
        raise UsageError(f"no such file: {' or '.join(map(str, candidates))}{hint}")
    names = [*BUILT_IN, *(image_set.name for image_set in IMAGE_SETS)]
    tables = [known.name for known in tabular_sets()]
    near = nearest(text.partition(":")[0], [*tables, *names, *files])
    hint = f"; did you mean {files.get(near, near)!r}?" if near else ""
    raise UsageError(
        f"no dataset named {text!r}: give one of {', '.join(names)}, a tabular set such as "
        f"{tables[0]} (ldl-benchmark datasets lists them), or the path of a "
        f"{listed(READERS, 'or')} file{hint}"
    )


def _beside(folder: Path) -> list[str]:
    """List the names of the folders that lie where another one would."""
    with suppress(OSError):
        return sorted(path.name for path in folder.parent.iterdir() if path.is_dir())
    return []


def _readable_files(folders: Iterable[Path]) -> dict[str, str]:
    """List the files in some folders that can be read by their endings: name -> path."""
    found: dict[str, str] = {}
    for folder in folders:
        with suppress(OSError):
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() in READERS:
                    found.setdefault(path.name, str(path))
    return found


def _check_patterns(datasets: Iterable[Dataset], reading: Reading) -> None:
    """Refuse options that name what no dataset has.

    Raises
    ------
    UsageError
        One is not there; tells a name that is near, or that no dataset has columns with names.
    """
    columns = {data.name: data.columns for data in datasets}
    given = [(name, p) for name, patterns in reading.patterns.items() for p in patterns]
    if given and not any(columns.values()):
        raise UsageError(
            f"{option(*given[0])}: {listed(columns)} {'has' if len(columns) == 1 else 'have'} no "
            f"columns with names, as those of files"
        )
    every = list(dict.fromkeys(name for names in columns.values() for name in names))
    for name, pattern in given:
        if not matching(every, pattern):
            raise UsageError(
                f"{option(name, pattern)}: {listed(n for n in columns if columns[n])} has no such "
                f"column{did_you_mean(pattern, every)}"
            )


def load_datasets(
    names: Iterable[str],
    given: Iterable[Dataset],
    loading: Loading,
    console: Console = QUIET,
) -> dict[str, Dataset]:
    """Load every dataset of a run.

    Parameters
    ----------
    names : iterable of str
        Names and files, see `load_dataset`.
    given : iterable of Dataset
        Further ones, which are in memory.
    loading : Loading
        Where they are, and what is left out.
    console : Console
        Shows how many images have been checked.

    Returns
    -------
    dict
        Name to dataset.

    Raises
    ------
    UsageError
        One cannot be loaded, two have the same name, or none has a column that is named.
    """
    loaded: dict[str, Dataset] = {}
    found = []
    for name in names:
        with console.bar(f"checking the images of {name}") as bar:
            found.append(_load(name, loading, bar.update))
    for data in [*found, *given]:
        same = [name for name in loaded if name_key(name) == name_key(data.name)]
        if same or (same := list(same_file([*loaded, data.name]) or ())):
            raise UsageError(
                f"two datasets are called {data.name!r}; rename one"
                if same[0].lower() == data.name.lower()
                else f"the names of the datasets {same[0]!r} and {data.name!r} are too alike; "
                f"rename one"
            )
        loaded[data.name] = data
    _check_patterns(loaded.values(), loading.reading)
    return loaded
