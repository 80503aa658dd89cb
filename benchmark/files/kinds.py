"""Tells what a file is by how it begins, where that is not what its name says."""

from __future__ import annotations

from contextlib import suppress

from benchmark.errors import UsageError

#: So many bytes of a file tell what it is.
HEAD = 4096

# Of the characters that do not print, those of text.
_LINES = dict.fromkeys(map(ord, "\t\r\n\ufeff"))

# How a file of another kind begins, what it is, and what to do.
_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "git-lfs", "a Git LFS pointer, which stands for a file that has "
     "not been downloaded; get it with 'git lfs pull'"),
    (b"/annex/objects/", "git-annex", "a git-annex pointer, which stands for a file that has not "
     "been downloaded; get it with 'git annex get'"),
    (b"PAR1\x15", "parquet", "a Parquet file; call it .parquet"),
    (b"MATLAB 5.0 MAT-file", "matlab", "a MATLAB file; call it .mat"),
    (b"MATLAB 7.3 MAT-file", "matlab", "a MATLAB file; call it .mat"),
    (b"\x89HDF\r\n\x1a\n", "hdf5", "an HDF5 file; call it .mat if it has the matrices of one"),
    (b"# Created by Octave", "octave", "a text file of Octave; save it with 'save -v7'"),
    (b"PK\x03\x04", "zip", "a zip archive; unpack it"),
    (b"PK\x05\x06", "zip", "an empty zip archive"),
    (b"\x1f\x8b", "gzip", "compressed (gzip); unpack it"),
    (b"BZh9", "bzip2", "compressed (bzip2); unpack it"),
    (b"\xfd7zXZ\x00", "xz", "compressed (xz); unpack it"),
    (b"\x28\xb5\x2f\xfd", "zstd", "compressed (zstd); unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "a 7z archive; unpack it"),
    (b"Rar!", "rar", "a RAR archive; unpack it"),
    (b"\xd0\xcf\x11\xe0", "excel", "an Excel or Word file; save the table as CSV in UTF-8"),
    (b"\x93NUMPY", "npy", "a NumPy array; write features and labels into one file with "
     "np.savez('data.npz', features=X, labels=D)"),
    (b"ARROW1\0\0", "arrow", "a Feather (Arrow) file; call it .feather"),
    (b"FEA1", "feather-1", "a Feather file of version 1; save it again, which makes version 2"),
    (b"SQLite format 3", "sqlite", "an SQLite database; export the table as CSV"),
    (b"%PDF", "pdf", "a PDF document"),
    (b"{\\rtf", "rtf", "a text document (RTF); save the table as CSV in UTF-8"),
    (b"\x89PNG", "image", "an image"),
    (b"\xff\xd8\xff", "image", "an image"),
    (b"404: Not Found", "missing", "the answer of a server that has no such file; look at the "
     "address it was downloaded from"),
)  # fmt: skip


def refuse_other_kind(path: object, head: bytes, own: tuple[str, ...] = ()) -> None:
    """Refuse a file that is plainly something else than its name says, and tell what it is.

    Parameters
    ----------
    path : object
        What to call the file.
    head : bytes
        Its first `HEAD` bytes, or all of it.
    own : tuple of str
        The kinds that are read under such a name.

    Raises
    ------
    UsageError
        It is empty or of another kind.
    """
    if not head:
        raise UsageError(f"{path} is empty")
    kind, what = _kind(head)
    if what and kind not in own:
        raise UsageError(f"{path} is {what}")


def says_text(head: bytes) -> str:
    """Return an addition to the error of a reader of binary files: that this one holds text.

    Parameters
    ----------
    head : bytes
        The first `HEAD` bytes of the file.
    """
    with suppress(UnicodeDecodeError):
        text = head.decode("utf-8", "strict" if len(head) < HEAD else "ignore")
        if text.translate(_LINES).isprintable():
            return "it is text; if it is a table separated by commas, call it .csv"
    return ""


def _kind(head: bytes) -> tuple[str, str]:
    for beginning, kind, what in _BEGINNINGS:
        if head.startswith(beginning):
            if kind == "zip" and (b"[Content_Types].xml" in head or b"xl/" in head):
                what = "an Excel workbook; save the table as CSV in UTF-8"
            elif kind == "zip" and b".npy" in head:
                kind, what = "npz", "a NumPy archive; call it .npz"
            return kind, what
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<") and b"label:" not in head:
        return "html", (
            "an HTML or XML page, such as a server sends in place of a file; download the file "
            "itself"
        )
    if text.startswith((b'{"', b"{\n", b"{ ")):
        return "json", "a JSON document, perhaps a server's message in place of a file"
    if len(head) >= 128 and not head.strip(b"\0"):
        return "zeros", "filled with zeros: it was not written to its end; get it again"
    return "", ""
