"""Fetches the archives that are public: verified, and unpacked without leaving a folder."""

from __future__ import annotations

import errno
import hashlib
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from benchmark.datasets.download import Progress, download
from benchmark.datasets.folders import DATA_DIR
from benchmark.datasets.image_sets.catalogue import ImageSet, how_to_get, known_image_set
from benchmark.datasets.image_sets.loading import status_of
from benchmark.errors import BenchmarkError, UsageError
from features.storage.files import DamagedFileError, read_json, write_json
from features.storage.locking import locked

# What an archive may hold: entries, bytes in all, and how many times it may grow.
_MOST_ENTRIES, _MOST_BYTES, _MOST_GROWTH = 500_000, 50 * 2**30, 200
_METHODS, _ENCRYPTED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), 1

# What the zip reader raises at damaged places.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, IndexError,
    OSError,
)  # fmt: skip

_CHUNK = 2**18


def fetch(
    name: str,
    data_dir: str | Path | None = None,
    tell: Callable[[str], object] = lambda _line: None,
    progress: Progress = lambda _done, _total: None,
    url: str | None = None,
) -> Path:
    """Download an image set and unpack it; what is there already is not fetched again.

    Parameters
    ----------
    name : str
        One of `benchmark.datasets.image_sets.catalogue.IMAGE_SETS`.
    data_dir : str or Path, optional
        Where it goes, by default ``data``. The archive stays there, and once it was unpacked
        a record of its checksum, which any later archive is held against.
    tell : callable
        Gets sentences for the user.
    progress : callable
        Gets the bytes downloaded and the bytes in all.
    url : str, optional
        Address of the archive, if not the one in the catalogue.

    Returns
    -------
    Path
        The set's folder.

    Raises
    ------
    UsageError
        Unknown set, or one that its authors have to be asked for.
    BenchmarkError
        The download fails, the archive is not what it was, cannot be unpacked safely, or lacks a
        part of the set.
    """
    image_set = known_image_set(name)
    image_set = replace(image_set, archive=url or image_set.archive)
    if not image_set.archive:
        raise UsageError(f"{image_set.name} has no public archive: {how_to_get(image_set)}")
    folder = DATA_DIR if data_dir is None else Path(data_dir)
    try:
        with locked(folder / f".{image_set.name}.lock", tell):
            return _fetch(image_set, folder, tell, progress)
    except OSError as error:
        raise BenchmarkError(f"{error.filename or folder}: {error.strerror or error}") from error


def _fetch(
    image_set: ImageSet, folder: Path, tell: Callable[[str], object], progress: Progress
) -> Path:
    there = status_of(image_set, folder)
    if there.folder is not None and there.state == "complete":
        tell(f"{image_set.name} is complete in {there.folder}.")
        return there.folder
    target = folder / image_set.name
    if target.exists():
        raise BenchmarkError(
            f"{target} is in the way, and the set is {there.state}; move it away, then fetch again"
        )
    tell(f"{image_set.name}: {image_set.licence}. Cite: {image_set.citation}.")
    archive = folder / f"{image_set.name}.zip"
    if not archive.exists():
        download(image_set.archive, archive, progress)
    record = folder / f"{image_set.name}.zip.json"
    checksum = _verify(archive, record)
    unpack(archive, target)
    write_json(
        record,
        {"url": image_set.archive, "archive_sha256": checksum, "bytes": archive.stat().st_size},
    )
    found = status_of(image_set, target)
    if found.folder is None or found.state != "complete":
        raise BenchmarkError(f"{archive} was unpacked to {target}, but the set is {found.state}")
    return found.folder


def _verify(archive: Path, record: Path) -> str:
    """Return an archive's checksum; compares it with that of the first one unpacked."""
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        known = read_json(record, {"archive_sha256": str})["archive_sha256"]
    except FileNotFoundError:
        return found
    except DamagedFileError as error:
        raise BenchmarkError(
            f"{record}, which has the checksum of {archive}, is damaged; delete it to accept the "
            f"archive as it is"
        ) from error
    if found != known:
        raise BenchmarkError(
            f"{archive} is not what was downloaded first (SHA-256 {found}, recorded {known} in "
            f"{record}): it was damaged, or the server has another one now; delete the archive to "
            f"download it again, and the record too to accept a new one"
        )
    return found


def unpack(archive: Path, target: Path) -> None:
    """Unpack a zip file into a new folder, which appears only when complete.

    Parameters
    ----------
    archive : Path
        The file.
    target : Path
        The folder; must not exist, and no other process may unpack to it.

    Raises
    ------
    BenchmarkError
        It is no zip file or damaged, or an entry would leave the folder, is a link, is encrypted,
        or grows beyond reason.
    """
    prefix = f".partial-{target.name}-"
    for left in target.parent.glob(f"{prefix}*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        with zipfile.ZipFile(archive) as packed:
            _check_entries(archive, packed)
            for entry in packed.infolist():
                _unpack_entry(packed, entry, temporary)
        temporary.chmod(0o755)
        temporary.replace(target)
    except _DAMAGE as error:
        # A seek to before the file is invalid; other errors of that class are of the disk.
        if isinstance(error, OSError) and (error.errno != errno.EINVAL or error.filename):
            raise
        raise BenchmarkError(
            f"{archive} is damaged or no zip file ({error}); delete it and fetch again"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_entries(archive: Path, packed: zipfile.ZipFile) -> None:
    entries = packed.infolist()
    whole = sum(entry.file_size for entry in entries)
    limit = min(_MOST_BYTES, _MOST_GROWTH * max(archive.stat().st_size, 2**20))
    if len(entries) > _MOST_ENTRIES or whole > limit:
        raise BenchmarkError(
            f"{archive} is not unpacked: {len(entries):,} entries of {whole:,} bytes are more than "
            f"an archive of its size should hold"
        )
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        kind = stat.S_IFMT(entry.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename or not plain:
            raise BenchmarkError(
                f"{archive} is not unpacked: its entry {entry.filename!r} is a link or leads out "
                f"of the folder"
            )
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise BenchmarkError(
                f"{archive} is not unpacked: its entry {entry.filename!r} is encrypted, or "
                f"compressed in an unusual way; unpack it yourself into the same folder"
            )


def _unpack_entry(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    path = folder / PurePosixPath(entry.filename.replace("\\", "/"))
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as source, path.open("wb") as file:
        shutil.copyfileobj(source, file, _CHUNK)  # never more than the size that was checked
        if file.tell() != entry.file_size:
            raise zipfile.BadZipFile(f"{entry.filename!r} is shorter than said")
