"""How figures are to look: the width at which they are printed, and a style that people change."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from features.names import did_you_mean

#: The style that figures have; `figure style` writes a copy to change.
STYLE_FILE = Path(__file__).with_name("ldl.mplstyle")

#: Inches: a column and the page of journals with two columns.
WIDTHS = {"column": 3.5, "page": 7.0}

#: Inches: what a page has room for above a caption.
TALLEST = 8.0

_CM = 2.54
_NARROWEST, _WIDEST = 5.0, 50.0  # centimetres


@dataclass(frozen=True)
class Look:
    """How figures are drawn.

    Attributes
    ----------
    width : float
        In inches, at which they are printed.
    tallest : float
        In inches; what a figure of panels leaves out beyond that, it says in its caption.
    style : mapping
        Settings of matplotlib that differ from those of `STYLE_FILE`.
    """

    width: float = WIDTHS["page"]
    tallest: float = math.inf
    style: Mapping[str, Any] = field(default_factory=dict)

    @property
    def narrow(self) -> bool:
        """Whether panels that stand side by side on a page have to stand one above the other."""
        return self.width < 5.5


_LOOK: ContextVar[Look] = ContextVar("look")


def look() -> Look:
    """Return how figures are drawn at present."""
    return _LOOK.get(Look())


@contextmanager
def drawn_with(chosen: Look) -> Iterator[None]:
    """Draw figures so, until the context is left."""
    token = _LOOK.set(chosen)
    try:
        yield
    finally:
        _LOOK.reset(token)


def read_look(width: str | float = "", style: str | Path = "") -> Look:
    """Read how figures are to look.

    Parameters
    ----------
    width : str or float
        ``column`` (8.9 cm), ``page`` (17.8 cm) or centimetres, at most as high as a page; by
        default as wide as a page and as high as need be.
    style : str or Path
        A style file of matplotlib, whose settings go before those of `STYLE_FILE`.

    Raises
    ------
    UsageError
        No such width, or a file that is absent or has a line that matplotlib does not know.
    """
    settings = read_style(Path(style)) if str(style) else {}
    return Look(_inches(width), TALLEST if str(width) else math.inf, settings)


def copy_style(folder: str | Path) -> Path:
    """Write a copy of `STYLE_FILE` into a folder, for people to change.

    Raises
    ------
    UsageError
        There is one already, or the folder cannot be written.
    """
    path = Path(folder) / STYLE_FILE.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(STYLE_FILE.read_text(encoding="utf-8"))
    except FileExistsError as error:
        raise UsageError(f"{path} is there already; give another folder with --to") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _inches(width: str | float) -> float:
    text = str(width).strip().lower()
    if text in WIDTHS or not text:
        return WIDTHS[text or "page"]
    try:
        centimetres = float(text.removesuffix("cm"))
    except ValueError:
        raise UsageError(
            f"a figure's width is column, page or centimetres such as 12.5, not {width!r}"
            f"{did_you_mean(text, WIDTHS)}"
        ) from None
    if not _NARROWEST <= centimetres <= _WIDEST:
        raise UsageError(
            f"a figure is {_NARROWEST:g} to {_WIDEST:g} centimetres wide, not {centimetres:g}"
        )
    return centimetres / _CM


def read_style(path: Path) -> dict[str, Any]:
    """Read a style file of matplotlib.

    Raises
    ------
    UsageError
        It is absent, no text, or a line is not understood.
    """
    from matplotlib import rc_params_from_file

    said = _Complaints()
    log = logging.getLogger("matplotlib")
    before = log.propagate, log.level
    log.addHandler(said)
    log.propagate = False
    log.setLevel(logging.WARNING)
    try:
        found = rc_params_from_file(path, use_default_template=False)
    except OSError as error:
        raise UsageError(
            f"there is no style file {path} ({error.strerror}); figure style writes one to change"
        ) from error
    except (ValueError, KeyError) as error:
        raise UsageError(f"{path} is no style file of matplotlib: {error}") from error
    finally:
        log.removeHandler(said)
        log.propagate, log.level = before
    if said.lines:
        raise UsageError(f"{path} is no style file of matplotlib: {said.lines[0]}")
    # The size of a figure is its width's, and the backend is no matter of style.
    ours = ("backend", "figure.figsize", "savefig.bbox", "savefig.format")
    return {key: value for key, value in found.items() if not key.startswith(ours)}


class _Complaints(logging.Handler):
    """Collects what matplotlib says of a file, one line each."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first sentence."""
        text = " ".join(record.getMessage().split())
        self.lines.append(text.partition(" You probably need")[0])
