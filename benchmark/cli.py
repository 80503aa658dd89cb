"""The command line. Each command calls one function; heavy imports wait until it is called."""

from __future__ import annotations

import io
import math
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark.errors import BenchmarkError

if TYPE_CHECKING:
    from benchmark.api import Study


class _Failure(click.ClickException):
    """One of our errors, as click prints them."""

    def __init__(self, error: BenchmarkError):
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click declares it per class


class _Group(click.Group):
    """Turns our errors into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BenchmarkError as error:
            raise _Failure(error) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ldl-benchmark")
def main() -> None:
    """Compare label distribution learning methods on the same folds.

    \b
    python -m benchmark run --all
        every model on the built-in data
    python -m benchmark run --all --dataset data.mat --plugin mine.py
        your data and your method

    Exit codes: 0 fine, 1 something failed, 2 the command cannot be used as given.
    """  # noqa: D301 - click reads the character \b
    # A batch system's SIGTERM ends a run like Ctrl-C: cleanly, keeping what is done.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A terminal that lacks an arrow or a dagger shows a question mark, and no traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@main.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option("--all", "all_models", is_flag=True, help="Run every registered model.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME|FILE",
    help="A dataset by name, or a .mat, .csv or .parquet file. May be repeated.",
)
@click.option(
    "--protocol",
    metavar="demo|paper|FILE.toml",
    help="Folds, seed and model settings. [default: demo without datasets, else paper]",
)
@click.option("--data-dir", metavar="DIR", help="Where datasets are looked up.")
@click.option("--out", metavar="DIR", help="Run folder. [default: results/runs/<datasets>]")
@click.option("--jobs", type=int, metavar="N", help="Tasks at a time. [default: one per core]")
@click.option("--folds", type=int, metavar="K", help="Folds per repeat.")
@click.option("--repeats", type=int, metavar="R", help="Repeats of the cross-validation.")
@click.option("--seed", type=int, metavar="S", help="Seed of every random draw.")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE.py", help="Add your own models.")
@click.option("--force", is_flag=True, help="Compute everything again.")
@click.option(
    "--task-timeout",
    type=float,
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop a task after this time; 0 for no limit.",
)
def run(**options: Any) -> None:
    """Run models on datasets and print the ranked table.

    The same command goes on where an interrupted run stopped.
    """
    from benchmark import api

    options["task_timeout"] = options["task_timeout"] or math.inf
    study = api.run(**options, show_progress=True, tell=_tell)
    _print_study(study)


@main.command()
@click.argument("number", type=click.Choice(["3"]))
@click.option("--out", metavar="DIR", help="Run folder. [default: the run written last]")
@click.option("--std", is_flag=True, help="Show the deviation over folds.")
def table(number: str, out: str | None, std: bool) -> None:
    """Make a table of a run again: scores.csv, table3.csv, .tex and .md. Computes no model."""
    from benchmark import api

    _print_study(api.table(out, std), std)


@main.command()
def models() -> None:
    """List the models that can be run."""
    from tabulate import tabulate

    from benchmark.registry import models as known

    rows = []
    for entry in known().values():
        try:
            summary = (entry.load().__doc__ or "").strip().partition("\n")[0]
        except BenchmarkError as error:
            summary = f"cannot be used: {error}"
        rows.append([entry.name, summary, entry.file or entry.source or "built in"])
    click.echo(tabulate(rows, headers=["Model", "What it does", "From"]))


@main.command()
def datasets() -> None:
    """List the built-in datasets and the files that can be read."""
    from tabulate import tabulate

    from benchmark.datasets import BUILT_IN

    files = {
        "FILE.mat": "matrices features (n, q) and labels (n, c)",
        "FILE.csv": "columns label:<name>, optionally id; every other column is a feature",
        "FILE.parquet": "as FILE.csv",
    }
    rows = [[name, what] for name, what in {**BUILT_IN, **files}.items()]
    click.echo(tabulate(rows, headers=["Dataset", "What it is"]))


@main.command()
@click.argument("plugin", metavar="FILE.py")
def check(plugin: str) -> None:
    """Tell everything that is wrong with a plugin."""
    from benchmark.check import check_plugin

    problems = check_plugin(plugin)
    for problem in problems:
        click.echo(f"- {problem}")
    if problems:
        sys.exit(1)
    click.echo(f"{plugin} follows the contract.")


@main.command("new-model")
@click.argument("name")
@click.option("--out", metavar="DIR", default=".", help="Folder. [default: here]")
def new_model(name: str, out: str) -> None:
    """Write a working plugin to start from."""
    from benchmark.check import new_model as write

    path = write(name, Path(out))
    click.echo(f"Wrote {path}. Next:")
    click.echo(f"  python -m benchmark check {path}")
    click.echo(f"  python -m benchmark run --all --plugin {path}")


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)


def _print_study(study: Study, std: bool = False) -> None:
    from benchmark import render

    colour = sys.stdout.isatty()
    click.echo(render.terminal(study.summary, study.notes, std, colour), color=colour or None)
    click.echo(f"Tables and scores are in {study.folder}.")
    if not study.complete:
        _tell(f"{study.missing} results are missing.")
        sys.exit(1)
