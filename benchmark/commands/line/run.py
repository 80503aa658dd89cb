"""The commands that compute: ``run`` and ``features``."""

from __future__ import annotations

import math
from typing import Any

import click

from benchmark.commands import options, printing


@click.command(cls=options.PlainCommand)
@click.argument("models", metavar="[MODEL|FILE.py]...", nargs=-1)
@options.of_run
@options.of_networks
@options.of_training
@options.of_results
def run(**given: Any) -> None:
    """Run models on datasets and print the ranked table.

    The same command goes on where an interrupted run stopped.
    """
    from benchmark.commands.run import run as run_models

    if given["task_timeout"] == 0:
        given["task_timeout"] = math.inf
    write_report = not given.pop("no_report")
    study = run_models(
        **given,
        report=write_report,
        show_progress=not printing.output.quiet,
        tell=printing.to_stderr,
        show=printing.table,
    )
    printing.close(study, write_report)


@click.command(cls=options.PlainCommand, short_help="Extract and cache features of images.")
@click.option("--dataset", "datasets", multiple=True, required=True, metavar="NAME")
@options.of_networks
@click.option(
    "--size", type=int, metavar="PIXELS", help="Side of the images. [default: the backbone's]"
)
def features(**given: Any) -> None:
    """Extract and cache a backbone's features of image datasets, for later runs.

    A run does this by itself; this is for a machine with an accelerator, whose results/cache then
    goes to others.
    """
    from benchmark.commands.features import extract_features

    cached = list(extract_features(**given, show_progress=not printing.output.quiet))
    printing.give(cached=cached)
    for sentence in cached:
        printing.result(sentence)
