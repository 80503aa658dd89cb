"""The command ``table``."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from benchmark.commands import options, printing
from benchmark.commands.words import of_section
from benchmark.errors import UsageError

_numbers = of_section("What is in it")
_paper = of_section("How it is written")


@click.command(cls=options.PlainCommand)
@click.argument("number", type=options.OneOf("1", "3", "4", "wheel", "tests", "tuned", "text"))
@options.out
@options.to
@options.against
@options.measures
@options.models
@_numbers(
    "--measure",
    default="",
    metavar="NAME",
    help="Tests and text: of which measure. [default: kl_divergence]",
)
@_numbers(
    "--dataset", "datasets", multiple=True, metavar="NAME", help="Table 1: of which datasets."
)
@_numbers("--data-dir", metavar="DIR", help="Table 1: where image sets are looked up.")
@_numbers("--std", is_flag=True, help="Tables 3 and 4: the deviation over folds behind each mean.")
@_numbers("--interval", is_flag=True, help="Tables 3 and 4: the 95 % bootstrap interval instead.")
@_paper(
    "--columns",
    type=options.OneOf("2", "1"),
    default="2",
    help="Columns of text on a page of the paper. In a paper of two, LaTeX gives a table that is "
    "wider than a column the width of the page (table*). What is wider than a page comes in "
    "blocks of columns, one below the other. [default: 2]",
)
@_paper("--caption", default="", metavar="TEXT", help="Instead of the table's own: plain text.")
@_paper("--label", default="", metavar="NAME", help="For \\ref. [default: tab:table3-DATASET, ..]")
@_paper(
    "--ranks",
    type=options.OneOf("none", "parentheses", "superscript"),
    default="parentheses",
    help="Tables 3 and 4: how ranks stand behind values. [default: parentheses]",
)
@_paper(
    "--digits",
    type=int,
    default=4,
    metavar="N",
    help="Decimals; what is in percent has two fewer. [default: 4]",
)
@_paper("--percent", is_flag=True, help="All values between 0 and 1 in percent.")
@_paper(
    "--format",
    "kind",
    type=options.OneOf("text", "markdown", "latex", "html", "csv"),
    default="text",
    help="What is printed. Files are .csv (numbers), .tex and .md in any case. [default: text]",
)
def table(number: str, out: tuple[str, ...], to: str | None, kind: str, **given: Any) -> None:
    """Make a table, as text and as .csv, .tex and .md files. Computes no model.

    \b
    1      images per class of the datasets
    3      every measure and rank of a run
    4      accuracies of a run's models on its datasets
    wheel  the wheel ablation of a run
    tests  is the difference real? The best model against the others
    tuned  what --tune gained, and which settings it chose
    text   no table but a paragraph for the paper: tests, p-values, effect sizes

    With --models ranks and tests are among these models, in the order given; rows such as the mean
    distribution are shown if they are named. With --out given several times, runs on different
    datasets, or of different models, come into one table; LABEL=DIR tells two versions of one model
    apart.
    """  # noqa: D301 - click reads the character \b
    from benchmark.commands import show_tables
    from benchmark.commands.answers.tables import Table
    from benchmark.commands.table3 import tabulated
    from benchmark.tables.options import options_of

    if number == "text" and kind in ("html", "csv"):
        raise UsageError(f"--format {kind} is for tables, not for table text")
    if kind != "text":  # nothing but the table, to be put into a file
        printing.output.quiet = True
    look = _look(number, given)
    written = options_of(look)
    problems: list[str] = []
    if number == "3":
        study = tabulated(
            out or None,
            written,
            to,
            partial(printing.table, kind=kind),
            given["against"],
            given["measures"],
        )
        printing.close(study)
        return
    if number == "text":
        said, paths = show_tables.paper_text(out or None, given["measure"], to, problems, written)
        printing.texts(said, kind)
        printing.written(paths, problems)
        return
    if number == "1":
        import pandas as pd

        from benchmark.tables.table1 import write_table1

        if len(out) > 1 or (out and to):
            raise UsageError("table 1 goes into one folder; give it with --to")
        place = to or (out[0] if out else None)
        cells, paths = write_table1(given["datasets"], given["data_dir"], place, problems, written)
        made = Table([cells], pd.DataFrame(), paths=paths)
    elif number == "tests":
        made = show_tables.significance(out or None, given["measure"], to, problems, written)
    else:
        makers = {
            "4": show_tables.network_table,
            "wheel": show_tables.ablation_table,
            "tuned": show_tables.tuned_table,
        }
        made = makers[number](out or None, to, problems, written)
    printing.answer(made, kind)
    printing.written(made.paths, problems)


def _look(number: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return how the table is written, and refuse what it does not have."""
    from benchmark.tables.options import TABLES_WITH

    if given["std"] and given["interval"]:
        raise UsageError("--std and --interval both stand behind a mean; give one of them")
    usual = {"columns": "2", "ranks": "parentheses", "digits": 4}
    spelt = {"datasets": "--dataset", "data_dir": "--data-dir"}
    options.refuse_misplaced(
        number,
        {
            spelt.get(name, f"--{name}"): TABLES_WITH[name]
            for name, value in given.items()
            if name in TABLES_WITH and value and value != usual.get(name)
        },
    )
    spread = "std" if given["std"] else "interval" if given["interval"] else "none"
    return {**given, "columns": int(given["columns"]), "spread": spread}
