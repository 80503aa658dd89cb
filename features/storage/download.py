"""Downloads a file: what a broken attempt got is kept, and the next one goes on from there.

Written here, since the libraries for this (pooch, torchvision's) do not resume a download that
broke off, and the servers of these files are slow.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path

from features.storage.files import DamagedFileError, read_json, write_json

#: Bytes done and bytes in all, 0 if the server does not tell.
Progress = Callable[[int, int], object]

ATTEMPTS, PATIENCE_SECONDS, PAUSE_SECONDS = 5, 30.0, 2.0

_CHUNK = 2**18


class DownloadError(Exception):
    """A file cannot be had."""


def download(
    url: str,
    path: Path,
    progress: Progress = lambda _done, _total: None,
    check: Callable[[Path], object] = lambda _part: None,
) -> None:
    """Download a file; what a broken attempt got is kept, and the next goes on from there.

    Parameters
    ----------
    url : str
        http or https.
    path : Path
        Where it goes when complete; until then it grows beside it, with ``.part`` in its name.
    progress : callable
        Gets the bytes done and the bytes in all.
    check : callable
        Gets the complete file before it has its name; what it raises leaves no file.

    Raises
    ------
    ValueError
        The address is of another kind.
    DownloadError
        It cannot be had; says why, and that the same command goes on.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url} is no http or https address")
    path.parent.mkdir(parents=True, exist_ok=True)
    part, record = (path.with_name(f"{path.name}.part{end}") for end in ("", ".json"))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _download_once(url, part, record, progress)
            break
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == ATTEMPTS:
                raise DownloadError(
                    f"{url} cannot be downloaded: the server answers {error.code} {error.reason}"
                ) from error
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            if isinstance(error, OSError) and error.filename:  # of a file here
                raise
            if attempt == ATTEMPTS:
                kept = part.stat().st_size if part.exists() else 0
                raise DownloadError(
                    f"{url} cannot be downloaded ({getattr(error, 'reason', None) or error}); "
                    f"{kept:,} bytes are kept, and the same command goes on from there"
                ) from error
        time.sleep(PAUSE_SECONDS)
    try:
        check(part)
    except OSError:
        raise
    except Exception:
        part.unlink()
        record.unlink(missing_ok=True)
        raise
    part.replace(path)
    record.unlink(missing_ok=True)


def _download_once(url: str, part: Path, record: Path, progress: Progress) -> None:
    begun = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "ldl-benchmark"})  # noqa: S310
    try:
        mark = str(read_json(record, {"mark": str})["mark"]) if begun else ""
    except (FileNotFoundError, DamagedFileError):
        mark = ""
    if begun and mark:  # else nothing tells that the file is still the same
        request.add_header("Range", f"bytes={begun}-")
        request.add_header("If-Range", mark)
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        part.unlink(missing_ok=True)  # as long as the file, or longer: it is another one
        raise urllib.error.URLError("the file has changed") from error
    with answer:
        new_mark = _mark(answer.headers)
        goes_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        if goes_on:
            place = answer.headers.get("Content-Range", "")
            if not place.startswith(f"bytes {begun}-") or new_mark not in ("", mark):
                part.unlink(missing_ok=True)
                raise urllib.error.URLError("the server sent another part than asked for")
        done = begun if goes_on else 0
        total = 0 if answer.length is None else done + answer.length
        with part.open("ab" if goes_on else "wb") as file:
            if not goes_on:  # after the file was emptied, so that the mark is never of other bytes
                write_json(record, {"mark": new_mark})
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(done, total)
    if done < total:
        raise urllib.error.URLError(f"the connection broke off at {done:,} of {total:,} bytes")


def _mark(headers: Message) -> str:
    """Return what tells whether a file is still the same, byte for byte; empty if nothing does."""
    etag = headers.get("ETag", "")
    return (etag if not etag.startswith("W/") else "") or headers.get("Last-Modified", "")
