"""The command ``models``: what can be run, and whose methods they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.plugins.built_in import CLASSIFIERS, group_of
from benchmark.plugins.configured import OURS
from benchmark.plugins.peer_methods import LEFT_OUT, METHODS, NOT_KNOWN, method_of, missing
from benchmark.plugins.registry import Entry
from benchmark.tables.layout import filled, listing
from benchmark.wording import listed
from features.networks import backend

#: Columns of `all_models`.
ABOUT = ("Model", "Year", "Citation", "Origin", "Learns from", "Runs here")

_HEADS = {"extended": "Extended baseline", "newer": "Newer method"}

_LEARNS_FROM = {"activations": "activations of a backbone"}


def usual_models(entries: Iterable[Entry], width: int | None = None) -> str:
    """List what ``run --all`` runs and what ``--extended`` adds, with what each does.

    Parameters
    ----------
    entries : iterable of Entry
    width : int, optional
        Characters in a line.
    """
    rows = list[list[str]]()
    beyond: dict[str, list[list[str]]] = {group: [] for group in _HEADS}
    for entry in entries:
        if method_of(entry.name):
            continue
        try:
            summary = (entry.load().__doc__ or "").strip().partition("\n")[0]
        except BenchmarkError as error:
            summary = f"cannot be used: {error}"
        beyond.get(group_of(entry.name), rows).append(
            [entry.name, summary, entry.file or entry.source or "built in"]
        )
    return (
        listing(["Model", "What it does", "From"], rows, width)
        + "\n\nWith --extended, or by name:\n"
        + "\n\n".join(
            listing([_HEADS[group], "What it does"], [row[:2] for row in found], width)
            for group, found in beyond.items()
        )
        + "\n\n"
        + filled([f"With --pyldl, or by name: {len(METHODS)} methods of the library python-ldl, "
                  "which models --all lists."], width)
    )  # fmt: skip


def all_models(entries: Iterable[Entry], width: int | None = None) -> str:
    """List every model with year, citation, origin and what it learns from.

    Parameters are those of `usual_models`.
    """
    reasons = dict[str, list[str]]()
    for name, reason in LEFT_OUT.items():
        reasons.setdefault(reason, []).append(name)
    left_out = [f"{listed(names)}: {reason}." for reason, names in reasons.items()]
    return (
        listing(ABOUT, [about(entry) for entry in entries], width)
        + "\n\nOf python-ldl are left out:\n"
        + filled(left_out, width)
    )


def about(entry: Entry) -> list[str]:
    """Return the cells of a model in `all_models`."""
    try:
        cls = entry.load()
    except BenchmarkError as error:
        return [entry.name, "", "", origin_of(entry), "", f"no: {error}"]
    year = _said(cls, "year", entry)
    consumes = str(getattr(cls, "consumes", "features"))
    return [
        entry.name,
        "" if year is None else str(year),
        short(str(_said(cls, "citation", entry) or "")),
        origin_of(entry),
        _LEARNS_FROM.get(consumes, consumes),
        f"no: {lacking}" if (lacking := _lacking(entry, consumes)) else "yes",
    ]


def facts(entry: Entry) -> dict[str, Any]:
    """Return what there is to know of a model, for programs."""
    try:
        cls = entry.load()
    except BenchmarkError as error:
        return {"name": entry.name, "origin": origin_of(entry), "lacks": str(error)}
    consumes = str(getattr(cls, "consumes", "features"))
    return {
        "name": entry.name,
        "origin": origin_of(entry),
        "summary": (cls.__doc__ or "").strip().partition("\n")[0],
        "year": _said(cls, "year", entry),
        "citation": _said(cls, "citation", entry),
        "learns_from": consumes,
        "run_by_all": entry.usual,
        "lacks": _lacking(entry, consumes) or None,
    }


def short(citation: str) -> str:
    """Leave the title out of a citation: ``Authors, Venue, Year``.

    Examples
    --------
    >>> short('Geng, "Label Distribution Learning", IEEE TKDE 28(7), 2016')
    'Geng, IEEE TKDE 28(7), 2016'
    """
    return re.sub(r'\s*"[^"]*",?', "", citation)


def origin_of(entry: Entry) -> str:
    """Say where a model comes from: the paper, a group of ours, a file or a package."""
    if method_of(entry.name):
        return f"peer library {entry.source}"
    group = group_of(entry.name)
    if group == "own" or entry.source:
        return entry.file or entry.source
    return "paper (classifier)" if entry.name in CLASSIFIERS else group


def _lacking(entry: Entry, consumes: str) -> str:
    """Say what has to be installed before a model can run here; empty if nothing."""
    if method := method_of(entry.name):
        return missing(method) or NOT_KNOWN.get(method.name, "")
    return backend.missing() if consumes != "features" else ""


def _said(cls: type, name: str, entry: Entry) -> Any:
    """Return what a class says of itself; a plugin derived from a model of ours is another one."""
    for base in cls.__mro__:
        if name in vars(base):
            ours = base.__module__.partition(".")[0] in OURS
            borrowed = ours and entry.source and not method_of(entry.name)
            return None if borrowed else vars(base)[name]
    return None
