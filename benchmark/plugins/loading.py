"""What a plugin file registers while it is loaded, and where in it an error arose."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Loading:
    """The plugin file being loaded, for the calls in it that register something."""

    file: str
    source: str
    problems: list[str] | None  # collects refused names instead of raising


#: The files being loaded, the innermost last.
LOADING: list[Loading] = []


def where(error: BaseException, file: Path) -> str:
    """Say where in a plugin file an error arose: ``line 3: NameError: ...``."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
             if Path(frame.filename) == file]  # fmt: skip
    line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{f'line {line}: ' if line else ''}{type(error).__name__}: {message}"
