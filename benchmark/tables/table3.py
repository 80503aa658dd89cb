"""Tables as a person reads them: on the terminal, in Markdown, in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tabulate import tabulate

from benchmark.metrics import MEASURES

#: Marks a cell of a model that does not beat the mean training distribution.
DAGGER = "†"
GAP = "-"


@dataclass(frozen=True)
class _Style:
    """How one output format writes the parts of a cell."""

    bold: Callable[[str], str]
    aside: Callable[[str], str]
    text: Callable[[str], str]
    dagger: str
    plus_minus: str
    gap: str


_LATEX_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", DAGGER: r"$^\dagger$", "±": r"$\pm$",
    "↓": r"$\downarrow$", "↑": r"$\uparrow$",
}  # fmt: skip


def latex_text(text: str) -> str:
    """Escape plain text for LaTeX; characters that LaTeX may lack become question marks."""
    return "".join(
        _LATEX_SPECIAL.get(char) or (char if char.isascii() and char.isprintable() else "?")
        for char in text
    )


def markdown_text(text: str) -> str:
    """Escape plain text for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", text)


_LATEX = _Style(lambda s: rf"\textbf{{{s}}}", str, latex_text, r"$^\dagger$", r"$\pm$", "--")
_MARKDOWN = _Style(lambda s: f"**{s}**", lambda s: f"*{s}*", markdown_text, DAGGER, "±", GAP)
_TERMINAL = _Style(lambda s: f"\x1b[1m{s}\x1b[0m", str, str, DAGGER, "±", GAP)
_PLAIN = _Style(str, str, str, DAGGER, "±", GAP)


def _cells(summary: pd.DataFrame, style: _Style, std: bool) -> list[list[str]]:
    rows = []
    has_oracle = _has_oracle(summary)
    for row in summary.to_dict("records"):
        name = style.text(str(row["model"]))
        cells = [style.aside(name) if row["kind"] == "trivial" else name]
        lost = str(row["not_better_than_mean"]).split()
        for measure in MEASURES:
            value, rank = row[measure.name], row[f"{measure.name}_rank"]
            if np.isnan(value):
                cells.append(style.gap)
                continue
            factor, digits = (100, 2) if measure.percent else (1, 4)
            cell = f"{value * factor:.{digits}f}"
            if std:
                cell += f"{style.plus_minus}{row[f'{measure.name}_std'] * factor:.{digits}f}"
            if not np.isnan(rank):
                cell = f"{style.bold(cell) if rank == 1 else cell}({rank:.0f})"
            cells.append(cell + (style.dagger if measure.name in lost else ""))
        mean_rank = row["mean_rank"]
        cells.append("" if np.isnan(mean_rank) else f"{mean_rank:.2f}")
        if row["kind"] == "model" and np.isnan(mean_rank):
            cells[-1] = f"{row['folds']}/{row['expected_folds']} folds"
        if has_oracle:
            gap = row["oracle_gap"]
            cells.append("" if np.isnan(gap) else style.text(f"{100 * gap:.0f} %"))
        rows.append(cells)
    return rows


def _has_oracle(summary: pd.DataFrame) -> bool:
    return bool(summary["oracle_gap"].notna().any())


def _headers(summary: pd.DataFrame) -> list[str]:
    titles = [f"{m.title} {'↑' if m.higher_is_better else '↓'}" for m in MEASURES]
    return ["Model", *titles, "Mean rank", *(["Gap to oracle"] if _has_oracle(summary) else [])]


def _per_dataset(summary: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(str(name), part) for name, part in summary.groupby("dataset", sort=False)]


def terminal(
    summary: pd.DataFrame, lines: list[str], std: bool = False, colour: bool = False
) -> str:
    """Render the tables for a terminal; ``colour`` shows the best values in bold."""
    blocks = []
    for name, part in _per_dataset(summary):
        cells = _cells(part, _TERMINAL if colour else _PLAIN, std)
        models = int((part["kind"] == "model").sum())
        rule = [["-" * 4] + [""] * (len(cells[0]) - 1)]
        table = tabulate(
            cells[:models] + rule + cells[models:],
            headers=_headers(part),
            disable_numparse=True,
            stralign="left",
        )
        blocks.append(f"{name}\n{table}")
    return "\n\n".join(blocks) + "\n\n" + "\n".join(lines) + "\n"


def markdown(summary: pd.DataFrame, lines: list[str], std: bool = False) -> str:
    """Render the tables as Markdown."""
    blocks = []
    for name, part in _per_dataset(summary):
        table = tabulate(
            _cells(part, _MARKDOWN, std),
            headers=_headers(part),
            tablefmt="pipe",
            disable_numparse=True,
        )
        blocks.append(f"### {markdown_text(name)}\n\n{table}")
    items = "\n".join(f"- {markdown_text(line)}" for line in lines)
    return "\n\n".join(blocks) + f"\n\n{items}\n"


#: Lets a table compile as it is, and be \input in a paper.
LATEX_HEAD = r"""% Made by: python -m benchmark table NUMBER
% Compile it as it is, or \input it in a paper that loads booktabs and graphicx.
\expandafter\ifx\csname @nodocument\endcsname\relax
  \def\ldltableend{}
\else
  \documentclass{article}
  \usepackage{booktabs,graphicx}
  \usepackage[a4paper,landscape,margin=15mm]{geometry}
  \begin{document}
  \def\ldltableend{\end{document}}
\fi
"""


def latex(summary: pd.DataFrame, lines: list[str], std: bool = False) -> str:
    r"""Render the tables as LaTeX: compiles as it is, and can be ``\input`` in a paper."""
    blocks = []
    for name, part in _per_dataset(summary):
        headers = [latex_text(title) for title in _headers(part)]
        # The empty group keeps a name that begins with [ or * from being read as an option of \\.
        cells = ["{}" + " & ".join(row) + r" \\" for row in _cells(part, _LATEX, std)]
        models = int((part["kind"] == "model").sum())
        folds = int(part["expected_folds"].iloc[0])
        body = "\n".join([*cells[:models], r"\midrule", *cells[models:]])
        blocks.append(
            "\\begin{table}[htbp]\n\\centering\n"
            f"\\caption{{Label distribution learning on {latex_text(name)}: "
            f"means over {folds} test folds, ranks in parentheses.}}\n"
            "\\resizebox{\\linewidth}{!}{%\n"
            f"\\begin{{tabular}}{{l{'c' * (len(headers) - 1)}}}\n\\toprule\n"
            f"{' & '.join(headers)} \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}}}\n"
            "\\end{table}"
        )
    remarks = "\n\n".join(rf"\noindent {{\footnotesize {latex_text(line)}\par}}" for line in lines)
    return f"{LATEX_HEAD}" + "\n\n".join(blocks) + f"\n\n{remarks}\n\\ldltableend\n"
