"""The command ``figure``."""

from __future__ import annotations

from typing import Any

import click

from benchmark.commands import options, printing


@click.command(cls=options.PlainCommand)
@click.argument("name", metavar="NAME")
@options.out
@options.to
@click.option(
    "--dataset", default="", metavar="NAME", help="Which one to show. [default: the first]"
)
@click.option("--measure", default="", metavar="NAME", help="Which measure to show.")
@options.models
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=options.OneOf("pdf", "svg", "png"),
    help="May be repeated. [default: all]",
)
@options.measures
@click.option(
    "--width",
    default="",
    metavar="column|page|CM",
    help="Width at which it is printed: 8.9 cm, 17.8 cm, or centimetres. Type has 7 to 9 points "
    "there. [default: page, as high as need be]",
)
@click.option(
    "--style",
    default="",
    metavar="FILE.mplstyle",
    help="Settings of matplotlib that go before ours; figure style writes ours, to change.",
)
def figure(
    name: str,
    out: tuple[str, ...],
    to: str | None,
    formats: tuple[str, ...],
    **shown: Any,
) -> None:
    """Draw a figure of a run, with its numbers as .csv. Computes no model.

    Beside it go its caption (.txt) and itself as LaTeX takes it in (.tex).

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
    style        the style file of the figures, to change and give with --style
    """  # noqa: D301 - click reads the character \b
    from benchmark.commands import show
    from benchmark.figures import FORMATS
    from benchmark.figures.look import copy_style

    if name.lower() == "style":
        printing.written([copy_style(to or ".")])
        return
    found = show.draw_figures(name, out or None, formats or FORMATS, to=to, **shown)
    for one in found.drawn:
        printing.say(f"{one.name}: {one.caption}")
        printing.written(one.paths)
    for reason in found.left_out:
        printing.say(f"{reason[0].upper()}{reason[1:]}.")
    printing.give(
        figures=[
            {"name": one.name, "caption": one.caption, "files": one.paths} for one in found.drawn
        ],
        left_out=found.left_out,
    )
    printing.problems(found.problems)
