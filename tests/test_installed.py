"""What pip installs works anywhere: without the sources, and without what networks need.

The wheel and the sdist are installed into fresh environments that take their dependencies from the
one that runs the tests, all but the libraries of networks; one test asks the registry for them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchmark

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
#: A link to results/reference.
DATA = ROOT / "benchmark" / "reference" / "data"
PACKAGES = ("baselines", "benchmark", "ewmtcnn", "features")
#: Beside the packages, what the sdist is made of.
FILES = ("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "README.md",
         "constraints.txt", "docs/architecture.md", "pyproject.toml")  # fmt: skip
SEVEN = ["PT-Bayes", "PT-SVM", "AA-kNN", "AA-BP", "SA-IIS", "SA-BFGS", "SA-CPNN"]
INSTALL = "(pip install 'ldl-benchmark[networks]')"

# Run at every start of Python in an environment, also of a worker: hides what the core lacks.
HIDING = """
import sys
from importlib.machinery import PathFinder

class Core(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = {"jax", "jaxlib", "keras", "tensorflow", "torch"}
        return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Core
"""


def sources():
    """Paths of the packages' files, relative to the project's root."""
    found = (path for name in PACKAGES for path in (ROOT / name).rglob("*"))
    linked = (DATA / path.name for path in (ROOT / "results" / "reference").iterdir())
    return {
        path.relative_to(ROOT).as_posix()
        for path in (*found, *linked)
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the sdist, built of a copy of the sources."""
    folder = tmp_path_factory.mktemp("built")
    copy = folder / "copy"
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignored)
    shutil.copytree(DATA, copy / "results" / "reference")
    for name in FILES:
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", copy],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        "wheel": next((folder / "dist").glob("*.whl")),
        "sdist": next((folder / "dist").glob("*.tar.gz")),
    }


class Environment:
    """A fresh environment, used from an empty folder."""

    def __init__(self, folder, **options):
        self.home, self.here = folder / "venv", folder / "empty"
        self.here.mkdir()
        venv.create(self.home, **options)
        self.packages = Path(sysconfig.get_path("purelib", vars={"base": str(self.home)}))

    def __call__(self, program, *arguments, expect=0):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        done = subprocess.run(
            [self.home / "bin" / program, *map(str, arguments)],
            cwd=self.here, env=clean, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == expect, done.stderr
        assert "Traceback" not in done.stderr
        return done


def install(file, folder):
    """Make an environment with nothing of the networks, and install a file in it."""
    made = Environment(folder)
    ours = [place for place in sys.path if place.endswith("site-packages")]
    (made.packages / "dependencies.pth").write_text("\n".join(ours))
    (made.packages / "sitecustomize.py").write_text(HIDING)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", made.home / "bin" / "python", "install",
         "--no-deps", "--no-index", "--no-build-isolation", file],
        check=True, capture_output=True,
    )  # fmt: skip
    make_csv(made.here / "t.csv")
    return made


@pytest.fixture(scope="module")
def environment(built, tmp_path_factory):
    """An environment in which the wheel is installed."""
    return install(built["wheel"], tmp_path_factory.mktemp("wheel"))


