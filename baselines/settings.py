"""Checks of hyper-parameters: one sentence that names the setting, its bounds and what came."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np


def check_count(name: str, value: object, least: int = 1) -> None:
    """Raise ValueError unless the value is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")


def check_number(
    name: str,
    value: object,
    low: float = 0.0,
    high: float = np.inf,
    *,
    include_low: bool = True,
    include_high: bool = False,
) -> None:
    """Raise ValueError unless the value is a finite number between the bounds."""
    legal = (
        not isinstance(value, bool)
        and isinstance(value, Real)
        and np.isfinite(float(value))
        and (low <= float(value) if include_low else low < float(value))
        and (float(value) <= high if include_high else float(value) < high)
    )
    if not legal:
        lower = f"{'at least' if include_low else 'greater than'} {low:g}"
        upper = f" and {'at most' if include_high else 'less than'} {high:g}"
        bounds = lower + (upper if np.isfinite(high) else "")
        raise ValueError(f"{name} must be a finite number, {bounds}, not {value!r}")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless the value is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        listed = " or ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be {listed}, not {value!r}")


def check_flag(name: str, value: object) -> None:
    """Raise ValueError unless the value is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, not {value!r}")
