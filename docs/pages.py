"""Pages of the documentation site that the code and the results write: ``docs/reference``.

Sphinx calls `write_pages` before it reads anything, so that no such page can be stale.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from api_pages import api_pages
from command_page import cli_page
from gallery_page import critical, gallery_page
from method_pages import method_page, methods_index, picture, ratios
from parts import DOCS, ROOT, slug

from benchmark.plugins.registry import models

OUT = DOCS / "reference"

#: Pages of other folders that the site shows: file -> page.
ELSEWHERE = {
    "results/leaderboard/leaderboard.md": "leaderboard",
    "results/fairness/fairness.md": "fairness",
    "results/reference/README.md": "reference_results",
    "results/README.md": "results",
    "results/wheel/wheel.md": "wheel",
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
}


def write_pages() -> None:
    """Write every page anew; what stays the same keeps its time, so that it is not built again."""
    pages = dict(_pages())
    for name, content in pages.items():
        path = OUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
    kept = {OUT / name for name in pages}
    for path in OUT.rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()


def links_of_site(text: str, folder: Path) -> str:
    """Turn links to files outside `docs` that the site shows into links to its pages.

    Parameters
    ----------
    text : str
        A page in Markdown.
    folder : Path
        Where the page lies on the site.
    """

    def turned(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        inside = (folder / target).resolve()
        if not inside.is_relative_to(ROOT):
            return match[0]
        page = ELSEWHERE.get(inside.relative_to(ROOT).as_posix())
        return f"](/reference/{page}.md{anchor})" if page else match[0]

    return re.sub(r"\]\(([^)#:\s]+)(#[^)]*)?\)", turned, text)


def _pages() -> Iterator[tuple[str, str | bytes]]:
    entries = [entry for entry in models().values() if not entry.source]
    yield "methods/index.md", methods_index(entries)
    for entry in entries:
        yield f"methods/{slug(entry.name)}.md", method_page(entry)
        if entry.name in ratios().columns:
            yield f"methods/{slug(entry.name)}.svg", picture(entry.name)
    yield "cli.md", cli_page()
    drawn, caption = critical()
    yield "critical.svg", drawn
    yield "gallery.md", gallery_page(caption)
    yield from api_pages()
    for source, name in ELSEWHERE.items():
        yield f"{name}.md", _moved(ROOT / source)


def _moved(path: Path) -> str:
    """Return a page of another folder, its links relative to the site."""
    text = path.read_text(encoding="utf-8")

    def turned(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        inside = (path.parent / target).resolve()
        if not inside.is_relative_to(ROOT) or not inside.exists():
            return match[0]
        relative = inside.relative_to(ROOT).as_posix()
        if relative in ELSEWHERE:
            return f"](/reference/{ELSEWHERE[relative]}.md{anchor})"
        if inside.is_relative_to(DOCS):
            return f"](/{inside.relative_to(DOCS).as_posix()}{anchor})"
        if inside.is_dir():
            return "]()"
        return f"](../../{relative}{anchor})"

    text = re.sub(r"\]\(([^)#:\s]+)(#[^)]*)?\)", turned, text)
    return re.sub(r"\[([^\]]*)\]\(\)", r"\1", text)


def clean() -> None:
    """Remove all that was written."""
    shutil.rmtree(OUT, ignore_errors=True)
