"""What several of the written pages need: folders, names of pages, text of docstrings."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent


def slug(name: str) -> str:
    """Return the name of a method's page, that of its heading on GitHub."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def markdown(text: str) -> str:
    """Turn the little reStructuredText of a docstring's sentence into Markdown."""
    parts = re.split(r"`{1,2}([^`]+)`{1,2}", text)  # code at odd places, where a star is a star
    parts[1::2] = [f"`{code}`" for code in parts[1::2]]
    parts[::2] = [words.replace("*", r"\*") for words in parts[::2]]
    return "".join(parts).replace("|", r"\|")
