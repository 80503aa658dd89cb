"""What can stand at a place of the command line, for shells that complete it.

A shell asks between two keys, so that nothing here imports what takes long: catalogues are read,
of plugins the source code, of runs their plan.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

Named = Iterable[tuple[str, str]]


def complete(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """List what can stand at a parameter: names, and whether files or folders.

    Parameters
    ----------
    ctx : click.Context
        With the words so far.
    param : click.Parameter
        Which place it is.
    incomplete : str
        The start of the word; of a list with commas, all of it.

    Returns
    -------
    list of CompletionItem
        Of type ``plain``, ``file`` or ``dir``.
    """
    items = []
    with suppress(Exception):  # nobody wants a traceback for a key
        before, names, incomplete = _within_list(param, incomplete)
        given = ctx.params.get(param.name or "") or ()
        for name, about in _named(ctx, param):
            fits = name.casefold().startswith(incomplete.casefold())
            if fits and name not in names and (name not in given or isinstance(given, str)):
                items.append(CompletionItem(before + _in_list(name, param), help=about or None))
    return items + _paths(param, incomplete)


def _within_list(param: click.Parameter, incomplete: str) -> tuple[str, list[str], str]:
    """Split a list with commas: what stays, the names in it, and the start of the last one."""
    if "," not in str(param.metavar) or "," not in incomplete:
        return "", [], incomplete.lstrip('"') if "," in str(param.metavar) else incomplete
    names = next(csv.reader([incomplete], skipinitialspace=True))
    last = names.pop()
    at = incomplete.rindex(last) if last else len(incomplete)
    return incomplete[:at].rstrip('"'), names, last


def _in_list(name: str, param: click.Parameter) -> str:
    return f'"{name}"' if "," in str(param.metavar) and "," in name else name


def _paths(param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    metavar = str(param.metavar)
    if "FILE" in metavar:
        return [CompletionItem(incomplete, type="file")]
    return [CompletionItem(incomplete, type="dir")] if "DIR" in metavar else []


def _named(ctx: click.Context, param: click.Parameter) -> Named:
    """Return the names that a parameter takes, each with a few words about it."""
    command, name = str(ctx.command.name), str(param.name)
    of_commands: dict[tuple[str, str], Callable[[click.Context], Named]] = {
        ("figure", "name"): lambda ctx: listed_in(str(ctx.command.help)),
        ("fetch", "name"): lambda _: fetchable(),
        ("new-model", "name"): lambda _: (),
        ("run", "models"): models,
        ("run", "datasets"): lambda _: datasets(),
        ("run", "ignore"): columns,
        ("run", "labels"): columns,
        ("run", "features"): columns,
        ("features", "datasets"): lambda _: datasets(),
        ("leaderboard", "datasets"): lambda _: tabular_sets(),
        ("submission", "datasets"): lambda _: datasets(),
        ("table", "datasets"): lambda _: datasets(),
    }
    of_all: dict[str, Callable[[click.Context], Named]] = {
        "backbone": lambda _: backbones(),
        "dataset": datasets_of_runs,
        "datasets": datasets_of_runs,
        "measure": measures,
        "measures": measures,
        "models": models_of_runs,
        "tune_for": measures,
    }
    if found := of_commands.get((command, name)) or of_all.get(name):
        return found(ctx)
    # words that the help lists: reference|DIR, demo|paper|FILE.toml
    words = str(param.metavar).replace("hold-out[:SHARE]", "hold-out").split("|")
    return [(word, "") for word in words if word.lower() == word]


def listed_in(text: str) -> Named:
    """Read the names that a help text lists: a name, two spaces or more, what it is."""
    return re.findall(r"(?m)^ *([a-z0-9]\w*)  +(\S.*)$", text)


def models(ctx: click.Context) -> Named:
    """Return the models that can be run, those of plugins on the line among them."""
    from importlib.metadata import entry_points

    from benchmark.plugins.built_in import BEYOND_PAPER, CLASSIFIERS, PAPER
    from benchmark.plugins.peer_methods import METHODS, PREFIX

    yield from declared(ctx, "register")
    yield from ((name, "of the protocol") for name in _in_protocol(ctx.params.get("protocol")))
    yield from ((name, "of the paper") for name in PAPER)
    yield from ((name, "classifier of the paper") for name in CLASSIFIERS)
    yield from ((name, "further method") for name in BEYOND_PAPER)
    yield from ((f"{PREFIX}{name}", "of python-ldl") for name in METHODS)
    yield from ((point.name, point.value) for point in entry_points(group="ldl_benchmark.models"))


def _in_protocol(name: str | None) -> Iterable[str]:
    if not name:
        return ()
    import tomllib

    import benchmark.planning

    known = Path(benchmark.planning.__path__[0], "protocols", f"{name.lower()}.toml")
    file = known if known.exists() else Path(name).expanduser()
    return tomllib.loads(file.read_text("utf-8")).get("models", {})


def measures(ctx: click.Context) -> Named:
    """Return the measures, those of plugins on the line among them."""
    from benchmark.metrics import BY_NAME

    yield from declared(ctx, "register_measure")
    yield from ((name, measure.title) for name, measure in BY_NAME.items())


def datasets() -> Named:
    """Return the datasets that have a name."""
    from benchmark.datasets.image_sets.catalogue import IMAGE_SETS

    yield "synthetic", "600 drawn images"
    yield from tabular_sets()
    yield from ((image_set.name, "images") for image_set in IMAGE_SETS)


def tabular_sets() -> Named:
    """Return the public tabular sets."""
    from benchmark.datasets.tabular_sets.catalogue import tabular_sets as catalogue

    return [(known.name, f"{known.rows:,} rows, {known.labels} labels") for known in catalogue()]


def backbones() -> Named:
    """Return the networks that images can go through."""
    from features.networks.backbones import BACKBONES

    yield from ((name, f"{facts.width} values") for name, facts in BACKBONES.items())


def fetchable() -> Named:
    """Return the datasets that can be downloaded."""
    from benchmark.datasets.image_sets.catalogue import IMAGE_SETS

    yield from tabular_sets()
    yield from ((image_set.name, "images") for image_set in IMAGE_SETS if image_set.archive)


def declared(ctx: click.Context, function: str) -> Iterator[tuple[str, str]]:
    """Read the names that plugins on the line register with a function, and run none of them."""
    files = ctx.params.get("plugins") or ctx.meta.get("plugins") or ()
    given = [word for word in ctx.params.get("models") or () if str(word).endswith(".py")]
    for file in (*files, *given):
        for node in ast.walk(ast.parse(Path(file).expanduser().read_bytes())):
            if isinstance(node, ast.Call) and node.args and _called(node.func) == function:
                name = node.args[0]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield name.value, f"of {file}"


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")


def models_of_runs(ctx: click.Context) -> Named:
    """Return the rows of the runs that --out names, or of the last one."""
    return [(model["name"], "") for plan in _plans(ctx) for model in plan["models"]]


def datasets_of_runs(ctx: click.Context) -> Named:
    """Return the datasets of the runs that --out names, or of the last one."""
    return [(dataset["name"], "") for plan in _plans(ctx) for dataset in plan["datasets"]]


def _plans(ctx: click.Context) -> Iterator[dict[str, Any]]:
    from benchmark.store.latest import latest_run

    last = latest_run()
    for entry in ctx.params.get("out") or ([str(last)] if last else []):
        for folder in (entry, str(entry).partition("=")[2]):
            with suppress(OSError, ValueError):
                yield json.loads((Path(folder).expanduser() / "run.json").read_text("utf-8"))


def columns(ctx: click.Context) -> Named:
    """Return the columns of the CSV files on the line."""
    for file in ctx.params.get("datasets") or ():
        if str(file).lower().endswith(".csv"):
            with Path(file).expanduser().open(encoding="utf-8-sig", newline="") as lines:
                for row in islice(csv.reader(lines), 1):
                    yield from ((name, f"of {file}") for name in row)
