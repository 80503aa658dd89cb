"""Keeps results/perf.md: each script replaces its own sections and leaves the rest."""

from __future__ import annotations

import os
import platform
import re
import time
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "results" / "perf.md"

HEAD = """# Speed and memory

Made by `make perf`, each section by a script in `tests/perf`. The machines are shared: ratios of
one run can be trusted, single times only roughly.
"""

# The order in which sections stand, by how their titles begin.
ORDER = (
    "Against python-ldl",
    "Whole commands",
    "Networks on this CPU",
    "Networks on a GPU",
    "Evidence",
)


def machine() -> str:
    """Describe this machine and the day, for the first line of a section."""
    return (
        f"{time.strftime('%Y-%m-%d')}, {platform.processor() or 'CPU'} {platform.machine()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}"
    )


def has(title: str, path: Path = PATH) -> bool:
    """Tell whether there is a section of this title."""
    return path.exists() and f"\n## {title}\n" in path.read_text(encoding="utf-8")


def put(title: str, lines: list[str], path: Path = PATH) -> None:
    """Write a section in place of the one whose title begins alike."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    sections = {_place(part): f"## {part.strip()}" for part in parts}
    sections[_place(title)] = f"## {title}\n\n" + "\n".join(lines).strip()
    body = "\n\n".join(sections[place] for place in sorted(sections))
    path.write_text(f"{HEAD}\n{body}\n", encoding="utf-8")
    print(f"wrote {title!r} into {path.name}")


def _place(title: str) -> int:
    found = [i for i, start in enumerate(ORDER) if title.startswith(start)]
    if not found:
        raise SystemExit(f"no place for a section {title!r} in {PATH.name}")
    return found[0]
