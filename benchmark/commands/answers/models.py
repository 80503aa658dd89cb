"""The models that can be run, as an answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import pandas as pd

from benchmark.commands.answers.base import Answer, Make
from benchmark.commands.answers.tables import Listing
from benchmark.commands.show_models import ABOUT, about
from benchmark.errors import BenchmarkError
from benchmark.plugins.peer_methods import method_of
from benchmark.plugins.registry import Entry


class Models(dict[str, Entry], Answer):
    """Models by name, in the order of the tables.

    Shown are those of the paper, of the field and one's own; the methods of python-ldl are in the
    mapping and in `to_frame`.

    Examples
    --------
    >>> import benchmark
    >>> models = benchmark.models()
    >>> models["AA-kNN"].load().__name__
    'AAKNN'
    """

    _what = "listing"

    def to_frame(self) -> pd.DataFrame:
        """Return a row per model: name, what it does, year, citation, origin and more."""
        return self._about(every=True)

    def __str__(self) -> str:
        return str(self._listing)

    __repr__ = Answer.__repr__

    def _repr_html_(self) -> str:
        return self._listing._repr_html_()

    def _files(self) -> Mapping[str, Make]:
        return Listing.of("Models", self.to_frame())._files()

    @cached_property
    def _listing(self) -> Listing:
        columns = ["model", "what it does", "year", "origin"]
        frame = self._about(every=False)
        left = len(self) - len(frame)
        notes = [f"And {left} methods of python-ldl: .to_frame() has them."] if left else []
        return Listing.of("Models", frame[columns], notes)

    def _about(self, every: bool) -> pd.DataFrame:
        entries = [one for one in self.values() if every or not method_of(one.name)]
        names = [name.lower() for name in ABOUT]
        frame = pd.DataFrame([about(one) for one in entries], columns=names)
        frame.insert(1, "what it does", list(map(_summary, entries)))
        return frame


def _summary(entry: Entry) -> str:
    try:
        return (entry.load().__doc__ or "").strip().partition("\n")[0]
    except BenchmarkError:
        return ""
