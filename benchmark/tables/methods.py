"""The page of methods: what each is, who published it, its settings; a heading per method."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.plugins.built_in import group_of
from benchmark.plugins.parameters import as_json, default_params
from benchmark.plugins.peer_methods import METHODS, PREFIX, VERSION
from benchmark.plugins.registry import Entry
from benchmark.tables.grid import markdown_text

_GROUPS = {
    "paper": "method of the paper",
    "extended": "baseline that the paper does not have",
    "newer": "newer method",
}


def methods_text(entries: Iterable[Entry]) -> str:
    """Write a section for every model, in Markdown.

    Parameters
    ----------
    entries : iterable of Entry
    """
    return "\n\n".join(_section(entry) for entry in entries) + "\n"


def peers_text() -> str:
    """Write a section for every method of the peer library, in Markdown; imports nothing of it."""
    sections = []
    for name, method in METHODS.items():
        settings = {**method.given, **method.fitting}
        values = ", ".join(f"{key} = {_said(value)}" for key, value in settings.items())
        lines = [
            f"## {markdown_text(f'{PREFIX}{name}')}",
            f"Method of the peer library python-ldl {VERSION}, {method.year}; see "
            f"[how they agree with ours](peer_library.md).",
            markdown_text(f"{method.citation}."),
            markdown_text(f"Settings by default: {values}.") if values else "It has no settings.",
        ]  # fmt: skip
        sections.append("\n\n".join(lines))
    return "\n\n".join(sections) + "\n"


def _section(entry: Entry) -> str:
    lines = [f"## {markdown_text(entry.name)}"]
    kind = _GROUPS.get(group_of(entry.name), "")
    try:
        cls = entry.load()
        settings = default_params(cls)
    except BenchmarkError as error:  # what it needs is not installed
        return "\n\n".join([*lines, markdown_text(f"{kind[:1].upper()}{kind[1:]}: {error}")])
    year = getattr(cls, "year", None)
    summary = (cls.__doc__ or "").strip().partition("\n")[0]
    lines.append(markdown_text(f"{kind[:1].upper()}{kind[1:]}{f', {year}' if year else ''}."))
    lines.append(markdown_text(summary))
    if citation := str(getattr(cls, "citation", "")):
        lines.append(markdown_text(f"{citation}."))
    values = ", ".join(f"{name} = {_said(value)}" for name, value in settings.items())
    lines.append(markdown_text(f"Settings by default: {values or 'none'}."))
    return "\n\n".join(lines)


def _said(value: Any) -> str:
    given = as_json(value)
    if isinstance(given, bool):
        return "yes" if given else "no"
    return "none" if given is None else str(given)
