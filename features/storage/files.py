"""Files that are complete or absent: atomic writes, checksums, and keys of content.

A file gets its final name only after its bytes are on the disk, and it is trusted because its
checksum says so, never because it exists.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import socket
import struct
import time
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from features.storage.plain_archive import parse_archive
from features.storage.shape import misfit

_TEMPORARY_PREFIX = ".partial-"

# After this time nobody writes any more what a process of another machine has begun.
_LONGEST_WRITE_SECONDS = 86400.0
_CHECKSUM = "sha256"
_LONGEST_SLUG = 60
_SMALL = 2**24  # bytes of an archive that is read as a whole

# Windows has no files of these names, whatever their ending.
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))]
)
_LONGEST_NAME = 255  # bytes, on all usual file systems

# A damaged archive fails in whatever part of the zip, zlib or npy reader meets the damage first.
_DAMAGE = (
    ValueError, KeyError, OSError, EOFError, RuntimeError, NotImplementedError, SyntaxError,
    TypeError, AttributeError, MemoryError, OverflowError, struct.error, tokenize.TokenError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class DamagedFileError(ValueError):
    """A file is not what was written: cut off, changed by hand, or of another format."""


def canonical_json(value: Any) -> str:
    """Write a JSON value so that equal values give equal text: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_key(value: Any) -> str:
    """Hash a JSON value: the SHA-256 of its canonical text, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def array_key(*arrays: NDArray[Any]) -> str:
    """Hash arrays: the SHA-256 of their types, shapes and bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        contiguous = np.ascontiguousarray(array)
        digest.update(f"{contiguous.dtype.str}{contiguous.shape}".encode())
        digest.update(contiguous.view(np.uint8).data if contiguous.size else b"")
    return digest.hexdigest()


@lru_cache(maxsize=4096)
def slug(name: str) -> str:
    """Turn a name into letters, digits, dots and dashes that are safe as a file name.

    Different names give different slugs: one that loses characters gets a hash instead of them,
    and so does one that Windows keeps for a device.
    """
    safe = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:_LONGEST_SLUG]
    device = safe.partition(".")[0].upper() in _DEVICES
    if safe and safe == name and not device:
        return safe
    digits = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{digits}-{safe}" if device else f"{safe}-{digits}".strip("-")


def same_file(names: Iterable[str]) -> tuple[str, str] | None:
    """Find two different names that would have the same file, on a disk that knows no case."""
    found: dict[str, str] = {}
    for name in names:
        other = found.setdefault(slug(name).casefold(), name)
        if other != name:
            return other, name
    return None


def folder_name(names: Iterable[str]) -> str:
    """Join names by ``+`` for a folder; the same names in the same order give the same one.

    Where that is too long for a folder, or would be another place than one, it is the start of it
    and a hash.
    """
    name = "+".join(names)
    whole = name.encode(errors="surrogatepass")
    if len(whole) <= _LONGEST_NAME and name.isprintable() and "/" not in name and name.strip(". "):
        return name
    return f"{slug(name[:_LONGEST_SLUG])}-{hashlib.sha256(whole).hexdigest()[:16]}"


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are absent.

    Raises
    ------
    OSError
        It cannot be made; also where there are hundreds of folders to make, one in the other.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except RecursionError as error:  # of pathlib, a call for each of them
        name = os.strerror(errno.ENAMETOOLONG)
        raise OSError(errno.ENAMETOOLONG, name, str(path)) from error


def write_atomic(path: Path, content: bytes | str, sync: bool = True) -> None:
    """Write a file that appears under its name only when complete.

    The content goes to a temporary file in the same folder (made if absent), is flushed to the
    disk, and then renamed; an interruption leaves the former file untouched.

    Parameters
    ----------
    path : Path
    content : bytes or str
    sync : bool
        Wait for the disk. Else only the system's own end, such as a power cut, can leave a file
        that is cut off, until the disk has been told to write all, see `benchmark.running.keeping`.

    Raises
    ------
    OSError
        The folder cannot be written, or the disk is full.
    """
    # A path that is no Unicode may be in the text, and must not be what ends a run.
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    write_parts_atomic(path, [data], sync)


