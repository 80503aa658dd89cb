"""Matplotlib as it comes, whatever the user's settings and environment say."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Variables that name a backend, a file of settings, and a date that files would carry.
_BACKEND, _PLACE, _DATE = "MPLBACKEND", "MATPLOTLIBRC", "SOURCE_DATE_EPOCH"

# The user's file of settings is called so, in the working folder and elsewhere.
_SETTINGS = "matplotlibrc"


@contextmanager
def plain_matplotlib(style: dict[str, Any]) -> Iterator[None]:
    """Draw with matplotlib's own settings and a style, as if the user had none.

    Parameters
    ----------
    style : dict
        Settings that differ from matplotlib's own.
    """
    if "matplotlib" not in sys.modules:
        _load()
    from matplotlib import rc_context, rcParamsDefault

    # Settings of backends stay as they are: reading them would load a backend.
    settings: dict[Any, Any] = {
        key: value for key, value in rcParamsDefault.items() if not key.startswith("backend")
    }
    settings.update(style)
    with _variables_hidden(), rc_context(settings):
        yield


def _load() -> None:
    """Import matplotlib without the user's settings, for a faulty one would end the import."""
    log = logging.getLogger("matplotlib")
    former = log.level
    log.setLevel(logging.ERROR)  # of settings that are not used, or a slow start without a cache
    try:
        with _variables_hidden(), _settings_out_of_sight():
            import matplotlib
            import matplotlib.font_manager
        # Figures that are not ours get the user's settings, as far as they are sound.
        with suppress(Exception):
            matplotlib.rcParams.update(
                matplotlib.rc_params_from_file(
                    matplotlib.matplotlib_fname(), use_default_template=False
                )
            )
        with suppress(ValueError):
            if os.environ.get(_BACKEND):
                matplotlib.rcParams["backend"] = os.environ[_BACKEND]
    finally:
        log.setLevel(former)


@contextmanager
def _variables_hidden() -> Iterator[None]:
    hidden = {n: os.environ.pop(n) for n in (_BACKEND, _PLACE, _DATE) if n in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _settings_out_of_sight() -> Iterator[None]:
    """Let matplotlib find its own settings before those of the user."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:  # the import will tell
        yield
        return
    own = Path(spec.origin).with_name("mpl-data")
    os.environ[_PLACE] = str(own / _SETTINGS)
    try:
        if not Path(_SETTINGS).is_file():
            yield
            return
        # Matplotlib takes the one in the working folder before all others.
        if "MPLCONFIGDIR" in os.environ:
            os.environ["MPLCONFIGDIR"] = str(Path(os.environ["MPLCONFIGDIR"]).absolute())
        with chdir(own):
            yield
    finally:
        del os.environ[_PLACE]
