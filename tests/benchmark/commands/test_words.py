"""Options in sections, other spellings of them, and lists of names."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.commands import options
from benchmark.commands.words import OUTPUT


@click.command(cls=options.PlainCommand, old={"--goal": "--to"})
@options.models
@options.measures
@options.to
@click.option("--dataset", "datasets", multiple=True)
def made(**given):
    click.echo(repr(given))


def given(*words):
    done = CliRunner().invoke(made, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return {key: value for key, value in eval(done.output).items() if value}  # noqa: S307 - ours


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["--models", "A,B", "--models=C"], {"models": ("A", "B", "C")}),
        (["--models", 'A, "B, with comma"'], {"models": ("A", "B, with comma")}),
        (["--model", "B, with comma", "--model=A"], {"models": ("B, with comma", "A")}),
        (["--model", 'the "best"', "--models", "A,A"], {"models": ('the "best"', "A")}),
        (["--measure", "cosine", "--measures", "clark"], {"measures": "cosine,clark"}),
        (["--dataset", "a,b.csv", "--datasets", "c,d"], {"datasets": ("a,b.csv", "c", "d")}),
        (["--goal=x"], {"to": "x"}),
        (["--goal", "x"], {"to": "x"}),
    ],
)
def test_every_spelling(words, read):
    assert given(*words) == read


@pytest.mark.parametrize("words", [["--models", ""], ["--models", "A,,B"], ["--measure", ""]])
def test_empty_names_are_refused(command, words):
    done = command("figure", "boxes", *words)
    assert done.returncode == 2
    assert "; give something, or leave it out" in done.stderr


def test_an_option_without_its_value_is_told(command):
    done = command("figure", "boxes", "--model")
    assert done.returncode == 2
    assert "'--models' requires an argument" in done.stderr


def test_old_spellings_work_and_are_not_shown(command):
    assert command("new-model", "first", "--out", "here").returncode == 0
    assert command("new-model", "second", "--to", "here").returncode == 0
    shown = command("new-model", "--help").stdout
    assert "--to" in shown
    assert "--out" not in shown


def test_the_help_has_every_command_and_option_in_one_section(command):
    shown = command("--help").stdout
    titles = ["Compare methods", "Look at results", "Bring your own", "Data", "Look things up"]
    assert list(main.sections) == titles
    assert sorted(name for names in main.sections.values() for name in names) == sorted(
        main.commands
    )
    for name in main.commands:
        assert shown.count(f"\n  {name} ") == 1
    assert "..." not in shown.partition("Compare methods:")[2]  # every line is whole
    shown = command("run", "--help").stdout
    assert f"\n\n{OUTPUT}:\n" in shown
    assert "\nOptions:" not in shown
    for param in main.commands["run"].params:
        if isinstance(param, click.Option):
            assert shown.count(f"\n  {param.opts[-1]} ") == 1