def write_parts_atomic(path: Path, parts: Iterable[bytes | memoryview], sync: bool = True) -> None:
    """Write a file of several parts as `write_atomic` does, without joining them in memory."""
    make_folder(path.parent)
    handle, temporary = _begin(path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        _sync_folder(path.parent)


def _begin(folder: Path) -> tuple[int, Path]:
    """Make a temporary file, with a lock on it that lasts as long as whoever writes it."""
    prefix = f"{_TEMPORARY_PREFIX}{machine_mark()}-"
    while True:
        temporary = folder / f"{prefix}{secrets.token_hex(8)}"
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with suppress(OSError):  # there are disks without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:  # else it was removed before it was locked
                return handle, temporary
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def remove_partial_files(folder: Path, below: bool = True) -> None:
    """Delete what writers killed in the middle left in a folder, and in those below it.

    Whether one is still at work is known of this machine alone where locks do not reach others:
    what they have begun stays for a day.
    """
    name = f"{_TEMPORARY_PREFIX}*"
    for path in folder.rglob(name) if below else folder.glob(name):
        if not is_another_machines(path.name.removeprefix(_TEMPORARY_PREFIX), path):
            _remove_left(path)


def _remove_left(path: Path) -> None:
    """Delete a temporary file, unless its writer is still there."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # it has gone, or is another user's
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return
    except OSError:  # there are disks without locks
        pass
    path.unlink(missing_ok=True)  # before the lock goes, so that no writer takes it up
    os.close(handle)


@cache
def machine_mark() -> str:
    """Return eight digits for this machine since its start, in names of what ends with it."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        name = socket.gethostname()
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def is_another_machines(name: str, path: Path) -> bool:
    """Tell whether a name begins with the mark of another machine, and its file is of today."""
    if not re.match(r"[0-9a-f]{8}-", name) or name.startswith(f"{machine_mark()}-"):
        return False
    with suppress(OSError):  # it has gone
        return time.time() - path.stat().st_mtime < _LONGEST_WRITE_SECONDS
    return False


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], sync: bool = True) -> None:
    """Write named arrays as an ``.npz`` that carries a checksum; `numpy.load` opens it too.

    Parameters are those of `write_atomic`.
    """
    checksum = np.array(_arrays_checksum(arrays))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{**arrays, _CHECKSUM: checksum})
    write_atomic(path, buffer.getvalue(), sync)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `write_arrays` wrote.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file cannot be read, or its content differs from its checksum.
    """
    try:
        with path.open("rb") as file:
            arrays = _parse_small(file)
            if arrays is None:
                arrays = _load_arrays(file, path)
    except IsADirectoryError as error:
        raise DamagedFileError(f"{path} is damaged: it is a folder") from error
    checksum = str(arrays.pop(_CHECKSUM)[()]) if _CHECKSUM in arrays else ""
    if checksum != _arrays_checksum(arrays):
        raise DamagedFileError(f"{path} is damaged: its content differs from its checksum")
    return arrays


def _parse_small(file: IO[bytes]) -> dict[str, NDArray[Any]] | None:
    """Read an archive as `write_arrays` lays it out, None if it is large or anything else."""
    with contextlib.suppress(OSError):  # which the other reader meets too, and tells
        if os.fstat(file.fileno()).st_size <= _SMALL:
            return parse_archive(file.read())
    return None


def _load_arrays(file: IO[bytes], path: Path) -> dict[str, NDArray[Any]]:
    """Read an archive of any layout and size, and say if it is damaged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers of other versions, which damage gives too
        try:
            file.seek(0)
            _refuse_growth(file)
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            arrays[_CHECKSUM]  # which must be there
        except _DAMAGE as error:
            raise DamagedFileError(f"{path} is damaged: it is no file of arrays") from error
    return arrays


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object for people to read, with a checksum of its content added."""
    stamped = {**value, _CHECKSUM: content_key(dict(value))}
    write_atomic(path, json.dumps(stamped, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, shape: Any = None) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Parameters
    ----------
    path : Path
        The file.
    shape : optional
        What it must hold, see `features.storage.shape.misfit`: whoever edits a file can give it a
        checksum too.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        It is not a JSON object, its content differs from its checksum, or it has another shape.
    """
    try:
        # An editor may have put a byte order mark at the start, which changes nothing.
        text = path.read_text(encoding="utf-8-sig")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        checksum = value.pop(_CHECKSUM)
        found = content_key(value)
    except IsADirectoryError as error:
        raise DamagedFileError(f"{path} is damaged: it is a folder") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(f"{path} is damaged: it is not a JSON file of ours") from error
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(
            f"{path} is damaged: it is not a JSON file of ours ({error})"
        ) from error
    if checksum != found:
        raise DamagedFileError(f"{path} is damaged: its content differs from its checksum")
    if shape is not None and (said := misfit(value, shape)):
        raise DamagedFileError(f"{path} is damaged: {said}")
    return dict(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of what JSON has in braces; a key that is there twice is a mistake."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number that JSON has")


def _refuse_growth(file: IO[bytes]) -> None:
    """Refuse an archive whose arrays would take more memory than the file has bytes.

    We compress nothing, so that only a damaged or made-up file is larger inside than outside.
    """
    with zipfile.ZipFile(file) as archive:
        inside = sum(max(entry.file_size, entry.compress_size) for entry in archive.infolist())
    if inside > file.seek(0, os.SEEK_END):
        raise ValueError("it would grow")
    file.seek(0)


def _arrays_checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    return content_key({name: array_key(np.asarray(array)) for name, array in arrays.items()})


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
