"""What the command line prints of an outcome: tables, files, and what could not be made.

With ``--quiet`` results and errors alone; with ``--json`` one document that has all of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark.commands.document import SCHEMA, as_json
from benchmark.errors import merged
from benchmark.installation import version
from benchmark.streams import stdout_to_stderr, terminal_width

if TYPE_CHECKING:
    from benchmark.commands.answers.tables import Table
    from benchmark.commands.study import Study
    from benchmark.tables.grid import Grid


@dataclass
class Output:
    """How a command prints, and its document.

    Attributes
    ----------
    quiet : bool
        Whether results and errors alone are printed.
    json : bool
        Whether a document is printed instead.
    errors, files, messages : list of str
        What it tells of failures, of what it wrote, and of anything else.
    parts : dict
        Its results, by name.
    command : str
        Its name.
    """

    quiet: bool = False
    json: bool = False
    errors: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)
    command: str = ""


#: Of the command that runs: one at a time, as there is one standard output.
output = Output()


@contextmanager
def printing_as(words: Sequence[str]) -> Iterator[None]:
    """Print as the words of a command line ask for it, and in the end its document.

    What libraries and plugins print goes to standard error meanwhile, if a document is asked for.
    """
    global output
    words = list(takewhile(lambda word: word != "--", words))
    output = Output("--quiet" in words, "--json" in words)
    if not output.json:
        yield
        return
    code: Any = 1
    try:
        with stdout_to_stderr():
            yield
        code = 0
    except SystemExit as end:
        code = end.code or 0
        raise
    finally:
        sys.stdout.write(f"{as_json(_document(code))}\n")


def _document(code: Any) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": version(),
        "command": output.command,
        "exit_code": code,
        "errors": output.errors,
        "messages": output.messages,
        "files": output.files,
        **output.parts,
    }


def say(sentence: str) -> None:
    """Tell what is no result but worth knowing, such as where files are."""
    output.messages.append(sentence)
    if not (output.quiet or output.json):
        click.echo(sentence)


def result(text: str, colour: bool = False) -> None:
    """Print what was asked for."""
    if not output.json:
        click.echo(text, color=colour or None)


def give(**parts: Any) -> None:
    """Put results into the document."""
    output.parts |= parts


def to_stderr(sentence: str) -> None:
    """Tell how it goes on."""
    if not output.quiet:
        click.echo(sentence, err=True)


def warn(sentence: str) -> None:
    """Tell what is missing, however quiet."""
    output.messages.append(sentence)
    click.echo(sentence, err=True)


def error(sentence: str) -> None:
    """Tell what failed."""
    output.errors.append(sentence)
    click.echo(f"Error: {sentence}", err=True)


def grids(several: Grid | Sequence[Grid], notes: Sequence[str] = (), colour: bool = False) -> None:
    """Print one table or several, as wide as the terminal."""
    if output.json:
        some = several if isinstance(several, Sequence) else [several]
        output.parts.setdefault("tables", []).extend(map(_as_shown, some))
        return
    from benchmark.tables import grid

    text = grid.terminal(several, notes, colour, terminal_width())
    result(text, colour)


def _as_shown(one: Grid) -> dict[str, Any]:
    return {"title": one.heading, "columns": one.headers, "rows": one.rows, "notes": one.notes}


def written(paths: Iterable[Path], failed: Sequence[str] = ()) -> None:
    """Tell which files there are, and what could not be made."""
    files = list(map(str, paths))
    output.files += files
    if files and not (output.quiet or output.json):
        click.echo(f"Written: {', '.join(files)}")
    problems(failed)


def problems(failed: Sequence[str]) -> None:
    """Tell what could not be made, and end with a 1 if there is something."""
    for sentence in merged(failed):
        error(sentence)
    if failed:
        sys.exit(1)


def verdict(wrong: Sequence[str], fine: str) -> None:
    """Print everything that is wrong and end with a 1, or that all is fine."""
    give(fine=not wrong, wrong=wrong)
    output.errors += wrong
    for sentence in wrong:
        result(f"- {sentence}")
    if wrong:
        sys.exit(1)
    say(fine)


def table(study: Study, kind: str = "text") -> None:
    """Print Table 3 of a study."""
    give(scores=study.summary, notes=study.notes)
    answer(study.shown, kind)


def texts(paragraphs: Sequence[str], kind: str = "text") -> None:
    """Print paragraphs, as plain text or for LaTeX."""
    from benchmark.tables.latex import paragraphs_in_latex

    give(text=list(paragraphs))
    latex = kind == "latex"
    result(paragraphs_in_latex(paragraphs).rstrip("\n") if latex else "\n\n".join(paragraphs))


def answer(made: Table, kind: str = "text") -> None:
    """Print a table as text, or as it is put into a page or a paper."""
    if "scores" not in output.parts and len(made.frame):
        give(rows=made.frame)
    if kind == "text" or output.json:
        grids(made.grids, made.remarks, sys.stdout.isatty())
    else:
        result(made.written(kind).rstrip("\n"))


def close(study: Study, report: bool = False) -> None:
    """Tell where the files of a study are, and what is missing; end with a 1 if anything is."""
    give(folder=study.folder, complete=study.complete, missing=study.missing)
    from benchmark.wording import count

    if study.written:
        say(f"Tables and scores are in {study.folder}.")
    page = study.folder / "report.html"
    if report and page.exists():
        say(f"Open {page} in a browser to look at the run.")
    if not study.complete:
        warn(f"{count(study.missing, 'result is', 'results are')} missing.")
    problems(study.problems)
    if not study.complete:
        sys.exit(1)
