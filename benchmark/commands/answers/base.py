"""What all answers can: show themselves as text and as HTML, become a DataFrame, be saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path

import pandas as pd

from benchmark.errors import BenchmarkError, UsageError
from benchmark.wording import count, listed
from features.names import did_you_mean
from features.storage.files import write_atomic

#: Makes the content of a file.
Make = Callable[[], str | bytes]

# A session shows the whole text on demand, by print(..).
_MOST_LINES = 60


class Answer(ABC):
    """What a function of `benchmark` returns.

    At a prompt it is a short text, in a notebook HTML; ``print`` writes all of it.

    Examples
    --------
    >>> import benchmark
    >>> from benchmark.answers import Answer
    >>> isinstance(benchmark.measures(), Answer)
    True
    """

    #: What it is called in a message.
    _what = "answer"

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return its numbers as a DataFrame."""

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def _repr_html_(self) -> str: ...

    @abstractmethod
    def _files(self) -> Mapping[str, Make]:
        """Return what it can be saved as: suffix to what makes the content."""

    def __repr__(self) -> str:
        return shortened(str(self))

    def save(self, path: str | Path) -> Path:
        """Write it into a file, whose format is told by the suffix.

        Parameters
        ----------
        path : str or Path
            The file; folders above it are made.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UsageError
            It cannot be written in such a format; the message lists those that work.
        BenchmarkError
            The file cannot be written.
        """
        file = Path(path)
        known = self._files()
        suffix = file.suffix.lower()
        if suffix not in known:
            said = f"as {file.suffix!r}" if suffix else f"as {file.name!r}, which has no ending"
            raise UsageError(
                f"a {self._what} cannot be saved {said}{did_you_mean(suffix, known)}"
                f"{'' if did_you_mean(suffix, known) else ';'} it can be {listed(known, 'or')}"
            )
        content = known[suffix]()
        try:
            write_atomic(file, content)
        except OSError as error:
            raise BenchmarkError(f"cannot write {file}: {error.strerror or error}") from error
        return file


def shortened(text: str, most: int = _MOST_LINES) -> str:
    """Cut a long text at the end of a line, and say how much is left out."""
    lines = text.rstrip("\n").split("\n")
    if len(lines) <= most:
        return "\n".join(lines)
    left = count(len(lines) - most, "more line")
    return "\n".join([*lines[:most], f"... {left}: print(..) shows all, .to_frame() the numbers"])


def paragraphs(sentences: list[str], summary: str = "") -> str:
    """Write sentences as HTML; with a summary they can be unfolded."""
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    body = f"<ul>{items}</ul>"
    if not summary:
        return body
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"