def make_csv(path):
    """Write a dataset of 40 rows."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 4)), columns=list("abcd"))
    D = rng.dirichlet(np.ones(3), size=40)
    for place, label in enumerate(("joy", "fear", "anger")):
        frame[f"label:{label}"] = D[:, place]
    frame.to_csv(path, index=False)


def test_no_file_is_forgotten(built):
    with zipfile.ZipFile(built["wheel"]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == sources()
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert names >= sources() | set(FILES)
    assert not [name for name in names if name.startswith(("tests", "results"))]


def test_the_environment_is_what_it_says(environment):
    lines = (
        "import importlib.util as u, sys, baselines, benchmark, ewmtcnn, features",
        "print(*(m.__file__ for m in (baselines, benchmark, ewmtcnn, features)), sep='\\n')",
        "print(*sys.path, sep='\\n')",
        "assert not any(map(u.find_spec, ('tensorflow', 'keras', 'jax', 'torch')))",
    )
    (*found,) = environment("python", "-c", "\n".join(lines)).stdout.splitlines()
    assert all(Path(file).is_relative_to(environment.packages) for file in found[:4])
    assert str(ROOT) not in found[4:]


def in_one_process(environment, *commands):
    """Give commands one after the other in one process, which imports once: what they print."""
    code = (
        "import json, sys; from benchmark.cli import main\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    try: main(words)\n"
        "    except SystemExit as end: assert not end.code, words\n"
        "    print('\\f', end='')\n"
    )
    words = json.dumps([list(map(str, command)) for command in commands])
    return environment("python", "-c", code, words).stdout.split("\f")[:-1]


def test_a_run_and_all_that_is_made_of_it(environment):
    command = "ldl-benchmark"
    arguments = ("run", "--all", "--dataset", "t.csv", "--folds", 2, "--jobs", 1)
    done = environment(command, *arguments)
    assert all(name in done.stdout for name in SEVEN)
    assert "t has no images: DLDL and EW-MTCNN left out" in done.stderr
    run = environment.here / "results" / "runs" / "t"
    assert list(pd.read_csv(run / "table3.csv")["model"][:7]) == SEVEN
    assert (run / "report.html").stat().st_size > 10_000
    compared, table, tests, _, report = in_one_process(
        environment, ["compare", "--dataset", "t"], ["table", 3], ["table", "tests"],
        ["figure", "all", "--format", "svg"], ["report"],
    )  # fmt: skip
    assert "Emotion6" in compared
    assert "SA-IIS" in table
    assert tests
    assert list((run / "figures").glob("*.svg"))
    assert report.endswith("report.html\n")
    again = environment("python", "-m", "benchmark", *arguments, "--no-report")
    assert "0 to do" in again.stderr


def test_the_other_commands(environment):
    command = "ldl-benchmark"
    expected = f"ldl-benchmark {benchmark.__version__}\n"
    assert environment(command, "--version").stdout == expected
    assert environment("python", "-m", "benchmark", "--version").stdout == expected
    models, datasets, written, checked = in_one_process(
        environment, ["models"], ["datasets"], ["new-model", "My method"], ["check", "my_method.py"]
    )
    assert all(name in models for name in [*SEVEN, "DLDL", "EW-MTCNN"])
    assert "cannot be used" not in models
    assert "synthetic" in datasets
    assert (
        "get it (ldl-benchmark datasets fetch" in environment(command, "table", 1, expect=2).stderr
    )
    assert "ldl-benchmark check my_method.py" in written
    assert "follows the contract" in checked
    code = (
        "import benchmark; print(len(benchmark.reference_results().sets))\n"
        "import ewmtcnn; from baselines import DLDL; print(DLDL(), ewmtcnn.EWMTCNN())"
    )
    sets, networks = environment("python", "-c", code).stdout.splitlines()
    assert int(sets) >= 15
    assert networks == "DLDL() EWMTCNN()"


def test_networks_say_what_to_install(environment):
    images = ("--dataset", "synthetic:30")
    named = environment("ldl-benchmark", "run", "DLDL", *images, expect=2)
    assert named.stderr.startswith("Error: model 'DLDL' cannot run here: networks need Keras")
    assert named.stderr.count("\n") == 1
    every = environment("ldl-benchmark", "run", "--all", *images, expect=2)
    assert every.stderr.startswith("Error: the features of synthetic-30x64 are not in ")
    assert every.stderr.count("\n") == 1
    features = environment("ldl-benchmark", "features", *images, expect=2)
    for sentence in (named.stderr, every.stderr, features.stderr):
        assert INSTALL in sentence
    assert not list(environment.here.glob("results/runs/synthetic*/run.json"))


RUN = ("run", "AA-kNN", "--dataset", "t.csv", "--folds", 2, "--jobs", 1, "--no-report", "--out")


@pytest.fixture
def in_the_way(environment):
    """A function that writes a file of the user's into the working folder; it goes afterwards."""
    files = []

    def write(name):
        files.append(environment.here / name)
        files[-1].write_text("raise SystemExit('not ours')\n")

    yield write
    for file in files:
        file.unlink()


def test_files_of_the_users_hide_nothing(environment, in_the_way, tmp_path):
    for name in ("baselines.py", "ewmtcnn.py", "features.py"):
        in_the_way(name)
    environment("python", "-m", "benchmark", *RUN, tmp_path / "module")
    in_the_way("benchmark.py")  # with which python -m benchmark runs that file
    environment("ldl-benchmark", *RUN, tmp_path / "command")


def test_the_sdist_is_enough_to_install(built, tmp_path):
    made = install(built["sdist"], tmp_path)
    assert "SA-IIS" in made("ldl-benchmark", "run", "sa-iis", *RUN[1:], "out").stdout
    assert "Emotion6" in made("ldl-benchmark", "compare", "--dataset", "t", "--out", "out").stdout


@pytest.mark.network
def test_what_pip_takes_from_the_registry_is_enough(built, tmp_path):
    fresh = Environment(tmp_path, with_pip=True)
    quiet = ("--quiet", "--disable-pip-version-check")
    fresh("python", "-m", "pip", "install", *quiet, "--constraint", ROOT / "constraints.txt",
          built["wheel"])  # fmt: skip
    installed = fresh("python", "-m", "pip", "list", *quiet).stdout
    assert not {"tensorflow", "keras", "jax", "torch"} & set(installed.split())
    make_csv(fresh.here / "t.csv")
    done = fresh("ldl-benchmark", "run", "--all", "--dataset", "t.csv", "--folds", 3)
    assert all(name in done.stdout for name in SEVEN)
    assert (fresh.here / "results" / "runs" / "t" / "report.html").exists()
    assert "Emotion6" in fresh("ldl-benchmark", "compare", "--dataset", "t").stdout
