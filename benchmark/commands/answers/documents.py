"""Answers that are documents: the report, the comparison with the paper, the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.columns import as_csv
from benchmark.commands.answers.base import Answer, Make
from benchmark.commands.answers.tables import Listing, Problems, Table
from benchmark.errors import BenchmarkError
from benchmark.reference.contents import COMPLETE, Reference
from benchmark.reference.leaderboard import Leaderboard


@dataclass(frozen=True, repr=False, eq=False)
class Report(Answer):
    """The report of a run: one HTML file, which can be passed on.

    It can be used where a path can.

    Attributes
    ----------
    path : Path
        The file.
    frame : DataFrame
        Its table of results, see `Study.summary`.

    Examples
    --------
    >>> import benchmark
    >>> report = benchmark.report()  # doctest: +SKIP
    >>> report.save("to_send.html")  # doctest: +SKIP
    """

    path: Path
    frame: pd.DataFrame

    _what = "report"

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.name

    def read_text(self, encoding: str = "utf-8") -> str:
        """Read the file.

        Raises
        ------
        BenchmarkError
            It cannot be read, such as after it was deleted.
        """
        try:
            return self.path.read_text(encoding=encoding)
        except OSError as error:
            raise BenchmarkError(f"cannot read {self.path}: {error.strerror}") from error

    def to_frame(self) -> pd.DataFrame:
        """Return its table of results."""
        return self.frame.copy()

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Report {self.path}: open it in a browser"

    def _repr_html_(self) -> str:
        place = escape(self.path.as_posix(), quote=True)
        return f'<p>Report: <a href="{place}" target="_blank">{place}</a></p>'

    def _files(self) -> Mapping[str, Make]:
        return {".html": self.read_text}


class Comparison(Table):
    """A run beside the published tables: the tables, and what is to be said of them.

    Attributes are those of `Table`.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.compare("results/runs/Emotion6").sentences  # doctest: +SKIP
    """

    _what = "comparison"

    @property
    def sentences(self) -> list[str]:
        """Errata of the paper, and what a reader of the comparison has to know."""
        return self.remarks

    def __iter__(self) -> Iterator[Any]:
        """Give tables, sentences and files."""
        yield from (self.grids, self.remarks, self.paths)


@dataclass(frozen=True, repr=False, eq=False)
class Ranked(Table):
    """The leaderboard: how all methods of the reference results, and one's own, rank.

    Attributes
    ----------
    board : Leaderboard
        With the ranking's tests and what is missing.
    reference : Reference
        The results that were ranked.

    Examples
    --------
    >>> import benchmark
    >>> ranked = benchmark.leaderboard()  # doctest: +SKIP
    >>> ranked.board.missing  # doctest: +SKIP
    """

    board: Leaderboard | None = field(default=None, kw_only=True)
    reference: Reference | None = field(default=None, kw_only=True)

    _what = "leaderboard"

    def __iter__(self) -> Iterator[Any]:
        """Give board, reference results and files."""
        yield from (self.board, self.reference, self.paths)


@dataclass(frozen=True, repr=False, eq=False)
class Checked(Answer):
    """What came of the check of a submission.

    Attributes
    ----------
    file : Path
        The submission.
    wrong : list of str
        Sentences without a full stop; empty for a submission that can be taken.
    about : str
        What it holds, and how far it could be checked.

    Examples
    --------
    >>> import benchmark
    >>> checked = benchmark.check_submission("submission.json")  # doctest: +SKIP
    >>> checked.wrong  # doctest: +SKIP
    """

    file: Path
    wrong: list[str]
    about: str

    _what = "check"

    def to_frame(self) -> pd.DataFrame:
        """Return a row per problem: column ``problem``."""
        return self._problems.to_frame()

    def __str__(self) -> str:
        return str(self._problems)

    def _repr_html_(self) -> str:
        return self._problems._repr_html_()

    def _files(self) -> Mapping[str, Make]:
        return self._problems._files()

    @property
    def _problems(self) -> Problems:
        return Problems(self.wrong, f"{self.file} can be submitted: {self.about}.")


@dataclass(frozen=True, repr=False, eq=False)
class ReferenceResults(Reference, Answer):
    """Reference results: `Reference`, shown by its sets and methods.

    Attributes are those of `benchmark.reference.contents.Reference`.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.reference_results().sets["dataset"].tolist()[:2]
    ['Movie', 'Painting']
    """

    _what = "set of reference results"

    def to_frame(self) -> pd.DataFrame:
        """Return the scores: a row per set, method and fold, a column for each measure."""
        return self.scores.copy()

    def __str__(self) -> str:
        return str(self._listing)

    def _repr_html_(self) -> str:
        return self._listing._repr_html_()

    def _files(self) -> Mapping[str, Make]:
        return {".csv": lambda: as_csv(self.scores)}

    @property
    def _listing(self) -> Listing:
        done = self.cells[self.cells["state"] == COMPLETE]
        frame = self.sets[["dataset", "rows", "folds", "repeats"]].copy()
        frame["complete rows"] = [int((done["dataset"] == name).sum()) for name in frame["dataset"]]
        made = self.collected.iloc[0]
        note = f"Computed {made['date']} with version {made['version']}."
        return Listing.of("Reference results", frame, [note])
