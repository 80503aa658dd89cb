"""Weights of ImageNet as Keras and torchvision publish them: addresses and checksums."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "weights_data" / "published.csv"


@dataclass(frozen=True)
class Published:
    """A file of weights that anyone can download.

    Attributes
    ----------
    url : str
        Its address.
    algorithm : {"md5", "sha256", ""}
        Of the checksum that its publisher tells; empty where none is told.
    digits : str
        The checksum, or how it begins.
    """

    url: str
    algorithm: str
    digits: str

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.url.rpartition("/")[2]

    @property
    def key(self) -> str:
        """Identifies the content; where no checksum is told, by the name."""
        return f"{self.algorithm}:{self.digits}" if self.digits else f"file:{self.file}"


@cache
def _all() -> dict[str, dict[str, tuple[Published, ...]]]:
    """Read the files by backbone and publisher, each with its usual one first."""
    table: dict[str, dict[str, tuple[Published, ...]]] = {}
    with _FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            of = table.setdefault(row["backbone"], {})
            file_here = Published(row["url"], row["algorithm"], row["digits"])
            of[row["publisher"]] = (*of.get(row["publisher"], ()), file_here)
    return table


def published_weights(name: str) -> dict[str, tuple[Published, ...]]:
    """Return the published weights of a backbone by what they are called.

    Parameters
    ----------
    name : str
        As in `features.networks.backbones.BACKBONES`.

    Returns
    -------
    dict of str to tuple of Published
        ``imagenet``: Keras' own where it has some, else torchvision's. ``torchvision``:
        torchvision's, the first of which is what the name means; another can be given as a file.
    """
    of = _all().get(name, {})
    imagenet = of.get("keras") or of.get("torchvision", ())[:1]
    named = {"imagenet": imagenet, "torchvision": of.get("torchvision", ())}
    return {kind: files for kind, files in named.items() if files}
