"""The options of the command line that are many, or that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

out = click.option(
    "--out",
    multiple=True,
    metavar="DIR|LABEL=DIR",
    help="Run folder; several are put together. [default: the run written last]",
)
to = click.option(
    "--to",
    metavar="DIR",
    help="Where it is written. [default: the run folder; of several, results/merged/<names>]",
)


def _all_of(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Make one decorator of several, which stand in the help in the order given."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


#: What is run, and how.
of_run = _all_of(
    click.option("--all", "all_models", is_flag=True, help="Run every registered model."),
    click.option(
        "--dataset",
        "datasets",
        multiple=True,
        metavar="NAME|FILE",
        help="A dataset by name, or a .mat, .csv or .parquet file. May be repeated.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="COLUMN",
        help="Leave a column out of .csv and .parquet files, such as a row number or a file name; "
        "* stands for anything. May be repeated.",
    ),
    click.option(
        "--protocol",
        metavar="demo|paper|table4|wheel|figure5|FILE.toml",
        help="Folds, seed and settings. [default: demo for the built-in images, else paper]",
    ),
    click.option("--out", metavar="DIR", help="Run folder. [default: results/runs/<datasets>]"),
    click.option("--jobs", type=int, metavar="N", help="Tasks at a time. [default: one per core]"),
    click.option("--folds", type=int, metavar="K", help="Folds per repeat."),
    click.option("--repeats", type=int, metavar="R", help="Repeats of the cross-validation."),
    click.option("--seed", type=int, metavar="S", help="Seed of every random draw."),
    click.option(
        "--plugin", "plugins", multiple=True, metavar="FILE.py", help="Add your own models."
    ),
    click.option("--force", is_flag=True, help="Compute everything again."),
    click.option(
        "--task-timeout",
        type=float,
        metavar="SECONDS",
        help="Stop a task after this time; 0 for no limit. [default: 3600; none for networks]",
    ),
    click.option("--no-report", is_flag=True, help="Write the tables alone, no report.html."),
)

#: How images become features, and what networks start from.
of_networks = _all_of(
    click.option("--data-dir", metavar="DIR", help="Where datasets are looked up."),
    click.option(
        "--cache-dir",
        metavar="DIR",
        help="Where features and decoded images are kept. [default: results/cache]",
    ),
    click.option("--skip-unreadable", is_flag=True, help="Leave out images that are damaged."),
    click.option(
        "--backbone",
        metavar="NAME",
        help="vgg16, vgg19, resnet50, resnet101, alexnet or small. [default: vgg16]",
    ),
    click.option(
        "--weights",
        metavar="imagenet|random|FILE",
        help="Weights of the backbone. [default: imagenet]",
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        help="Precision of features and networks. [default: float32]",
    ),
)

#: How the models of a run are trained.
of_training = _all_of(
    click.option("--epochs", type=int, metavar="N", help="Epochs of the networks."),
    click.option("--batch-size", type=int, metavar="N", help="Images a step of the networks."),
    click.option(
        "--pca-scope",
        type=click.Choice(["fold", "dataset"]),
        help="Fit PCA on each fold's training rows, or on all rows, which leaks. [default: fold]",
    ),
)
