"""Sphinx's settings of the documentation site: ``make docs``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from pages import links_of_site, write_pages  # noqa: E402
from pygments.lexers.special import TextLexer  # noqa: E402

from benchmark import __version__  # noqa: E402

project = "ldl-benchmark"
author = "The ldl-benchmark authors"
copyright = author  # noqa: A001 - Sphinx's name
version = release = __version__

extensions = [
    "myst_nb",  # Markdown, as it stands on GitHub, and notebooks with their stored output
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "equations", "**/.ipynb_checkpoints"]
nitpicky = False
default_role = "py:obj"  # names in single backticks, in docstrings
suppress_warnings = [
    "myst.header",  # a computed table has a heading of its own level
]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # a test runs them
nb_merge_streams = True

autosummary_generate = False  # pages.py writes the pages of names
autodoc_typehints = "none"  # numpydoc's sections say the types
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "ldl-benchmark"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {page: [] for page in ("index", "faq", "protocol", "reference/gallery")}
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navigation_depth": 3,
    "show_nav_level": 1,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_exclude = ".linenos, .gp, .go"
html_math_renderer = "mathml"


def _mathml(node: nodes.Element, as_block: bool = False) -> str:
    """Write an equation as MathML; norms and absolute values keep the size of the line."""
    return re.sub(
        r"<mo(?: class=\"\w+\")?>([‖|])</mo>",
        r'<mo stretchy="false">\1</mo>',
        tex2mathml(node.astext(), as_block=as_block),
    )


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(_mathml(node))
    raise nodes.SkipNode


def _display(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{_mathml(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def _link(app: Any, name: str, source: list[str]) -> None:
    source[0] = links_of_site(source[0], (HERE / name).parent)


def setup(app: Any) -> None:
    """Have equations written as MathML, which browsers show without any script or font."""
    write_pages()
    app.connect("source-read", _link)
    for kind in ("csv", "walks", "bibtex"):
        app.add_lexer(kind, TextLexer)
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
