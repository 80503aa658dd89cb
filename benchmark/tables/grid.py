"""A table whose cells are finished texts, as a person reads it: terminal, Markdown, LaTeX."""

from __future__ import annotations

from dataclasses import dataclass, field

from tabulate import tabulate

from benchmark.tables.render import LATEX_HEAD, latex_text, markdown_text


@dataclass(frozen=True)
class Grid:
    """Rows of texts under headers.

    Attributes
    ----------
    caption : str
        What the table shows.
    headers : list of str
        One per column.
    rows : list of list of str
        Cells; plain text.
    best : set of (row, column)
        Cells shown in bold.
    notes : list of str
        What a reader has to know, in sentences.
    """

    caption: str
    headers: list[str]
    rows: list[list[str]]
    best: set[tuple[int, int]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def terminal(grid: Grid) -> str:
    """Render for a terminal."""
    table = tabulate(grid.rows, headers=grid.headers, disable_numparse=True, stralign="left")
    return "\n\n".join([f"{grid.caption}\n{table}", "\n".join(grid.notes)]).rstrip() + "\n"


def markdown(grid: Grid) -> str:
    """Render as Markdown."""
    rows = [
        [f"**{markdown_text(c)}**" if (i, j) in grid.best else markdown_text(c)
         for j, c in enumerate(row)]
        for i, row in enumerate(grid.rows)
    ]  # fmt: skip
    headers = [markdown_text(header) for header in grid.headers]
    table = tabulate(rows, headers=headers, tablefmt="pipe", disable_numparse=True)
    notes = "\n".join(f"- {markdown_text(note)}" for note in grid.notes)
    return f"### {markdown_text(grid.caption)}\n\n{table}\n\n{notes}".rstrip() + "\n"


def latex(grid: Grid) -> str:
    r"""Render as LaTeX: compiles as it is, and can be ``\input`` in a paper."""
    lines = []
    for i, row in enumerate(grid.rows):
        cells = [
            rf"\textbf{{{latex_text(c)}}}" if (i, j) in grid.best else latex_text(c)
            for j, c in enumerate(row)
        ]
        # The empty group keeps a name that begins with [ or * from being an option of \\.
        lines.append("{}" + " & ".join(cells) + r" \\")
    body = "\n".join(lines)
    notes = "\n\n".join(rf"\noindent {{\footnotesize {latex_text(n)}\par}}" for n in grid.notes)
    return (
        f"{LATEX_HEAD}\\begin{{table}}[htbp]\n\\centering\n\\caption{{{latex_text(grid.caption)}}}\n"
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
        f"\\begin{{tabular}}{{l{'c' * (len(grid.headers) - 1)}}}\n\\toprule\n"
        f"{' & '.join(map(latex_text, grid.headers))} \\\\\n\\midrule\n{body}\n\\bottomrule\n"
        f"\\end{{tabular}}}}\n\\end{{table}}\n\n{notes}\n\\ldltableend\n"
    )
