"""Text files that list images and what raters said of them, one image a line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.checks import NEGATIVE_TOLERANCE, SUM_TOLERANCE
from benchmark.datasets.image_sets.catalogue import ImageSet
from benchmark.errors import UsageError
from benchmark.files.kinds import HEAD, refuse_other_kind
from benchmark.wording import listed

_SHORT_FORMS = {"sad": "sadness", "content": "contentment"}


@dataclass(frozen=True)
class Row:
    """What a line says.

    Attributes
    ----------
    where : str
        File and line, for error messages.
    image : str
        The image, as it is written there, but with slashes.
    values : list of float
        A number per label, in the order of the set's labels.
    """

    where: str
    image: str
    values: list[float]


def read_shares(image_set: ImageSet, path: Path) -> Iterator[Row]:
    """Read Emotion6's list: shares of raters, separated by tabs, below names in brackets.

    Raises
    ------
    UsageError
        The file cannot be read, or a line is malformed; names it.
    """
    lines = _read_lines(path)
    names = re.findall(r"\[([^\]]*)\]", lines[0][1])
    names = [re.sub(r"^prob\.", "", name.strip().lower()).strip() for name in names]
    _check_header(image_set, path, names)
    for number, line in lines[1:]:
        fields = line.rstrip().split("\t" if "\t" in line else None)
        row = _make_row(image_set, f"{path}, line {number}", names, fields)
        if abs(sum(row.values) - 1) > SUM_TOLERANCE:
            raise UsageError(f"{row.where}: the shares sum to {sum(row.values):.6g}, not to 1")
        yield row


def read_votes(image_set: ImageSet, path: Path) -> Iterator[Row]:
    """Read the list of Flickr_LDL and Twitter_LDL: votes separated by white space.

    Raises
    ------
    UsageError
        As `read_shares`.
    """
    return _read_votes(image_set, path, None)


def read_votes_csv(image_set: ImageSet, path: Path) -> Iterator[Row]:
    """Read Abstract's list: names in single quotes and votes, separated by commas.

    Raises
    ------
    UsageError
        As `read_shares`.
    """
    return _read_votes(image_set, path, ",")


def _read_votes(image_set: ImageSet, path: Path, separator: str | None) -> Iterator[Row]:
    lines = _read_lines(path)
    names = [canonical_label(_unquote(name)) for name in lines[0][1].split(separator)]
    _check_header(image_set, path, names)
    for number, line in lines[1:]:
        row = _make_row(image_set, f"{path}, line {number}", names, line.split(separator))
        if any(value != int(value) for value in row.values):
            raise UsageError(f"{row.where}: votes must be whole numbers, not {row.values}")
        yield row


def read_entries(path: Path) -> Iterator[tuple[str, str, str]]:
    """Read one of EmoSet's lists: a JSON list of [label, image, annotation].

    Yields
    ------
    label, image, where
        What an entry says, and where it stands, for error messages.

    Raises
    ------
    UsageError
        The file cannot be read, or an entry is malformed; names it.
    """
    try:
        data = path.read_bytes()
        refuse_other_kind(path, data[:HEAD], ("json",))
        value = json.loads(data)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(value, list):
        raise UsageError(f"{path} holds no list of [label, image, annotation]")
    for number, entry in enumerate(value):
        where = f"{path}, entry {number} (counted from 0)"
        if (
            not isinstance(entry, list)
            or len(entry) != 3
            or not all(isinstance(part, str) for part in entry)
        ):
            raise UsageError(f"{where} is not [label, image, annotation]")
        yield entry[0], _with_slashes(entry[1]), where


def label_index(image_set: ImageSet, label: str, where: str) -> int:
    """Find a label's place among those of a set.

    Raises
    ------
    UsageError
        It is none of them; begins with `where`.
    """
    try:
        return image_set.labels.index(canonical_label(label))
    except ValueError:
        raise UsageError(
            f"{where}: {label!r} is no label of {image_set.name}; its labels are "
            f"{', '.join(image_set.labels)}"
        ) from None


def canonical_label(label: str) -> str:
    """Write a label as the emotion wheel names it, case and short forms aside."""
    lowered = label.strip().lower()
    return _SHORT_FORMS.get(lowered, lowered)


def _check_header(image_set: ImageSet, path: Path, names: Sequence[str]) -> None:
    absent = [label for label in image_set.labels if label not in names]
    if absent:
        raise UsageError(
            f"{path}: its first line names no column {listed(absent, 'or')}; is it the list of "
            f"{image_set.name}?"
        )


def _make_row(image_set: ImageSet, where: str, names: Sequence[str], fields: Sequence[str]) -> Row:
    """Pick image and labels out of a line by the names in the header."""
    if len(fields) != len(names):
        raise UsageError(f"{where} has {len(fields)} columns, the first line has {len(names)}")
    values = []
    for label in image_set.labels:
        text = fields[names.index(label)].strip()
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not -NEGATIVE_TOLERANCE <= value < math.inf:
            raise UsageError(f"{where}: {text!r} in column {label} is no number of at least 0")
        values.append(value)
    return Row(where, _with_slashes(_unquote(fields[0])), values)


def _with_slashes(name: str) -> str:
    return name.replace("\\", "/")


def _unquote(text: str) -> str:
    return text.strip().strip("'\"")


def _read_lines(path: Path) -> list[tuple[int, str]]:
    """Read the lines that are not empty, numbered from 1, whatever the encoding and line ends."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    refuse_other_kind(path, data[:HEAD])
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    lines = enumerate(re.split(r"\r\n|\r|\n", text), 1)
    numbered = [(number, line) for number, line in lines if line.strip()]
    if not numbered:
        raise UsageError(f"{path} is empty")
    return numbered
