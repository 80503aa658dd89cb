"""The command line. Each command calls one function; heavy imports wait until it is called."""

from __future__ import annotations

import math
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from benchmark.commands import options, printing, with_reference
from benchmark.errors import BenchmarkError, UsageError
from benchmark.installation import (
    drop_stray_variables,
    refuse_hidden,
    refuse_no_folder,
    version,
)
from benchmark.running.interruption import interrupted, run_to_the_end
from benchmark.streams import is_broken_pipe, lost_output, make_steady, terminal_width


class _Failure(click.ClickException):
    """One of our errors, as click prints them."""

    def __init__(self, error: BenchmarkError):
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click declares it per class


class _Group(click.Group):
    """Turns our errors, and what cannot be printed, into one sentence and an exit code."""

    command_class = options.PlainCommand

    def main(self, *args: Any, **kwargs: Any) -> Any:
        make_steady()
        try:
            return super().main(*args, **kwargs)
        except SystemExit as end:
            lost = lost_output()
            if lost is None:
                raise
            if not is_broken_pipe(lost):
                printing.to_stderr(f"Error: cannot write to standard output: {lost.strerror}")
            sys.exit(end.code or 1)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program where nothing is given, as the command ``ldl-benchmark`` does."""
        return self.main(*args, **kwargs) if args or kwargs else run_to_the_end(self.main)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            options.read_words(ctx)
            return super().invoke(ctx)
        except BenchmarkError as error:
            raise _Failure(error) from error
        except KeyboardInterrupt as error:
            raise _Failure(BenchmarkError(interrupted(error))) from error


def _print_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(f"ldl-benchmark {version()}")
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


@main.command()
@click.argument("models", metavar="[MODEL|FILE.py]...", nargs=-1)
@options.of_run
@options.of_networks
@options.of_training
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
        show_progress=True,
        tell=printing.to_stderr,
        show=printing.table,
    )
    printing.close(study, write_report)


@main.command()
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
    from benchmark.commands import show, show_tables

    options.refuse_misplaced(number, {
        "1": {"--dataset": further["datasets"], "--data-dir": further["data_dir"]},
        "3": {"--std": std, "--against": further["against"], "--measures": further["measures"]},
        "tests": {"--measure": measure},
    })  # fmt: skip
    problems: list[str] = []
    if number == "3":
        shown = partial(printing.table, std=std)
        chosen = {"against": further["against"], "measures": further["measures"]}
        printing.close(show.table(out or None, std, to, shown, **chosen))
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


@main.command()
@click.argument("name", metavar="NAME")
@options.out
@options.to
@click.option(
    "--dataset", default="", metavar="NAME", help="Which one to show. [default: the first]"
)
@click.option("--measure", default="", metavar="NAME", help="Which measure to show.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Which models to show.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=options.OneOf("pdf", "svg", "png"),
    help="May be repeated. [default: all]",
)
@options.measures
def figure(
    name: str,
    out: tuple[str, ...],
    to: str | None,
    formats: tuple[str, ...],
    **shown: Any,
) -> None:
    """Draw a figure of a run, with its numbers as .csv. Computes no model.

    \b
    1            sample images and their distributions
    4            the same with what models predict
    5            accuracy and KL divergence over sigma, of a run with --protocol figure5
    boxes        every measure, fold by fold
    critical     mean ranks over datasets, and which differ significantly
    ranks        ranks in every measure, or on every dataset
    wheel        the emotion wheel and its prior
    calibration  predicted shares against true ones
    learning     the loss of the networks, epoch by epoch
    cost         time against quality
    all          all of them that the run has
    """  # noqa: D301 - click reads the character \b
    from benchmark.commands import show
    from benchmark.figures import FORMATS

    found = show.draw_figures(name, out or None, formats or FORMATS, to=to, **shown)
    for drawing, paths in found.drawn:
        click.echo(f"{drawing.name}: {drawing.caption}")
        printing.written(paths)
    for reason in found.left_out:
        click.echo(f"{reason[0].upper()}{reason[1:]}.")
    printing.problems(found.problems)


@main.command()
@options.out
@options.to
@click.option("--no-pictures", is_flag=True, help="Leave out pictures, to pass the report on.")
@options.measures
def report(out: tuple[str, ...], to: str | None, no_pictures: bool, measures: str | None) -> None:
    """Write the report of a run: one HTML file with all there is to see. Computes no model.

    A run writes it by itself; this makes it again, or of several runs.
    """
    from benchmark.commands import show

    problems: list[str] = []
    page = show.report(out or None, to, not no_pictures, problems, measures)
    printing.written([page], problems)


@main.command()
@options.out
@options.to
@click.option(
    "--dataset",
    default="",
    metavar="NAME",
    help="Dataset that stands for the paper's Emotion6. [default: the one of that name]",
)
def compare(out: tuple[str, ...], to: str | None, dataset: str) -> None:
    """Hold the tables of a run against those of the paper, and judge its claims."""
    from benchmark.commands import show

    problems: list[str] = []
    grids, sentences, paths = show.compare(out or None, dataset, to, problems)
    for cells in grids:
        printing.grids(cells)
    for sentence in sentences:
        click.echo(sentence)
    printing.written(paths, problems)


@main.command()
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
    from benchmark.commands.run import extract_features

    for sentence in extract_features(**given, show_progress=True):
        click.echo(sentence)


@main.command()
@click.option("--all", "every", is_flag=True, help="Show them all, whose they are, and since when.")
@click.option("--spaces", is_flag=True, help="Show what --tune chooses from instead.")
def models(every: bool, spaces: bool) -> None:
    """List the models that can be run."""
    from benchmark.commands import show_models
    from benchmark.plugins.peer_methods import method_of
    from benchmark.plugins.registry import models as known

    if spaces:
        from benchmark.tables.spaces import spaces_grid

        shown = [entry for entry in known().values() if every or not method_of(entry.name)]
        printing.grids(spaces_grid(shown))
        return
    show = show_models.all_models if every else show_models.usual_models
    click.echo(show(known().values(), terminal_width()))


@main.command()
@options.plugins_of_measures
def measures() -> None:
    """List the measures that --measures takes, with direction, range, formula and source."""
    from benchmark.commands.show_measures import show_measures

    click.echo(show_measures(terminal_width()))


@main.group(cls=_Group, invoke_without_command=True)
@click.option("--data-dir", metavar="DIR", help="Where public sets are looked up. [default: data]")
@click.pass_context
def datasets(context: click.Context, data_dir: str | None) -> None:
    """List the built-in data, the files that can be read, and the public sets."""
    if not context.invoked_subcommand:
        from benchmark.commands.show_datasets import show_datasets

        click.echo(show_datasets(data_dir, terminal_width()))


@datasets.command()
@click.argument("name")
@click.option("--data-dir", metavar="DIR", help="Where it goes. [default: data]")
@click.option("--url", metavar="ADDRESS", help="Another address, such as of a mirror.")
@click.pass_context
def fetch(context: click.Context, name: str, data_dir: str | None, url: str | None) -> None:
    """Download a tabular set, or an image set whose archive is public.

    A download that broke off goes on; checksums are verified.
    """
    from benchmark.datasets.fetching import fetch as fetch_set
    from benchmark.progress import Console

    before = context.parent.params["data_dir"] if context.parent else None
    if data_dir and before and data_dir != before:
        raise UsageError(f"--data-dir is given twice, {before} and {data_dir}; give it once")
    data_dir = data_dir or before
    with Console(show_progress=True).bar(name, unit="B") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        place = fetch_set(name, data_dir, printing.to_stderr, show, url)
    click.echo(f"{name} is in {place}.")


@main.command()
@click.argument("plugin", metavar="FILE.py")
def check(plugin: str) -> None:
    """Tell everything that is wrong with a plugin."""
    from benchmark.running.trial import check_apart

    problems = check_apart(plugin)
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
    from benchmark.plugins.new_model import new_model as write

    path = write(name, Path(out))
    click.echo(f"Wrote {path}. Next:")
    click.echo(f"  ldl-benchmark check {path}")
    click.echo(f"  ldl-benchmark run --all --plugin {path}")


main.add_command(with_reference.leaderboard)
main.add_command(with_reference.submission)
