"""Tables, listings and problems, as answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.columns import as_csv
from benchmark.commands.answers.base import Answer, Make, paragraphs, shortened
from benchmark.commands.answers.html import grids_html
from benchmark.planning.tasks import Outcome, Task
from benchmark.streams import terminal_width
from benchmark.tables.grid import Grid, csv_text, markdown, terminal, text_cells
from benchmark.tables.latex import latex, paragraphs_in_latex
from benchmark.wording import count

# The fonts with a name are for Chinese: without them some machines take one for handwriting.
_FONTS = "system-ui,'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"


@dataclass(frozen=True, repr=False, eq=False)
class Table(Answer):
    """A table, or several that belong together.

    Attributes
    ----------
    grids : list of Grid
        Cells as people read them.
    frame : DataFrame
        The numbers.
    remarks : list of str
        What is to be said of all of them.
    paths : list of Path
        The files that were written of it in the run folder; empty if none was.

    Examples
    --------
    >>> import benchmark
    >>> table = benchmark.table("tests")
    >>> table.to_frame()["model_a"].unique().tolist()
    ['SA-BFGS']
    >>> table.save("tests.html").name
    'tests.html'
    """

    grids: list[Grid]
    frame: pd.DataFrame
    remarks: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)

    _what = "table"

    @property
    def notes(self) -> list[str]:
        """What a reader has to know, in sentences."""
        return list(dict.fromkeys([*(n for grid in self.grids for n in grid.notes), *self.remarks]))

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers: a copy of `frame`."""
        return self.frame.copy()

    def __str__(self) -> str:
        return terminal(self.grids, self.remarks, width=terminal_width()).rstrip("\n")

    def __repr__(self) -> str:
        bare = [replace(grid, notes=[]) for grid in self.grids]
        text = shortened(terminal(bare, width=terminal_width()))
        return f"{text}\n{_told(self.notes)}" if self.notes else text

    def _repr_html_(self) -> str:
        return grids_html(self.grids) + paragraphs(self.notes, count(len(self.notes), "note"))

    def _files(self) -> Mapping[str, Make]:
        return {
            ".csv": lambda: as_csv(self.frame),
            ".tex": lambda: latex(self.grids, self.remarks),
            ".md": lambda: markdown(self.grids, self.remarks),
            ".html": lambda: page(self.grids, self.notes),
            ".txt": lambda: terminal(self.grids, self.remarks),
        }

    def written(self, kind: str) -> str:
        """Write it as ``text``, ``markdown``, ``latex``, ``html`` or ``csv``, as it is shown."""
        return {
            "text": lambda: terminal(self.grids, self.remarks),
            "markdown": lambda: markdown(self.grids, self.remarks),
            "latex": lambda: latex(self.grids, self.remarks),
            "html": lambda: page(self.grids, self.notes),
            "csv": lambda: csv_text(self.grids),
        }[kind]()

    def __iter__(self) -> Iterator[Any]:
        """Give the table and its files, as ``cells, paths = benchmark.significance(..)`` takes."""
        yield self.grids[0] if len(self.grids) == 1 else self.grids
        yield self.paths


class Text(Table):
    """Paragraphs for a paper: `remarks` has them, and `frame` in a column ``paragraph``.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.table("text").save("text.tex").name
    'text.tex'
    """

    _what = "text"

    @classmethod
    def of(cls, said: Sequence[str], paths: Sequence[Path] = ()) -> Text:
        """Make one of paragraphs, and of the files that were written of them."""
        return cls([], pd.DataFrame({"paragraph": list(said)}), list(said), list(paths))

    def __str__(self) -> str:
        return "\n\n".join(self.remarks)

    __repr__ = Answer.__repr__

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(text)}</p>" for text in self.remarks)

    def _files(self) -> Mapping[str, Make]:
        return {".txt": lambda: f"{self}\n", ".tex": lambda: paragraphs_in_latex(self.remarks)}


