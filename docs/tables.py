"""Writes the pages of the documentation that are computed: ``make docs-tables``."""

from __future__ import annotations

from pathlib import Path

from benchmark.plugins.registry import models
from benchmark.tables.grid import markdown
from benchmark.tables.methods import methods_text
from benchmark.tables.spaces import spaces_grid

HEAD = """# Search spaces

What `ldl-benchmark run --tune` chooses from; how it does is told in [tuning](tuning.md). This page
is made by `make docs-tables`; `ldl-benchmark models --spaces` shows the same.

"""


METHODS = """# Methods

What the rows of tables and of the [leaderboard](../results/leaderboard/leaderboard.md) are. What
`--tune` chooses from is told in [search spaces](search_spaces.md). This page is made by
`make docs-tables`; `ldl-benchmark models --all` shows the same in brief.

"""


def main() -> None:
    """Write the pages of search spaces and of methods."""
    entries = [entry for entry in models().values() if not entry.source]
    folder = Path(__file__).parent
    spaces = HEAD + markdown(spaces_grid(entries))
    (folder / "search_spaces.md").write_text(spaces, encoding="utf-8")
    (folder / "methods.md").write_text(METHODS + methods_text(entries), encoding="utf-8")


if __name__ == "__main__":
    main()
