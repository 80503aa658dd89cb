"""Compiles the modules of python-ldl that its wheel has as C code only.

``python -m benchmark.plugins.peer_compile`` puts them beside the code, in the library's folder. It
takes a C compiler and the header files of Python, and seconds.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmark.errors import BenchmarkError, UsageError
from benchmark.plugins.peer_methods import EXTRA
from features.storage.files import write_atomic

#: The modules: trees of StructRF, and the restricted Boltzmann machine of RG4LDL.
MODULES = ("_tree", "_rbm")

# The code was generated for a newer numpy, which has these two as functions.
_NEWER_NUMPY = (
    "-D_PyUFuncObject_GET_ITEM_DATA(o)=(o)",
    "-D_PyDatetimeScalarObject_GetMetadata(o)=(((PyDatetimeScalarObject*)(o))->obmeta)",
)


def compile_modules() -> list[Path]:
    """Compile what there is code of, and return the files.

    Raises
    ------
    UsageError
        The library is not installed, or has no such code.
    BenchmarkError
        There is no compiler, the code cannot be compiled, or the folder cannot be written to.
    """
    spec = find_spec("pyldl")
    if spec is None:
        raise UsageError(f"python-ldl is not installed: {EXTRA}")
    folders = [Path(folder) / "algorithms" for folder in spec.submodule_search_locations or ()]
    sources = [
        folder / f"{name}.c"
        for folder in folders
        for name in MODULES
        if (folder / f"{name}.c").is_file()
    ]
    if not sources:
        raise UsageError("this python-ldl has no C code of _tree and _rbm to compile")
    return [_compile(source) for source in sources]


def _compile(source: Path) -> Path:
    import numpy as np

    target = source.with_suffix(str(sysconfig.get_config_var("EXT_SUFFIX")))
    linker = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    position = shlex.split(sysconfig.get_config_var("CCSHARED") or "-fPIC")
    folders = [f"-I{sysconfig.get_paths()['include']}", f"-I{np.get_include()}"]
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / target.name
        options = [*position, "-O2", "-w", *folders]
        if np.lib.NumpyVersion(np.__version__) < "2.5.0":
            options += _NEWER_NUMPY
        try:
            done = subprocess.run(
                [*linker, *options, str(source), "-o", str(made)], capture_output=True, text=True
            )
        except OSError as error:
            raise BenchmarkError(
                f"the C compiler {linker[0]} cannot be run ({error.strerror}); install one"
            ) from error
        if done.returncode:
            first = next((line for line in done.stderr.splitlines() if "error" in line), "")
            raise BenchmarkError(f"{source} cannot be compiled: {first or 'see the compiler'}")
        try:
            write_atomic(target, made.read_bytes())
        except OSError as error:
            raise BenchmarkError(f"{target} cannot be written: {error.strerror}") from error
    return target


def main() -> None:
    """Compile, and say where the files are."""
    try:
        for path in compile_modules():
            print(f"Wrote {path}.")
    except BenchmarkError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
