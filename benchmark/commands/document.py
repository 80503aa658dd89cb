"""What ``--json`` prints: one document, whatever happens; described in docs/command_line.md."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

#: Rises when a name in the document changes its meaning or goes; further ones may come any time.
SCHEMA = 1


def as_json(value: Any) -> str:
    """Write a document."""
    return json.dumps(plain(value), indent=1, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Make what JSON has of a value: rows of a table, numbers of arrays, null for what is missing.

    Examples
    --------
    >>> plain({"kl_divergence": float("nan"), "folds": (1, 2)})
    {'kl_divergence': None, 'folds': [1, 2]}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a frame of pandas
        return [plain(row) for row in value.to_dict("records")]
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a number of numpy
        return plain(value.item())
    if hasattr(value, "__iter__"):
        return [plain(one) for one in value]
    return str(value)
