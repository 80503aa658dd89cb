"""The command ``table``."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from benchmark.commands import options, printing
from benchmark.errors import UsageError


@click.command(cls=options.PlainCommand)
@click.argument("number", type=options.OneOf("1", "3", "4", "wheel", "tests", "tuned"))
@options.out
@options.to
@click.option("--std", is_flag=True, help="Table 3: show the deviation over folds.")
@options.against
@options.measures
@click.option(
    "--measure",
    default="",
    metavar="NAME",
    help="Tests: of which measure. [default: kl_divergence]",
)
@click.option(
    "--dataset", "datasets", multiple=True, metavar="NAME", help="Table 1: of which datasets."
)
@click.option("--data-dir", metavar="DIR", help="Table 1: where image sets are looked up.")
def table(
    number: str,
    out: tuple[str, ...],
    to: str | None,
    std: bool,
    measure: str,
    **further: Any,
) -> None:
    """Make a table, as text and as .csv, .tex and .md files. Computes no model.

    \b
    1      images per class of the datasets
    3      every measure and rank of a run
    4      accuracies of a run's models on its datasets
    wheel  the wheel ablation of a run
    tests  is the difference real? The best model against the others
    tuned  what --tune gained, and which settings it chose

    With --out given several times, runs on different datasets, or of different models, come into
    one table; LABEL=DIR tells two versions of one model apart.
    """  # noqa: D301 - click reads the character \b
    from benchmark.commands import show_tables
    from benchmark.commands.table3 import tabulated

    options.refuse_misplaced(number, {
        "1": {"--dataset": further["datasets"], "--data-dir": further["data_dir"]},
        "3": {"--std": std, "--against": further["against"], "--measures": further["measures"]},
        "tests": {"--measure": measure},
    })  # fmt: skip
    problems: list[str] = []
    if number == "3":
        shown = partial(printing.table, std=std)
        chosen = {"against": further["against"], "measures": further["measures"]}
        printing.close(tabulated(out or None, std, to, shown, **chosen))
        return
    if number == "1":
        from benchmark.tables.table1 import write_table1

        if len(out) > 1 or (out and to):
            raise UsageError("table 1 goes into one folder; give it with --to")
        cells, paths = write_table1(
            further["datasets"],
            further["data_dir"],
            to or (out[0] if out else None),
            problems,
        )
    elif number == "tests":
        cells, paths = show_tables.significance(out or None, measure, to, problems)
    else:
        makers = {
            "4": show_tables.network_table,
            "wheel": show_tables.ablation_table,
            "tuned": show_tables.tuned_table,
        }
        cells, paths = makers[number](out or None, to, problems)
    printing.grids(cells)
    printing.written(paths, problems)
