"""The commands about models and measures, and about one's own."""

from __future__ import annotations

from pathlib import Path

import click

from benchmark.commands import options, printing
from benchmark.streams import terminal_width


@click.command(cls=options.PlainCommand)
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
    if printing.output.json:
        shown = [entry for entry in known().values() if every or not method_of(entry.name)]
        printing.give(models=[show_models.facts(entry) for entry in shown])
        return
    printing.result(show(known().values(), terminal_width()))


@click.command(cls=options.PlainCommand, short_help="List the measures that --measures takes.")
@options.plugins_of_measures
def measures() -> None:
    """List the measures that --measures takes, with direction, range, formula and source."""
    from benchmark.commands.show_measures import facts_of_measures, show_measures

    printing.give(measures=facts_of_measures())
    printing.result(show_measures(terminal_width()))


@click.command(cls=options.PlainCommand)
@click.argument("plugin", metavar="FILE.py")
def check(plugin: str) -> None:
    """Tell everything that is wrong with a plugin."""
    from benchmark.running.trial import check_apart

    problems = check_apart(plugin)
    printing.verdict(problems, f"{plugin} follows the contract.")


@click.command("new-model", cls=options.PlainCommand, old={"--out": "--to"})
@click.argument("name")
@click.option("--to", "out", metavar="DIR", default=".", help="Folder. [default: here]")
def new_model(name: str, out: str) -> None:
    """Write a working plugin to start from."""
    from benchmark.plugins.new_model import new_model as write

    path = write(name, Path(out))
    printing.output.files.append(str(path))
    printing.say(f"Wrote {path}. Next:")
    printing.say(f"  ldl-benchmark check {path}")
    printing.say(f"  ldl-benchmark run --all --plugin {path}")
