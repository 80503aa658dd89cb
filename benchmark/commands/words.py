"""The words of a command line: options in sections, other spellings, lists, empty words, ``~``."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from benchmark.commands import printing
from benchmark.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

#: Where an option stands in the help that no section is named for.
OPTIONS = "Options"

#: What every command takes, at the end of its help.
OUTPUT = "Output"

# Things of which an option takes several: one spelling repeats a word, the other lists them.
_SEVERAL = ("dataset", "format", "measure", "model", "plugin")


class Option(click.Option):
    """An option that stands in a section of the help."""

    def __init__(self, *declarations: Any, section: str = OPTIONS, **settings: Any):
        super().__init__(*declarations, **settings)
        self.section = section


def of_section(section: str) -> Callable[..., Callable[[Command], Command]]:
    """Return what declares an option of a section, as `click.option` does."""

    def option(*declarations: str, **settings: Any) -> Callable[[Command], Command]:
        return click.option(*declarations, cls=Option, section=section, **settings)

    return option


def all_of(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Make one decorator of several, which stand in the help in the order given."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


class Word(click.types.StringParamType):
    """A text, of which the shell completes what the parameter's name stands for."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        """List what can stand here."""
        from benchmark.commands.line.names import complete  # only when a shell asks

        return complete(ctx, param, incomplete)


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


def listed_names(
    _ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> tuple[str, ...]:
    """Read a list of names, as a callback of an option that may be repeated.

    ``A,B`` are two names; one that has a comma is put in quotes: ``"A, with B",C``.
    """
    names = [name.strip() for text in texts for name in _split(text)]
    if "" in names or any(not text for text in texts):
        raise UsageError(f"{param.opts[-1]} has an empty name; give something, or leave it out")
    return tuple(dict.fromkeys(names))


def _split(text: str) -> list[str]:
    return next(csv.reader([text], skipinitialspace=True), [])


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


class PlainCommand(click.Command):
    """A command that knows the sections of its options, and other spellings of them.

    Parameters
    ----------
    old : mapping, optional
        Spelling of earlier versions, which is not shown, to the present one.
    """

    def __init__(self, *arguments: Any, old: Mapping[str, str] | None = None, **settings: Any):
        super().__init__(*arguments, **settings)
        self.old = old or {}
        _prepare(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words, whichever spelling they have."""
        printing.output.command = named(ctx)
        return super().parse_args(ctx, list(_spelt(args, self.params, self.old)))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        _write_sections(self, ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        read_words(ctx)
        return super().invoke(ctx)


class PlainGroup(click.Group):
    """A group whose options and commands are as those of `PlainCommand`.

    Attributes
    ----------
    sections : dict
        Title to names of commands, in the order of the help.
    """

    command_class = PlainCommand

    def __init__(self, *arguments: Any, **settings: Any):
        super().__init__(*arguments, **settings)
        self.sections: dict[str, list[str]] = {}
        _prepare(self)

    def add_section(self, title: str, *commands: click.Command) -> None:
        """Add commands that stand together in the help."""
        for command in commands:
            self.add_command(command)
            self.sections.setdefault(title, []).append(str(command.name))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        _write_sections(self, ctx, formatter)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of the group itself."""
        printing.output.command = named(ctx)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, section by section."""
        if not self.sections:
            super().format_commands(ctx, formatter)
            return
        width = max(map(len, self.commands))
        for title, names in self.sections.items():
            with formatter.section(title):
                limit = formatter.width - 6 - width
                found = [(name.ljust(width), self.commands[name]) for name in names]
                formatter.write_dl([(name, c.get_short_help_str(limit)) for name, c in found])

    def invoke(self, ctx: click.Context) -> Any:
        """Call the group, then the command of it that is asked for."""
        read_words(ctx)
        return super().invoke(ctx)


def named(ctx: click.Context) -> str:
    """Return the name of a command, as after the program's: ``datasets fetch``."""
    above = "" if ctx.parent is None else named(ctx.parent)
    return "" if ctx.parent is None else f"{above} {ctx.info_name}".strip()


def _prepare(command: click.Command) -> None:
    """Give a command what every one takes, and the shell something to complete."""
    command.params += [
        Option(["--quiet"], section=OUTPUT, is_flag=True, expose_value=False,
               help="Print results and errors alone."),
        Option(["--json"], section=OUTPUT, is_flag=True, expose_value=False,
               help="Print one JSON document instead, errors in it; for scripts."),
    ]  # fmt: skip
    for param in command.params:
        if isinstance(param.type, click.types.StringParamType):
            param.type = Word()


def _spelt(args: list[str], params: list[click.Parameter], old: Mapping[str, str]) -> Iterator[str]:
    """Put present spellings in place of others: old ones, and singular or plural of lists."""
    known = {spelling: param for param in params for spelling in param.opts}
    words = iter(args)
    for word in words:
        if word == "--":
            yield word
            yield from words
            return
        option, equals, value = word.partition("=")
        option = old.get(option, option)
        other = None if option in known else _other_number(option, known)
        if other is None:
            yield f"{option}{equals}{value}" if option.startswith("--") else word
            continue
        if not equals:
            given = next(words, None)
            if given is None:  # click tells it
                yield other
                return
            value = given
        names = [_quoted(value)] if len(other) > len(option) else _split(value)
        yield from (f"{other}={name}" for name in names or [""])


def _other_number(option: str, known: Mapping[str, click.Parameter]) -> str | None:
    """Return the spelling that a command has of an option in the singular or in the plural."""
    name = option.removeprefix("--").removesuffix("s")
    if not option.startswith("--") or name not in _SEVERAL:
        return None
    for spelling in (f"--{name}", f"--{name}s"):
        if spelling in known and known[spelling].multiple:
            return spelling
    return None


def _write_sections(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    sections: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        section = getattr(param, "section", OPTIONS)
        if "--help" in param.opts or param.name == "version":
            section = OUTPUT
        record = None if isinstance(param, click.Argument) else param.get_help_record(ctx)
        if record is not None:
            sections.setdefault(section, []).append(record)
    last = sections.pop(OUTPUT, [])
    for title, records in {**sections, OUTPUT: last}.items():
        with formatter.section(title):
            formatter.write_dl(records)


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
            words = tuple(at_home(word) for word in words)
            ctx.params[name] = words if isinstance(value, tuple) else words[0]


def at_home(word: str) -> str:
    """Put the home folder in place of ``~``, also behind ``LABEL=``."""
    label, start, path = re.fullmatch(r"(?s)([^=/]*=)?(~(?=/|$))?(.*)", word).groups("")  # type: ignore[union-attr]
    return f"{label}{os.path.expanduser(start)}{path}" if start else word  # noqa: PTH111
