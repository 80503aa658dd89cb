"""The files of a comparison: the cells, the tables side by side, and the claims with verdicts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmark.columns import CLAIMS, as_csv
from benchmark.paper.claims import OUTCOMES
from benchmark.paper.comparison import Comparison
from benchmark.paper.grids import grids
from benchmark.paper.sentences import datasets_of, numbers_of, sentences, warnings
from benchmark.store.run_folder import RunFolder
from benchmark.tables.grid import markdown, markdown_text
from benchmark.tables.latex import latex
from benchmark.tables.writing import write_files


def claims_frame(comparison: Comparison) -> pd.DataFrame:
    """List the verdicts, one row per claim.

    Returns
    -------
    DataFrame
        Columns `benchmark.columns.CLAIMS`.
    """
    rows = [
        {
            "claim": verdict.claim.id,
            "text": verdict.claim.text,
            "where": verdict.claim.where,
            "datasets": "; ".join(datasets_of(verdict)),
            "verdict": verdict.outcome,
            **{outcome.replace(" ", "_"): verdict.count(outcome) for outcome in OUTCOMES},
            "numbers": numbers_of(verdict),
            "obstacles": "; ".join(verdict.obstacles),
            "reasons": " ".join(verdict.reasons),
        }
        for verdict in comparison.verdicts
    ]
    return pd.DataFrame(rows, columns=list(CLAIMS))


def write(
    folder: RunFolder, comparison: Comparison, problems: list[str] | None = None
) -> list[Path]:
    """Write ``compare.csv``, ``compare.md``, ``compare.tex`` and ``claims.csv``.

    Parameters
    ----------
    folder : RunFolder
        Where they go.
    comparison : Comparison
    problems : optional
        As in `benchmark.tables.writing.write_files`.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    BenchmarkError
        A file cannot be written.
    """
    contents = {
        "compare.csv": lambda: as_csv(comparison.cells),
        "compare.md": lambda: _markdown(comparison),
        "compare.tex": lambda: _latex(comparison),
        "claims.csv": lambda: as_csv(claims_frame(comparison)),
    }
    return write_files(folder, contents, problems)


def _markdown(comparison: Comparison) -> str:
    """Render everything as Markdown, the warnings first."""
    loud = warnings(comparison)
    lines = sentences(comparison)[len(loud) :]
    first = "".join(f"**{markdown_text(line)}**\n\n" for line in loud)
    return first + markdown(grids(comparison), lines)


def _latex(comparison: Comparison) -> str:
    r"""Render everything as LaTeX: compiles as it is, and can be ``\input`` in a paper."""
    # With ! also a table that fills most of a page stands before the notes.
    return latex(grids(comparison), sentences(comparison), placement="!htbp")
