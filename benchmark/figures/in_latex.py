"""Figures as LaTeX takes them in: caption and label, at the width for which they were drawn."""

from __future__ import annotations

from benchmark.figures.base import Drawing
from benchmark.figures.look import WIDTHS
from benchmark.tables.latex_text import CJK_DEFINITIONS, DEFINITIONS, latex_text, needs_cjk
from features.storage.files import slug


def as_latex(drawing: Drawing, file: str = "") -> str:
    r"""Write the environment of a figure; its file lies beside, without an ending.

    A figure of a column's or a page's width gets that of the paper, which is nearly the same;
    others their own. Those that are wider than a column go over both (``figure*``).

    Parameters
    ----------
    drawing : Drawing
    file : str
        What the picture's file is called, by default as in a run folder.
    """
    inches = float(drawing.figure.get_size_inches()[0])
    named = {WIDTHS["column"]: r"\columnwidth", WIDTHS["page"]: r"\textwidth"}
    width = named.get(inches, f"{2.54 * inches:.2f}cm")
    kind = "figure" if inches <= WIDTHS["column"] else "figure*"
    name, caption = slug(drawing.name), latex_text(drawing.caption)
    definitions = DEFINITIONS if r"\ldlchar" in caption else ""
    definitions += CJK_DEFINITIONS if needs_cjk(caption) else ""
    return (
        f"% Drawn for a width of {2.54 * inches:.1f} cm, where its type has 7 to 9 points;\n"
        f"% --width draws it for another. Needs \\usepackage{{graphicx}}.\n"
        f"{definitions}"
        f"\\begin{{{kind}}}\n"
        f"  \\centering\n"
        f"  \\includegraphics[width={width}]{{{file or name}}}\n"
        f"  \\caption{{{caption}}}\n"
        f"  \\label{{fig:{name}}}\n"
        f"\\end{{{kind}}}\n"
    )
