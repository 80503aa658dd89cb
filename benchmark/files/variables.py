"""Which matrices of a file are features and labels, and what else it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import UsageError
from benchmark.files.contents import NAMES, shown
from benchmark.files.guessing import matrix_options
from benchmark.files.reading import Reading, matching, matching_any, none_here, option
from benchmark.files.roles import ROW_FACTS

# Of a file's variables in a sentence.
_MOST_NAMED = 10

#: What a file may hold beside the two matrices.
BESIDE = (NAMES, *ROW_FACTS)


@dataclass(frozen=True)
class Variables:
    """Names of what is read.

    Attributes
    ----------
    features, labels : str
        The matrices.
    beside : tuple of str
        Those of `BESIDE` that are there.
    """

    features: str
    labels: str
    beside: tuple[str, ...]


def find_variables(
    path: Path,
    names: Sequence[str],
    reading: Reading,
    shapes: Callable[[], Mapping[str, tuple[int, ...]]],
) -> Variables:
    """Tell which variable of a file is what.

    Parameters
    ----------
    path : Path
    names : sequence of str
        All that it holds.
    reading : Reading
        What the user says.
    shapes : callable
        Returns the matrices of numbers with their shapes; asked where one is absent.

    Raises
    ------
    UsageError
        It lacks a matrix, tells what it holds and which options read it; or a pattern means several
        variables, or both matrices the same.
    """
    left_out = matching_any(names, reading.ignore)
    kept = [name for k, name in enumerate(names) if k not in left_out]
    chosen = {}
    for what, patterns in (("features", reading.features), ("labels", reading.labels)):
        found = [kept[k] for k in sorted(matching_any(kept, patterns))]
        if len(found) > 1:
            wanted = next(p for p in patterns if matching(kept, p))
            raise UsageError(
                f"{path}: {option(f'--{what}', wanted)} means several matrices "
                f"({_named(found)}); name one of them"
            )
        chosen[what] = found[0] if found else what
    for what, name in chosen.items():
        if name not in kept:
            _refuse_absent(path, kept, what, reading, shapes)
    if chosen["features"] == chosen["labels"]:
        raise UsageError(
            f"{path}: {shown(chosen['labels'])} is to be both features and labels; name two "
            f"different matrices with --features and --labels"
        )
    return Variables(**chosen, beside=tuple(name for name in BESIDE if name in kept))


def _refuse_absent(
    path: Path,
    kept: Sequence[str],
    what: str,
    reading: Reading,
    shapes: Callable[[], Mapping[str, tuple[int, ...]]],
) -> None:
    unused = none_here(kept, reading.patterns[f"--{what}"], f"--{what}")
    known = {name: s for name, s in shapes().items() if name in kept and name not in BESIDE}
    options = matrix_options(known)
    hint = f"; read it with {options}" if options else "; name them with --features and --labels"
    raise UsageError(
        f"{path} has no matrix named {what!r}{unused} (it holds: {_named(kept) or 'nothing'}); "
        f"needed are features (n, q) and labels (n, c){hint}"
    )


def _named(names: Sequence[str]) -> str:
    texts = [name if name.isidentifier() else shown(name) for name in names[:_MOST_NAMED]]
    return ", ".join([*texts, *(["..."] if len(names) > _MOST_NAMED else [])])
