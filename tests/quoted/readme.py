"""Puts the tables of results into the READMEs and docs, where a comment names their file.

usage: python tests/quoted/readme.py [FILE ...]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = re.compile(r"(?P<mark><!-- table: (?P<file>\S+) -->\n)(?:\|.*\n)*")
ROWS = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def with_tables(text: str, root: Path = ROOT) -> str:
    """Return a Markdown text with the first table of each file that it names."""

    def put(found: re.Match[str]) -> str:
        file = root / found["file"]
        rows = ROWS.search(file.read_text(encoding="utf-8")) if file.exists() else None
        return found["mark"] + rows[0] if rows else found[0]

    return TABLE.sub(put, text)


if __name__ == "__main__":
    pages = [*ROOT.glob("README*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
    for page in map(Path, sys.argv[1:]) if sys.argv[1:] else pages:
        text = page.read_text(encoding="utf-8")
        if (filled := with_tables(text)) != text:
            page.write_text(filled, encoding="utf-8")