class Listing(Table):
    """What there is of something, a row each.

    Attributes are those of `Table`.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.measures().save("measures.md").name
    'measures.md'
    """

    _what = "listing"

    @classmethod
    def of(cls, caption: str, frame: pd.DataFrame, notes: Sequence[str] = ()) -> Listing:
        """Make one of a DataFrame of texts and numbers."""
        heads = [str(name).replace("_", " ").capitalize() for name in frame.columns]
        rows = [text_cells(map(_written, row)) for row in frame.itertuples(index=False)]
        grid = Grid(caption, heads, rows, list(notes), names=len(heads))
        return cls([grid], frame)


class Problems(list[str], Answer):
    """What is wrong with something, a sentence each; empty, and then false, if nothing is.

    Parameters
    ----------
    sentences : iterable of str
    fine : str
        What is said where there are none.

    Examples
    --------
    >>> import benchmark
    >>> problems = benchmark.check_model("Ridge")
    >>> list(problems)
    []
    >>> problems
    Ridge follows the contract.
    """

    _what = "check"

    def __init__(self, sentences: Iterable[str], fine: str):
        super().__init__(sentences)
        self.fine = fine

    def to_frame(self) -> pd.DataFrame:
        """Return a row per problem: column ``problem``."""
        return pd.DataFrame({"problem": list(self)}, dtype=str)

    def __str__(self) -> str:
        return "\n".join(f"- {sentence}" for sentence in self) or self.fine

    __repr__ = Answer.__repr__

    def _repr_html_(self) -> str:
        return paragraphs(list(self)) or f"<p>{escape(self.fine)}</p>"

    def _files(self) -> Mapping[str, Make]:
        return {
            ".txt": lambda: f"{self}\n",
            ".csv": lambda: as_csv(self.to_frame()),
            ".md": lambda: f"{self}\n",
        }


class Failures(list[Outcome], Answer):
    """Tasks that failed, each an `Outcome` with its ``task`` and the ``error``.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.Study.load().failures
    Nothing failed.
    """

    _what = "list of failures"

    @classmethod
    def stored(cls, entries: Iterable[Mapping[str, Any]], tasks: Iterable[Task]) -> Failures:
        """Make it of what a run folder keeps, leaving out tasks of other settings."""
        by_key = {task.key: task for task in tasks}
        return cls(
            Outcome(by_key[key], error=str(entry["error"]), trace=str(entry["trace"]))
            for entry in entries
            if (key := entry.get("key")) in by_key
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row per failed task: dataset, model, repeat, fold, error."""
        rows = [
            (one.task.dataset, one.task.model, one.task.repeat, one.task.fold, one.error)
            for one in self
        ]
        return pd.DataFrame(rows, columns=["dataset", "model", "repeat", "fold", "error"])

    def __str__(self) -> str:
        return "\n".join(self._sentences()) or "Nothing failed."

    __repr__ = Answer.__repr__

    def _repr_html_(self) -> str:
        said = self._sentences()
        return paragraphs(said, f"{len(said)} failed") or "<p>Nothing failed.</p>"

    def _sentences(self) -> list[str]:
        return [f"{one.task}: {one.error}" for one in self]

    def _files(self) -> Mapping[str, Make]:
        return {".csv": lambda: as_csv(self.to_frame()), ".txt": lambda: f"{self}\n"}


def page(grids: Sequence[Grid], notes: Sequence[str], title: str = "") -> str:
    """Write tables as an HTML file of their own."""
    head = title or (grids[0].heading if grids else "")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(head)}'
        f'</title></head><body style="font-family:{_FONTS}">{grids_html(grids)}'
        f"{paragraphs(list(notes))}</body></html>\n"
    )


def _told(notes: Sequence[str]) -> str:
    return f"{count(len(notes), 'note')}: .notes, or print(..)"


def _written(value: Any) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)
