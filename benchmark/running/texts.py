"""Messages, warnings and tracebacks of models, of any length, of which a part is kept."""

from __future__ import annotations

import traceback

#: Characters that are kept of a message, and of a traceback.
LONGEST_MESSAGE, LONGEST_TRACE = 500, 20_000

#: Warnings of one task that are kept in their own words.
MOST_WARNINGS = 20


def shortened(text: str, most: int = LONGEST_MESSAGE) -> str:
    """Return a text, or its start and its end where it is too long."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} [... {len(text) - 2 * half:,} characters ...] {text[-half:]}"


def said(value: object) -> str:
    """Return what an object says of itself, in at most `LONGEST_MESSAGE` characters."""
    try:
        return shortened(str(value))
    except (Exception, SystemExit, KeyboardInterrupt):  # a model's object may refuse
        return f"<{type(value).__name__} that cannot be shown>"


def describe_error(error: BaseException) -> tuple[str, str]:
    """Return an error in one line, and its traceback."""
    notes = error.__dict__.pop("__notes__", None)  # they would be the last line
    lines = traceback.format_exception_only(error)
    if notes is not None:
        error.__dict__["__notes__"] = notes
    first = (lines[-1].strip().splitlines() or [type(error).__name__])[0]
    trace = "".join(traceback.format_exception(error))
    return shortened(first), shortened(trace, LONGEST_TRACE)


class Warned:
    """Collects what a task warns of: the first different ones, and how many more there were."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._more = 0

    def add(self, message: object, category: type) -> None:
        """Take a warning, or only count it."""
        text = f"{category.__name__}: {said(message)}"
        if text in self._texts:
            return
        if len(self._texts) < MOST_WARNINGS:
            self._texts[text] = None
        else:
            self._more += 1

    def texts(self) -> list[str]:
        """Return the warnings, the last of which may be that there were more."""
        more = f"{self._more:,} more warnings, which are left out" if self._more else ""
        return [*self._texts, *([more] if more else [])]
