"""The command line: its commands together, errors, exit codes. Heavy imports wait for a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from benchmark.commands import options, printing
from benchmark.commands.line import (
    completion,
    data,
    figure,
    methods,
    reference,
    report,
    run,
    table,
)
from benchmark.commands.line.completion import VARIABLE
from benchmark.errors import BenchmarkError
from benchmark.installation import (
    drop_stray_variables,
    refuse_hidden,
    refuse_no_folder,
    version,
)
from benchmark.running.interruption import interrupted, run_to_the_end
from benchmark.streams import is_broken_pipe, lost_output, make_steady


class _Failure(click.ClickException):
    """One of our errors, as click prints them."""

    def __init__(self, error: BenchmarkError):
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click declares it per class


class _Group(options.PlainGroup):
    """Turns our errors, and what cannot be printed, into one sentence and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        make_steady()
        if VARIABLE in os.environ:  # a shell asks what can stand at a place
            from benchmark.commands.line import shells  # noqa: F401 - tells click its scripts
        words = args[0] if args else kwargs.get("args")
        try:
            with printing.printing_as(sys.argv[1:] if words is None else words):
                return super().main(*args, **{"complete_var": VARIABLE, **kwargs})
        except SystemExit as end:
            lost = lost_output()
            if lost is None:
                raise
            if not is_broken_pipe(lost):
                printing.error(f"cannot write to standard output: {lost.strerror}")
            sys.exit(end.code or 1)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program where nothing is given, as the command ``ldl-benchmark`` does."""
        return self.main(*args, **kwargs) if args or kwargs else run_to_the_end(self.main)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _kept():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _kept():
            try:
                return super().invoke(ctx)
            except BenchmarkError as error:
                raise _Failure(error) from error
            except KeyboardInterrupt as error:
                raise _Failure(BenchmarkError(interrupted(error))) from error


@contextmanager
def _kept() -> Iterator[None]:
    """Keep what click prints of an error for the document of ``--json``."""
    try:
        yield
    except click.ClickException as error:
        sentence = " ".join(error.format_message().split()).removesuffix(".")
        printing.output.errors.append(sentence)
        raise


def _print_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        printing.result(f"ldl-benchmark {version()}")
        context.exit()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Compare label distribution learning methods on the same folds.

    \b
    ldl-benchmark run --all
        every model on the built-in data
    ldl-benchmark run --all --dataset data.mat --plugin mine.py
        your data and your method

    Exit codes: 0 fine, 1 something failed, 2 the command cannot be used as given.
    """  # noqa: D301 - click reads the character \b
    refuse_no_folder()
    refuse_hidden()
    # Child processes look for modules where this one does, not in the working folder first.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    drop_stray_variables()


main.add_section("Compare methods", run.run, reference.leaderboard)
main.add_section("Look at results", table.table, figure.figure, report.report, report.compare)
main.add_section("Bring your own", methods.new_model, methods.check, reference.submission)
main.add_section("Data", data.datasets, run.features, data.backbones)
main.add_section("Look things up", methods.models, methods.measures, completion.completion)
