"""The options of the command line that are many, or that several commands share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from benchmark.commands.words import (
    Command,
    OneOf,
    PlainCommand,
    PlainGroup,
    all_of,
    at_home,
    listed_names,
    of_section,
    read_words,
)
from benchmark.errors import UsageError

__all__ = ["Command", "OneOf", "PlainCommand", "PlainGroup", "all_of", "of_section", "read_words"]

_compared = of_section("What is compared")
_data = of_section("Data files")
_tested = of_section("How it is tested")
_tuning = of_section("Tuning")
_images = of_section("Images and networks")
_computing = of_section("Computing")
_results = of_section("Results")

out = _results(
    "--out",
    multiple=True,
    metavar="DIR|LABEL=DIR",
    help="Run folder; several are put together. [default: the run written last]",
)
to = _results(
    "--to",
    metavar="DIR",
    help="Where it is written. [default: the run folder; of several, results/merged/<names>]",
)


against = _results(
    "--against",
    metavar="reference|DIR",
    help="Put the rows into the full table of the reference results, of which nothing is computed.",
)

models = _results(
    "--models",
    multiple=True,
    metavar="NAME,...",
    callback=listed_names,
    help="Which models to show. [default: all]",
)


def _load_plugins(ctx: click.Context, _option: click.Parameter, paths: tuple[str, ...]) -> None:
    ctx.meta["plugins"] = paths
    if ctx.resilient_parsing:  # a shell completes a word, and waits
        return
    if "" in paths:
        raise UsageError("--plugin is empty; give something, or leave it out")
    for path in paths:
        from benchmark.running.trial import load_tried_plugin

        load_tried_plugin(at_home(path))


def _joined(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> str | None:
    return ",".join(listed_names(ctx, option, texts)) or None


_measures = _results(
    "--measures",
    multiple=True,
    metavar="NAME,...",
    callback=_joined,
    help="The columns, of all that 'ldl-benchmark measures' lists; ranks and tests are over these. "
    "'paper' and 'all' stand for several. [default: the paper's, and tie-aware accuracy]",
)

plugins_of_measures = _results(
    "--plugin",
    multiple=True,
    metavar="FILE.py",
    expose_value=False,
    callback=_load_plugins,
    help="Add your own measures.",
)


def measures(command: Command) -> Command:
    """Add the options that choose the columns of what shows stored runs."""
    chosen: Command = _measures(plugins_of_measures(command))
    return chosen


def refuse_misplaced(number: str, options: Mapping[str, Sequence[str]]) -> None:
    """Refuse options of another table, which would be dropped in silence.

    Parameters
    ----------
    number : str
        The table that is asked for.
    options : mapping
        What was given, each with the tables that have it.

    Raises
    ------
    UsageError
        One of another table is given.
    """
    for option, tables in options.items():
        if number not in tables:
            *most, last = tables
            named = f"tables {', '.join(most)} and {last}" if most else f"table {last}"
            raise UsageError(f"{option} is for {named}, not for table {number}")


#: What is run, and how.
of_run = all_of(
    _compared(
        "--all",
        "all_models",
        is_flag=True,
        help="Run every model of the paper, and those of plugins.",
    ),
    _compared(
        "--extended",
        is_flag=True,
        help="Run what the paper does not have too: Ridge, Forest, ...; newer methods as LDLLC.",
    ),
    _compared(
        "--pyldl",
        is_flag=True,
        help="Run the methods of the library python-ldl too, which has to be installed: "
        "PyLDL:LDL_LRR, ...",
    ),
    _compared(
        "--regressor",
        "regressors",
        multiple=True,
        metavar="MODULE:CLASS",
        help="Run a scikit-learn regressor too, such as sklearn.ensemble:RandomForestRegressor. "
        "May be repeated.",
    ),
    _compared(
        "--dataset",
        "datasets",
        multiple=True,
        metavar="NAME|FILE",
        help="A dataset by name, or a .mat, .npz, .csv, .parquet or .feather file. "
        "May be repeated.",
    ),
    _compared(
        "--plugin",
        "plugins",
        multiple=True,
        metavar="FILE.py",
        help="Add your own models and measures.",
    ),
    _data(
        "--ignore",
        multiple=True,
        metavar="COLUMN",
        help="Leave a column or variable of a file out, such as a row number or a file name; "
        "* stands for anything. May be repeated.",
    ),
    _data(
        "--labels",
        multiple=True,
        metavar="COLUMN",
        help="These columns hold the labels, or this matrix of a .mat or .npz file does. May be "
        "repeated. [default: label:*, or the matrix labels]",
    ),
    _data(
        "--features",
        multiple=True,
        metavar="COLUMN",
        help="These columns, or this matrix, are the features. May be repeated. [default: all "
        "other columns, or the matrix features]",
    ),
    _data(
        "--normalise",
        is_flag=True,
        help="Divide each row of labels by its sum: they are votes or percentages.",
    ),
    _tested(
        "--protocol",
        metavar="demo|paper|table4|wheel|figure5|FILE.toml",
        help="Folds, seed and settings. [default: demo for the built-in images, else paper]",
    ),
    _tested(
        "--split",
        metavar="auto|rows|groups|leave-one-group-out|given|hold-out[:SHARE]",
        help="What is tested when: folds of rows, folds of groups (none in training and test), "
        "each group in turn, the split that the data come with, or a part alone. [default: auto: "
        "given, else groups, else rows]",
    ),
    _tested("--folds", type=int, metavar="K", help="Folds per repeat."),
    _tested("--repeats", type=int, metavar="R", help="Repeats of the cross-validation."),
    _tested("--seed", type=int, metavar="S", help="Seed of every random draw."),
    _tuning(
        "--tune",
        is_flag=True,
        help="Add a row NAME (tuned) for every model that declares a search space: its settings "
        "are chosen on the training rows of each fold.",
    ),
    _tuning("--tune-for", metavar="MEASURE", help="By which measure. [default: kl_divergence]"),
    _tuning(
        "--no-tune-networks",
        "tune_networks",
        flag_value=False,
        default=None,
        help="Leave out the networks, whose tuning takes long.",
    ),
)

#: How images become features, and what networks start from.
of_networks = all_of(
    _data("--data-dir", metavar="DIR", help="Where datasets are looked up."),
    _images(
        "--cache-dir",
        metavar="DIR",
        help="Where features and decoded images are kept. [default: results/cache]",
    ),
    _images("--skip-unreadable", is_flag=True, help="Leave out images that are damaged."),
    _images(
        "--backbone",
        metavar="NAME",
        help="Such as resnet50 or EfficientNetV2B0; `ldl-benchmark backbones` lists them. "
        "[default: vgg16]",
    ),
    _images(
        "--weights",
        metavar="imagenet|torchvision|random|FILE|DIR",
        help="Weights of the backbone: published or random ones, a file, or a folder of published "
        "files. [default: imagenet]",
    ),
    _images(
        "--precision",
        type=OneOf("float32", "bfloat16"),
        help="Precision of features and networks. [default: float32]",
    ),
)

#: How the models of a run are trained.
of_training = all_of(
    _images("--epochs", type=int, metavar="N", help="Epochs of the networks."),
    _images("--batch-size", type=int, metavar="N", help="Images a step of the networks."),
    _images(
        "--pca-scope",
        type=OneOf("fold", "dataset"),
        help="Fit PCA on each fold's training rows, or on all rows, which leaks. [default: fold]",
    ),
)

#: What a run writes, and how it computes.
of_results = all_of(
    _results("--out", metavar="DIR", help="Run folder. [default: results/runs/<datasets>]"),
    _measures,
    against,
    _results("--no-report", is_flag=True, help="Write the tables alone, no report.html."),
    _computing("--jobs", type=int, metavar="N", help="Tasks at a time. [default: one per core]"),
    _computing(
        "--scheduler",
        metavar="ADDRESS|local",
        help="Have a Dask cluster do the tasks: address or file of its scheduler, or local for one "
        "here with --jobs workers.",
    ),
    _computing("--force", is_flag=True, help="Compute everything again."),
    _computing(
        "--task-timeout",
        type=float,
        metavar="SECONDS",
        help="Stop a task after this time; 0 for no limit. [default: 3600; none for networks]",
    ),
    _computing(
        "--give-up",
        is_flag=True,
        help="Leave out the other folds of a model on a dataset once one has failed.",
    ),
)

#: What is ranked in the leaderboard.
of_leaderboard = all_of(
    click.option(
        "--to", "out", metavar="DIR", help="Where it goes. [default: results/leaderboard]"
    ),
    click.option(
        "--measures",
        multiple=True,
        metavar="NAME,...",
        callback=_joined,
        help="Rank by these. [default: all]",
    ),
    click.option(
        "--dataset",
        "datasets",
        multiple=True,
        metavar="NAME",
        help="Only on this set. May be repeated. [default: all]",
    ),
    click.option(
        "--against",
        metavar="DIR",
        default="reference",
        help="Other reference results. [default: those of the package]",
    ),
)
