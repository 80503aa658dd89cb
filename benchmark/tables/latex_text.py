r"""Plain text for LaTeX: every character has a form of its own, which compiles with every engine.

What LaTeX takes as UTF-8 goes as it is, Greek and signs of mathematics go as mathematics, Chinese
and Japanese as they are where the paper can print them, see `DEFINITIONS`. All other characters go
by their code, ``\ldlchar{4E2D}``: LuaLaTeX and XeLaTeX print the character if
the font has it, pdfLaTeX prints ``U+4E2D`` in angle brackets, which come about in no other way. So
two texts that differ in Unicode's normal form NFC differ on paper, too.
"""

# ruff: noqa: RUF001 - signs that look like others are what this is about

from __future__ import annotations

import re
import unicodedata

#: Definitions of the commands that `latex_text` writes; to be read once before it is used.
DEFINITIONS = r"""% Characters that LaTeX may lack go by their codes: LuaLaTeX and XeLaTeX
% print the character if the font has it, pdfLaTeX prints U+4E2D and the like in angle brackets.
% They expand, so that a list of tables needs no definitions.
\ifdefined\ldlchar\else
  \def\ldlcode#1{$\langle$U+#1$\rangle$}
  \ifdefined\Umathchar
    \def\ldlchar#1{\iffontchar\font"#1 \char"#1 \else\ldlcode{#1}\fi}
  \else
    \def\ldlchar#1{\ldlcode{#1}}
  \fi
\fi
"""

#: Those that a text with Chinese or Japanese needs too.
CJK_DEFINITIONS = r"""%
% Chinese: XeLaTeX or LuaLaTeX with xeCJK or ctex; or pdfLaTeX with ctex, or with
% CJKutf8 and \begin{CJK}{UTF8}{gbsn} around the text. Without these it goes by its codes.
\ifdefined\ldlcjk\else
  \ifdefined\CJKfamily
    \def\ldlcjk#1#2{#1}
  \else
    \def\ldlcjk#1#2{#2}
  \fi
\fi
"""

#: What a document of its own loads for them.
CJK_PREAMBLE = r"""  \ifdefined\Umathchar
    \IfFileExists{ctex.sty}{\usepackage[scheme=plain]{ctex}}{}
  \else
    \IfFileExists{CJKutf8.sty}{\usepackage{CJKutf8}%
      \AtBeginDocument{\begin{CJK}{UTF8}{gbsn}}\AtEndDocument{\clearpage\end{CJK}}}{}
  \fi
"""

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\texttt{\char34}",
    "†": r"$\dagger$", "‡": r"$\ddagger$", "±": r"$\pm$", "×": r"$\times$", "÷": r"$\div$",
    "·": r"$\cdot$", "−": r"$-$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$",
    "≈": r"$\approx$", "∞": r"$\infty$", "√": r"$\surd$", "∂": r"$\partial$", "∇": r"$\nabla$",
    "∈": r"$\in$", "∑": r"$\sum$", "∏": r"$\prod$", "°": r"\textdegree{}", "←": r"$\leftarrow$",
    "→": r"$\rightarrow$", "↔": r"$\leftrightarrow$", "↓": r"$\downarrow$", "↑": r"$\uparrow$",
    "–": r"\textendash{}", "—": r"\textemdash{}", "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}", "…": r"\ldots{}", "§": r"\S{}", "©": r"\textcopyright{}",
    "®": r"\textregistered{}", "™": r"\texttrademark{}",
}  # fmt: skip

# Small letters, and capital ones that look otherwise than Latin letters.
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu",
    "ξ": "xi", "π": "pi", "ρ": "rho", "ς": "varsigma", "σ": "sigma", "τ": "tau", "υ": "upsilon",
    "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "ϵ": "epsilon", "ϑ": "vartheta",
    "ϕ": "phi", "ϖ": "varpi", "ϱ": "varrho", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta",
    "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip

# Letters of Latin-1 and Latin Extended-A that LaTeX's usual font encoding lacks, or that look like
# two letters.
_LACKING = frozenset("ÐÞðþĄąĐđĘęĦħĮįĸĲĳĿŀŉŊŋŦŧŲųſ")

# LaTeX's accents, by the combining character.
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v",
    "\u0323": "d", "\u0331": "b",
}  # fmt: skip

# LaTeX makes one sign of two of these: a dash, quotation marks, an inverted question mark. A kern
# keeps them apart in every engine, an empty group does not in LuaLaTeX.
_LIGATURE = re.compile(r"(?<=[-'`,?!])(?=[-'`,])")

# The quotation marks by which LaTeX prints ` and ' go by their codes.
_PRINTED_FOR_OTHERS = "‘’"

# Chinese and Japanese characters and signs.
_CJK = "[\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff60\U00020000-\U0003134f]"

# Some of these, a letter with the marks that follow it, or any other character.
_CLUSTER = re.compile(f"({_CJK}+)|([^\\W\\d_])([\u0300-\u036f]+)|(.)", re.DOTALL)


def latex_text(text: str) -> str:
    r"""Escape plain text for LaTeX, so that different texts (in NFC) stay different on paper.

    A file that holds it needs `DEFINITIONS`.
    """
    composed = unicodedata.normalize("NFC", text)
    written = "".join(
        _cjk(match[1])
        if match[1]
        else _accented(match[2], match[3])
        if match[2]
        else _character(match[4])
        for match in _CLUSTER.finditer(composed)
    )
    written = _LIGATURE.sub(r"\\kern0pt{}", written)
    # LaTeX drops spaces at the ends, and all but one between words.
    return re.sub(r"^ | $|(?<= ) ", lambda _: r"\ ", written)


def needs_cjk(text: str) -> bool:
    """Tell whether a text in LaTeX needs `CJK_DEFINITIONS`."""
    return r"\ldlcjk{" in text


def _cjk(characters: str) -> str:
    codes = "".join(map(_character, characters))
    return rf"\ldlcjk{{{characters}}}{{{codes}}}" if characters.isprintable() else codes


def _character(character: str) -> str:
    code = ord(character)
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _GREEK:
        return f"$\\{_GREEK[character]}$"
    if (character.isascii() and character.isprintable()) or (
        0xC0 <= code < 0x180 and character not in _LACKING
    ):
        return character
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and _takes(*parts):
        return _accented(*parts)
    command = (
        "ldlchar" if character.isprintable() and character not in _PRINTED_FOR_OTHERS else "ldlcode"
    )
    return f"\\{command}{{{code:04X}}}"


def _accented(letter: str, marks: str) -> str:
    if not _takes(letter, marks):
        return "".join(map(_character, letter + marks))
    accent = _ACCENTS[marks]
    if letter in "ij" and accent not in "db":  # an accent stands in place of the dot
        letter = f"\\{letter}"
    return f"\\{accent}{{{letter}}}"


def _takes(letter: str, marks: str) -> bool:
    """Whether LaTeX sets the mark on the letter; a dot on an i would not show."""
    dotted = letter in "ij" and marks == "\u0307"
    return letter.isascii() and letter.isalpha() and marks in _ACCENTS and not dotted
