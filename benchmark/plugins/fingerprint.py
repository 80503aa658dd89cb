"""Identifies a model's code: a hash of its file and of the local modules that it imports."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
import warnings
from functools import cache
from importlib.machinery import all_suffixes
from pathlib import Path

#: This project's own code is identified by its result versions, the standard library by Python's.
NOT_LOCAL = sys.stdlib_module_names | {"baselines", "benchmark", "ewmtcnn", "features"}

#: Names of the folders that installed packages lie in.
INSTALLED = frozenset({"site-packages", "dist-packages"})


def code_fingerprint(file: Path, module: str = "") -> str:
    """Hash a file and every local module that it imports, directly or not.

    Imports are read from the text, so nothing is executed and every process gets the same hash.
    Local is what lies where the file's own imports start: its folder or, for a module of a
    package, the folder that the package lies in; among installed packages it is the package alone.
    Not seen are data files, modules from elsewhere, and imports by a computed name.

    Parameters
    ----------
    file : Path
        A Python file.
    module : str
        Dotted name under which the file is imported, for a module of a package.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    root = _root(file, module)
    found = local_files(file, module)
    lines = sorted(
        f"{'' if path == file else path.relative_to(root).as_posix()}:"
        f"{hashlib.sha256(content).hexdigest()}\n"
        for path, content in found.items()
    )
    return f"sha256:{hashlib.sha256(''.join(lines).encode(errors='surrogateescape')).hexdigest()}"


def module_fingerprint(name: str) -> str:
    """Hash the code of an imported module by its file; empty where it has none."""
    module = sys.modules.get(name)
    file = Path(getattr(module, "__file__", None) or "")
    if not file.is_file():
        return ""
    spec = getattr(module, "__spec__", None)  # `python -m package.module` calls it __main__
    return code_fingerprint(file.resolve(), spec.name if spec else "")


def class_fingerprint(cls: type) -> str:
    """Hash the code behind a class of a script or module; empty where its file is not known.

    In a notebook it is not, see `benchmark.plugins.session`.
    """
    try:
        inspect.getsource(cls)  # fails where no file defines the class
    except (OSError, TypeError):
        return ""
    return module_fingerprint(cls.__module__)


def local_files(file: Path, module: str = "") -> dict[Path, bytes]:
    """Return the files that `code_fingerprint` covers, with their content."""
    root = _root(file, module)
    own = file.relative_to(root).parts[0].removesuffix(".py")
    found: dict[Path, bytes] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = path.read_bytes()
        packages = (folder for folder in path.parents if root in folder.parents)
        waiting += (init for folder in packages if (init := folder / "__init__.py").is_file())
        for level, dotted in _imports(found[path]):
            top = dotted.partition(".")[0]
            if level:
                start = path.parents[level - 1]
                followed = start.is_relative_to(root)
            else:
                start = root
                followed = top == own or not (top in NOT_LOCAL or root.name in INSTALLED)
            if followed:
                waiting += _module_files(start, dotted)
    return found


def hidden_siblings(file: Path) -> dict[str, str]:
    """Find modules beside a file that it imports, but of which Python takes others.

    Returns
    -------
    dict
        Name of the module to the place of the other one.
    """
    folder = file.parent
    tops = {path.relative_to(folder).parts[0].partition(".")[0] for path in local_files(file)}
    hidden = {}
    for top in sorted(tops - {file.stem}):
        spec = importlib.util.find_spec(top)
        places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
        if not any(place and Path(place).resolve().parent == folder for place in places):
            hidden[top] = str(places[0] if places else "nowhere")
    return hidden


def _root(file: Path, module: str) -> Path:
    """Return the folder in which the absolute imports of local modules are looked up."""
    depth = module.count(".") + (file.name == "__init__.py") if module else 0
    return file.parents[depth]


@cache
def _imports(content: bytes) -> tuple[tuple[int, str], ...]:
    """List what a module imports as (number of leading dots, dotted name).

    ``from a import b`` gives ``a.b``, since b may be a module.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return ()
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = f"{node.module}." if node.module else ""
            found += ((node.level, f"{base}{alias.name}") for alias in node.names)
    return tuple(dict.fromkeys(found))


def _module_files(start: Path, dotted: str) -> list[Path]:
    """Return the files below a folder that importing a.b.c reads: those of a, a.b and a.b.c."""
    files, place = [], start
    for part in dotted.split("."):
        place = place / part
        files.append(place / "__init__.py")
        files += (place.with_name(part + suffix) for suffix in all_suffixes())
    return [file for file in files if file.is_file()]
