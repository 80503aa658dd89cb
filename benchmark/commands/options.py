"""The options of the command line that are many, or that several commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from benchmark.errors import UsageError

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


against = click.option(
    "--against",
    metavar="reference|DIR",
    help="Put the rows into the full table of the reference results, of which nothing is computed.",
)


def _load_plugins(_ctx: click.Context, _option: click.Parameter, paths: tuple[str, ...]) -> None:
    if "" in paths:
        raise UsageError("--plugin is empty; give something, or leave it out")
    for path in paths:
        from benchmark.running.trial import load_tried_plugin

        load_tried_plugin(_at_home(path))


_measures = click.option(
    "--measures",
    metavar="NAME,...",
    help="The columns, of all that 'ldl-benchmark measures' lists; ranks and tests are over these. "
    "'paper' and 'all' stand for several. [default: the paper's, and tie-aware accuracy]",
)

plugins_of_measures = click.option(
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


class OneOf(click.Choice[str]):
    """One of a few words, case aside; a misspelt one is refused with the nearest, as all names."""

    def __init__(self, *words: str):
        super().__init__(words, case_sensitive=False)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word as it is listed; click's own message has no suggestion."""
        if str(value).casefold() in self.choices:
            return str(value).casefold()
        # Here and not above: where something hides the package, the command line has to say so.
        from features.names import did_you_mean

        where = f"{param.opts[-1]}: " if isinstance(param, click.Option) else ""
        raise UsageError(
            f"{where}{value!r} is none of {', '.join(self.choices)}"
            f"{did_you_mean(value, self.choices)}"
        )


