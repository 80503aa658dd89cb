"""The commands about datasets and backbones: what there is, and downloads."""

from __future__ import annotations

import click

from benchmark.commands import options, printing
from benchmark.errors import UsageError
from benchmark.streams import terminal_width


@click.group(
    cls=options.PlainGroup,
    invoke_without_command=True,
    short_help="List the data there are; fetch public sets.",
)
@click.option("--data-dir", metavar="DIR", help="Where public sets are looked up. [default: data]")
@click.pass_context
def datasets(context: click.Context, data_dir: str | None) -> None:
    """List the built-in data, the files that can be read, and the public sets."""
    if not context.invoked_subcommand:
        from benchmark.commands.show_datasets import facts_of_datasets, show_datasets

        if printing.output.json:
            printing.give(datasets=facts_of_datasets(data_dir))
        else:
            printing.result(show_datasets(data_dir, terminal_width()))


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
    with Console(show_progress=not printing.output.quiet).bar(name, unit="B") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        place = fetch_set(name, data_dir, printing.to_stderr, show, url)
    printing.give(path=place)
    printing.say(f"{name} is in {place}.")


@click.group(
    cls=options.PlainGroup,
    invoke_without_command=True,
    short_help="List the networks that --backbone takes; fetch weights.",
)
@click.pass_context
def backbones(context: click.Context) -> None:
    """List the networks that images can go through: layer, size, input, published weights."""
    if not context.invoked_subcommand:
        from benchmark.commands.show_backbones import facts_of_backbones, show_backbones

        printing.give(backbones=facts_of_backbones())
        printing.result(show_backbones(terminal_width()))


@backbones.command("fetch")
@click.argument("backbone")
@click.option("--weights", metavar="imagenet|torchvision", help="Which. [default: imagenet]")
@click.option(
    "--to", metavar="DIR", help="Where it goes. [default: the folder of Keras' downloads]"
)
@click.option("--url", metavar="ADDRESS", help="Another address, such as of a mirror.")
def fetch_weights(backbone: str, weights: str | None, to: str | None, url: str | None) -> None:
    """Download published weights, for a machine without a network too.

    A download that broke off goes on; checksums are verified.
    """
    from benchmark.commands.show_backbones import fetch as fetch_file
    from benchmark.progress import Console

    with Console(show_progress=not printing.output.quiet).bar(backbone, unit="B") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        path, use = fetch_file(backbone, weights, to, url, show)
    printing.give(path=path)
    printing.say(f"{path} is used with --backbone {backbone} --weights {use}.")
