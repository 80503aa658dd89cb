"""Writes the pages of the documentation that are computed: ``make docs-tables``."""

from __future__ import annotations

from pathlib import Path

from benchmark.plugins.registry import models
from benchmark.tables.grid import markdown
from benchmark.tables.spaces import spaces_grid

HEAD = """# Search spaces

What `ldl-benchmark run --tune` chooses from; how it does is told in [tuning](tuning.md). This page
is made by `make docs-tables`; `ldl-benchmark models --spaces` shows the same.

"""


def main() -> None:
    """Write the page of search spaces."""
    entries = [entry for entry in models().values() if not entry.source]
    page = Path(__file__).with_name("search_spaces.md")
    page.write_text(HEAD + markdown(spaces_grid(entries)), encoding="utf-8")


if __name__ == "__main__":
    main()
