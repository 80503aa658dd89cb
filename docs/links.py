"""Follows every link within the built site, anchors too: ``python docs/links.py build/docs``."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken_links(folder: Path) -> list[str]:
    """Return the links of the pages in a folder that lead nowhere within it, or out of the disk.

    Parameters
    ----------
    folder : Path
        A built site.

    Returns
    -------
    list of str
        A sentence for each; links to other hosts are fine, what pages load from there is not.
    """
    pages = {
        path: _Page(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.html")
        if "_static" not in path.parts  # templates of the theme
    }
    found = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or parts.path.startswith("/"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            where = f"{path.relative_to(folder)}: {link}"
            if not target.exists():
                found.append(f"{where}: there is no such file")
            elif parts.fragment and target in pages:
                anchor = unquote(parts.fragment)
                if anchor not in pages[target].anchors:
                    found.append(f"{where}: the page has no such place")
    return sorted(set(found))


def outside(folder: Path) -> list[str]:
    """Return what pages would load from other hosts, which a reader offline would miss."""
    found = set()
    for path in folder.rglob("*.html"):
        for line in path.read_text(encoding="utf-8").split("<")[1:]:
            tag = line.partition(">")[0]
            loads = tag.startswith(("script", "img", "link ")) and "canonical" not in tag
            if loads and ('src="http' in tag or ("stylesheet" in tag and 'href="http' in tag)):
                found.add(f"{path.relative_to(folder)}: {tag}")
    return sorted(found)


if __name__ == "__main__":
    site = Path(sys.argv[1]).resolve()
    problems = broken_links(site) + outside(site)
    sys.exit("\n".join(problems) if problems else 0)
