"""The shape of a JSON value, checked where it is read: a checksum says nothing about that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: A number that may be whole.
NUMBER = (int, float)


def misfit(value: Any, shape: Any, where: str = "it") -> str:
    """Say what in a JSON value has another shape than wanted; empty where all of it fits.

    Parameters
    ----------
    value : object
        What was read.
    shape : type, tuple of types, list, or mapping
        A type, or several, one of which it must have; ``[shape]``, a list of such values;
        ``{"key": shape, "other?": shape}``, an object that has the key, perhaps also the other,
        and whatever else; ``{str: shape}``, an object of such values under any keys.
    where : str
        How to call the value.

    Examples
    --------
    >>> misfit({"seed": "0"}, {"seed": int})
    'seed is not a whole number'
    """
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            return f"{where} is not an object"
        start = "" if where == "it" else f"{where}."
        if str in shape:
            inner = shape[str]
            found = (
                misfit(item, inner, f"{start}{key}")
                for key, item in value.items()
                if type(item) is not inner
            )
            return next(filter(None, found), "")
        for key, inner in shape.items():
            name = key.removesuffix("?")
            if name not in value:
                if name == key:
                    return f"{where} has no {name}"
            # Most are: 10,000 records are to be read fast.
            elif type(value[name]) is not inner and (
                said := misfit(value[name], inner, f"{start}{name}")
            ):
                return said
        return ""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is not a list"
        found = (misfit(item, shape[0], f"{where}[{i}]") for i, item in enumerate(value))
        return next(filter(None, found), "")
    kinds = shape if isinstance(shape, tuple) else (shape,)
    if any(isinstance(value, kind) and (kind is object or type(value) is not bool or kind is bool)
           for kind in kinds):  # fmt: skip
        return ""
    return f"{where} is not {_NAMES.get(kinds[-1], 'of the right kind')}"


_NAMES = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    type(None): "of the right kind",
}
