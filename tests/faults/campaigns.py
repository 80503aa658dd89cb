"""What `kills.py` kills processes of: commands, their data, and a method that counts its fits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

# Appends a line whenever it starts to fit, so that a task that is computed twice is seen.
PLUGIN = '''
import hashlib, os, time
import numpy as np
from baselines import LDLEstimator
from benchmark import register


@register("Counted")
class Counted(LDLEstimator):
    """Predict a random distribution."""

    search_space = {"strength": (1.0, 0.3)}

    def __init__(self, strength=1.0, random_state=None):
        self.strength = strength
        self.random_state = random_state

    def _fit(self, X, D):
        rows = hashlib.sha256(np.ascontiguousarray(D).tobytes()).hexdigest()[:16]
        line = f"{self.random_state} {self.strength} {rows}\\n".encode()
        log = os.open(os.environ["LDL_FITS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, line)
        os.close(log)
        time.sleep(0.2)
        rng = np.random.default_rng(self.random_state)
        self.row_ = rng.dirichlet(np.full(D.shape[1], self.strength))

    def _predict(self, X):
        return np.tile(self.row_, (len(X), 1))
'''

# A set of image files of one's own, through the Python API.
PICTURES = """
import sys
from pathlib import Path
import numpy as np
import benchmark
from benchmark.running.interruption import run_to_the_end
from features.images.sources import ImageFiles

def program():
    paths = tuple(sorted(Path("pictures").resolve().glob("*.jpg")))
    D = np.random.default_rng(1).dirichlet(np.ones(4), len(paths))
    data = benchmark.make_dataset("pictures", None, D, images=ImageFiles(paths))
    benchmark.run(["AA-kNN", "Counted"], datasets=data, plugins="counted.py", folds=3, jobs=2,
                  backbone="small", weights="bundled", out="out", cache_dir="cache", report=False)

if __name__ == "__main__":
    run_to_the_end(program)
"""

# Three shards of features. Decoding processes start for so many where there are four cores.
PICTURES_COUNT = 600
CORES = "import os\nos.cpu_count = lambda: 4\n"

_USUAL = ("--plugin", "counted.py", "--out", "out", "--cache-dir", "cache")


@dataclass(frozen=True)
class Campaign:
    """A command, and what is killed during what part of it.

    Attributes
    ----------
    command : tuple of str
        What Python gets.
    tasks : int
        How many tasks the run has.
    work : str
        What its tasks are: the name of that phase.
    phases, victims : tuple of str
        What is drawn from; a kind of process that there is not at that moment is not killed.
    kills : int
        How many of the 200.
    """

    command: tuple[str, ...]
    tasks: int
    work: str
    phases: tuple[str, ...]
    victims: tuple[str, ...] = ("main", "worker", "any")
    kills: int = 30

    @property
    def has_report(self) -> bool:
        """Whether the command writes a report."""
        return "report" in self.phases

    @property
    def has_pictures(self) -> bool:
        """Whether the command reads image files."""
        return "extraction" in self.phases


def _command(*arguments: str) -> tuple[str, ...]:
    return ("-m", "benchmark", "run", "--jobs", "2", *_USUAL, *arguments)


CAMPAIGNS = {
    "baselines": Campaign(
        _command("Counted", "AA-kNN", "AA-BP", "--dataset", "small.npz", "--folds", "5",
                 "--repeats", "2", "--no-report"),
        30, "baselines", ("start", "baselines", "baselines", "baselines", "baselines"), kills=96,
    ),
    "tables": Campaign(
        _command("Counted", "AA-kNN", "--dataset", "small.npz", "--folds", "2", "--jobs", "1"),
        4, "baselines", ("start", "baselines", "tables", "report", "report"),
        ("main", "main", "any"), 30,
    ),
    "networks": Campaign(
        _command("EW-MTCNN", "Counted", "--dataset", "synthetic:40", "--folds", "2", "--epochs",
                 "30", "--no-report"),
        4, "networks", ("start", "networks", "networks", "networks"), kills=14,
    ),
    "extraction": Campaign(
        ("pictures.py",), 6, "baselines", ("start", "extraction", "extraction", "extraction"),
        ("main", "helper", "helper", "decoder", "decoder", "worker"), 28,
    ),
    "tuning": Campaign(
        _command("Counted", "AA-kNN", "--tune", "--dataset", "small.npz", "--folds", "3",
                 "--no-report"),
        12, "tuning", ("start", "tuning", "tuning", "tuning"), kills=35,
    ),
    "dask": Campaign(
        _command("Counted", "AA-kNN", "--dataset", "small.npz", "--folds", "4", "--scheduler",
                 "local", "--no-report"),
        8, "baselines", ("start", "baselines", "baselines", "baselines"),
        ("main", "dask worker", "worker", "any"), 15,
    ),
}  # fmt: skip


def make_data(folder: Path, with_pictures: bool) -> None:
    """Write what the commands read."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    D = np.exp(X @ rng.normal(size=(5, 4)))
    np.savez(folder / "small.npz", features=X, labels=D / D.sum(axis=1, keepdims=True))
    (folder / "counted.py").write_text(PLUGIN)
    if not with_pictures:
        return
    (folder / "pictures.py").write_text(PICTURES)
    (folder / "cores").mkdir()
    (folder / "cores" / "sitecustomize.py").write_text(CORES)
    (folder / "pictures").mkdir()
    for number in range(PICTURES_COUNT):
        pixels = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{number:04d}.jpg")