class PlainCommand(click.Command):
    """A command whose words are as `read_words` leaves them."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        read_words(ctx)
        return super().invoke(ctx)


class PlainGroup(click.Group):
    """A group whose words, and those of its commands, are as `read_words` leaves them."""

    command_class = PlainCommand

    def invoke(self, ctx: click.Context) -> Any:
        """Call the group, then the command of it that is asked for."""
        read_words(ctx)
        return super().invoke(ctx)


def read_words(ctx: click.Context) -> None:
    """Refuse empty words of a command line, and put the home folder where a path has ``~``.

    A script gives an empty word for a variable that is not set, and a shell leaves ``--out=~/x``.

    Raises
    ------
    UsageError
        A word is empty; names the option.
    """
    for param in ctx.command.params:
        name = param.name or ""
        value = ctx.params.get(name)
        words = value if isinstance(value, tuple) else (value,)
        given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not given or name not in ctx.params:  # what is not passed on, its callback has read
            continue
        if "" in words:
            what = param.opts[-1] if isinstance(param, click.Option) else name.upper().rstrip("S")
            raise UsageError(f"{what} is empty; give something, or leave it out")
        if any(kind in str(param.metavar) for kind in ("DIR", "FILE")):
            words = tuple(_at_home(word) for word in words)
            ctx.params[name] = words if isinstance(value, tuple) else words[0]


def _at_home(word: str) -> str:
    label, start, path = re.fullmatch(r"(?s)([^=/]*=)?(~(?=/|$))?(.*)", word).groups("")  # type: ignore[union-attr]
    return f"{label}{os.path.expanduser(start)}{path}" if start else word  # noqa: PTH111


def refuse_misplaced(number: str, options: Mapping[str, Mapping[str, object]]) -> None:
    """Refuse options of another table, which would be dropped in silence.

    Parameters
    ----------
    number : str
        The table that is asked for.
    options : mapping
        Table to its own options with their values.

    Raises
    ------
    UsageError
        One of another table is given.
    """
    for table, own in options.items():
        for option, value in own.items():
            if value and table != number:
                raise UsageError(f"{option} is for table {table}, not for table {number}")


def _all_of(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Make one decorator of several, which stand in the help in the order given."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


#: What is run, and how.
of_run = _all_of(
    click.option(
        "--all",
        "all_models",
        is_flag=True,
        help="Run every model of the paper, and those of plugins.",
    ),
    click.option(
        "--extended",
        is_flag=True,
        help="Run what the paper does not have too: Ridge, Forest, ...; newer methods as LDLLC.",
    ),
    click.option(
        "--pyldl",
        is_flag=True,
        help="Run the methods of the library python-ldl too, which has to be installed: "
        "PyLDL:LDL_LRR, ...",
    ),
    click.option(
        "--regressor",
        "regressors",
        multiple=True,
        metavar="MODULE:CLASS",
        help="Run a scikit-learn regressor too, such as sklearn.ensemble:RandomForestRegressor. "
        "May be repeated.",
    ),
    click.option(
        "--dataset",
        "datasets",
        multiple=True,
        metavar="NAME|FILE",
        help="A dataset by name, or a .mat, .npz, .csv, .parquet or .feather file. "
        "May be repeated.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="COLUMN",
        help="Leave a column or variable of a file out, such as a row number or a file name; "
        "* stands for anything. May be repeated.",
    ),
    click.option(
        "--labels",
        multiple=True,
        metavar="COLUMN",
        help="These columns hold the labels, or this matrix of a .mat or .npz file does. May be "
        "repeated. [default: label:*, or the matrix labels]",
    ),
    click.option(
        "--features",
        multiple=True,
        metavar="COLUMN",
        help="These columns, or this matrix, are the features. May be repeated. [default: all "
        "other columns, or the matrix features]",
    ),
    click.option(
        "--normalise",
        is_flag=True,
        help="Divide each row of labels by its sum: they are votes or percentages.",
    ),
    click.option(
        "--protocol",
        metavar="demo|paper|table4|wheel|figure5|FILE.toml",
        help="Folds, seed and settings. [default: demo for the built-in images, else paper]",
    ),
    click.option("--out", metavar="DIR", help="Run folder. [default: results/runs/<datasets>]"),
    click.option("--jobs", type=int, metavar="N", help="Tasks at a time. [default: one per core]"),
    click.option(
        "--split",
        metavar="auto|rows|groups|leave-one-group-out|given|hold-out[:SHARE]",
        help="What is tested when: folds of rows, folds of groups (none in training and test), "
        "each group in turn, the split that the data come with, or a part alone. [default: auto: "
        "given, else groups, else rows]",
    ),
    click.option("--folds", type=int, metavar="K", help="Folds per repeat."),
    click.option("--repeats", type=int, metavar="R", help="Repeats of the cross-validation."),
    click.option("--seed", type=int, metavar="S", help="Seed of every random draw."),
    click.option(
        "--plugin",
        "plugins",
        multiple=True,
        metavar="FILE.py",
        help="Add your own models and measures.",
    ),
    _measures,
    click.option(
        "--tune",
        is_flag=True,
        help="Add a row NAME (tuned) for every model that declares a search space: its settings "
        "are chosen on the training rows of each fold.",
    ),
    click.option(
        "--tune-for", metavar="MEASURE", help="By which measure. [default: kl_divergence]"
    ),
    click.option(
        "--no-tune-networks",
        "tune_networks",
        flag_value=False,
        default=None,
        help="Leave out the networks, whose tuning takes long.",
    ),
    against,
    click.option("--force", is_flag=True, help="Compute everything again."),
    click.option(
        "--task-timeout",
        type=float,
        metavar="SECONDS",
        help="Stop a task after this time; 0 for no limit. [default: 3600; none for networks]",
    ),
    click.option(
        "--give-up",
        is_flag=True,
        help="Leave out the other folds of a model on a dataset once one has failed.",
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
        type=OneOf("float32", "bfloat16"),
        help="Precision of features and networks. [default: float32]",
    ),
)

#: How the models of a run are trained.
of_training = _all_of(
    click.option("--epochs", type=int, metavar="N", help="Epochs of the networks."),
    click.option("--batch-size", type=int, metavar="N", help="Images a step of the networks."),
    click.option(
        "--pca-scope",
        type=OneOf("fold", "dataset"),
        help="Fit PCA on each fold's training rows, or on all rows, which leaks. [default: fold]",
    ),
)

#: What is ranked in the leaderboard.
of_leaderboard = _all_of(
    click.option("--out", metavar="DIR", help="Where it goes. [default: results/leaderboard]"),
    click.option("--measures", metavar="NAME,...", help="Rank by these. [default: all]"),
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
