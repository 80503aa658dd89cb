"""The structure of the code: the order of its rooms, no circles, and nothing happens on import.

Also tests `features.arrays`. ``python tests/test_architecture.py [CHECKOUT]`` prints the figures of
this checkout or of another one.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmark", "baselines", "ewmtcnn", "features")
DOCUMENT = ROOT / "docs" / "architecture.md"

# package -> what it may import of ours
ALLOWED = {
    "features": {"features"},
    "ewmtcnn": {"ewmtcnn", "features", "baselines.base", "baselines.settings",
                "baselines.early_stopping", "baselines.preprocessing", "baselines.seen"},
    "baselines": {"baselines", "features"},
    "benchmark": {"benchmark", "baselines", "ewmtcnn", "features"},
}  # fmt: skip
MAY_ALSO = {"baselines/dldl.py": {"ewmtcnn"}}
# the code that runs a network -> the libraries it may import
NETWORK_CODE = {
    "features/networks/backend.py": {"keras", "tensorflow", "torch", "jax"},
    "features/networks/accelerated.py": {"keras", "torch"},
    "features/networks/compiled.py": {"keras", "tensorflow", "torch", "jax"},
    "features/networks/looped.py": {"keras", "tensorflow", "torch", "jax"},
    "features/networks/building.py": {"keras"},
    "features/networks/applications.py": {"keras"},
    "features/networks/torchvision.py": {"keras"},
    "benchmark/datasets/synthetic/pretraining.py": {"keras"},
    "benchmark/plugins/peer_library.py": {"keras"},
    "ewmtcnn/losses.py": {"keras"},
    "ewmtcnn/network.py": {"keras"},
    "ewmtcnn/optimizer.py": {"keras"},
    "ewmtcnn/resident.py": {"keras"},
    "ewmtcnn/side_by_side.py": {"jax"},
    "ewmtcnn/trainer.py": {"keras"},
    "ewmtcnn/training.py": {"keras"},
}
# these load Keras when they are imported, and are imported only where a network is run
LOADS_KERAS = {
    f"ewmtcnn.{name}"
    for name in (
        "checkpoints", "losses", "measuring", "network", "optimizer", "resident", "trainer",
        "training",
    )
}  # fmt: skip
NETWORK_LIBRARIES = {"tensorflow", "keras", "torch", "jax"}
READS_UNSAFELY = {"pickle", "cloudpickle", "dill", "shelve", "marshal"}

MOST_FLOORS, MOST_LINES, MOST_PARAMETERS = 12, 400, 6
#: Functions that may have more parameters, beside the constructors of estimators.
MANY_PARAMETERS = {"benchmark/commands/run.py:run"}

# The way that data takes through the rooms.
FLOW = ("datasets", "plugins", "planning", "running", "baselines", "ewmtcnn", "store", "analysis",
        "tables", "figures", "paper", "reporting")  # fmt: skip

Graph = dict[str, set[str]]


# --- What the code says ---------------------------------------------------------------------------


def modules(root: Path = ROOT) -> list[Path]:
    """Every module of the four packages."""
    return [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]


def module_name(path: Path, root: Path = ROOT) -> str:
    """Return the dotted name under which a file is imported."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """List the imports of a module, those within functions too: module, names taken from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            yield node.module, tuple(alias.name for alias in node.names)


def import_graph(root: Path = ROOT) -> Graph:
    """Return which of our modules each of them imports."""
    names = {module_name(path, root): path for path in modules(root)}
    graph: Graph = {}
    for name, path in names.items():
        found = set()
        for module, taken in imports(path):
            parts = [f"{module}.{part}" for part in taken]
            found |= {part for part in parts if part in names}
            if module in names and any(part not in names for part in parts or [""]):
                found.add(module)
        graph[name] = found - {name}
    return graph


def circles(graph: Graph) -> list[set[str]]:
    """Return the groups of nodes from each of which every other of the group can be reached."""
    reached: Graph = {}
    for start in graph:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for following in graph[waiting.pop()] - seen:
                seen.add(following)
                waiting.append(following)
        reached[start] = seen
    groups: list[set[str]] = []
    for node in graph:
        group = {other for other in reached[node] if node in reached[other]}
        if len(group) > 1 and group not in groups:
            groups.append(group)
    return groups


def rooms_of(graph: Graph, package: str = "benchmark") -> Graph:
    """Join the modules of each folder of a package to one room; a file beside them is one too."""

    def room(module: str) -> str:
        parts = module.split(".")
        return ".".join(parts[:2])

    joined: Graph = {}
    for module, imported in graph.items():
        if module.startswith(f"{package}."):
            mine = {room(name) for name in imported if name.startswith(f"{package}.")}
            joined[room(module)] = joined.get(room(module), set()) | (mine - {room(module)})
    return joined


def floors(graph: Graph) -> dict[str, int]:
    """Return the floor of each node: one above all that it imports; a circle is on one floor."""
    together = {node: frozenset({node}) for node in graph}
    together |= {node: frozenset(group) for group in circles(graph) for node in group}
    known: dict[frozenset[str], int] = {}

    def floor(group: frozenset[str]) -> int:
        if group not in known:
            below = {together[name] for node in group for name in graph[node]} - {group}
            known[group] = 1 + max((floor(other) for other in below), default=0)
        return known[group]

    return {node: floor(together[node]) for node in graph}


def listed_order(text: str) -> list[list[str]]:
    """Read the order of the rooms from the document: the first block of code, a floor a line."""
    block = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert block, "docs/architecture.md has no block of text with the order"
    lines = (re.split(r" {2,}", line) for line in block.group(1).strip().splitlines())
    return [[part for part in line if re.fullmatch(r"[a-z_.]+", part)] for line in lines]


def place(module: str, order: Iterable[Iterable[str]]) -> int | None:
    """Return the line of the order that a module belongs to, None if it is in no room."""
    parts = module.split(".")
    room = ".".join(parts[:2]) if parts[0] == "benchmark" else parts[0]
    return next((i for i, line in enumerate(order) if room in line), None)


def upward(graph: Graph, order: list[list[str]]) -> list[str]:
    """Return the imports that point up in the order, or to another room of the same line."""
    found = []
    for module, imported in graph.items():
        for name in imported:
            mine, its = place(module, order), place(name, order)
            assert mine is not None, f"{module} is in no room that {DOCUMENT.name} lists"
            assert its is not None, f"{name} is in no room that {DOCUMENT.name} lists"
            same_room = module.split(".")[:2] == name.split(".")[:2] or (
                module.split(".")[0] == name.split(".")[0] != "benchmark"
            )
            if its < mine or (its == mine and not same_room):
                found.append(f"{module} -> {name}")
    return found


def parameters(path: Path) -> Iterator[tuple[str, int]]:
    """List the functions of a file that are no estimator's constructor: name, parameters."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = sum(argument.arg not in ("self", "cls") for argument in arguments)
            estimator = path.parts[-2] in ("baselines", "ewmtcnn") and node.name == "__init__"
            if not estimator:
                yield node.name, count


# --- What must hold ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_packages_import_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    allowed = ALLOWED[package] | MAY_ALSO.get(path.relative_to(ROOT).as_posix(), set())
    for module, taken in imports(path):
        assert module.split(".")[0] not in READS_UNSAFELY, f"{path} imports {module}"
        if module.split(".")[0] in PACKAGES:
            for name in (f"{module}.{part}" for part in taken or [""]):
                fine = any(f"{name}.".startswith(f"{home}.") for home in allowed)
                assert fine, f"{path} imports {name}"


def test_rooms_import_downwards_in_the_listed_order():
    order = listed_order(DOCUMENT.read_text(encoding="utf-8"))
    assert upward(import_graph(), order) == ["baselines.dldl -> ewmtcnn.base"]


def test_the_written_walks_go_step_by_step_and_never_back():
    walks = re.search(r"```walks\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert walks
    graph = import_graph()
    for walk in walks.group(1).strip().splitlines():
        steps = walk.split(" -> ")
        assert len(steps) > 3
        for one, two in pairwise(steps):
            assert two in graph[one] or one in graph[two], (
                f"{one} and {two} know nothing of another"
            )
        rooms = [".".join(step.split(".")[:2]) for step in steps]
        visits = [room for room, _ in groupby(rooms)]
        assert len(visits) == len(set(visits)), f"comes back to a room: {walk}"
        places = [FLOW.index(room.split(".")[-1 if room.startswith("benchmark") else 0])
                  for room in visits]  # fmt: skip
        assert places == sorted(places), f"runs against the flow of data: {walk}"


def test_every_listed_room_is_there():
    order = listed_order(DOCUMENT.read_text(encoding="utf-8"))
    graph = import_graph()
    for room in (room for line in order for room in line):
        assert any(f"{name}.".startswith(f"{room}.") for name in graph), f"there is no {room}"


def test_no_circle_not_even_within_a_room():
    assert circles(import_graph()) == []


def test_few_floors():
    assert max(floors(rooms_of(import_graph())).values()) <= MOST_FLOORS


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_signatures_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    relative = path.relative_to(ROOT).as_posix()
    for name, count in parameters(path):
        if f"{relative}:{name}" not in MANY_PARAMETERS:
            assert count <= MOST_PARAMETERS, f"{name} has {count} parameters"


def test_every_module_has_a_test():
    """A test file of its name, or one whose first docstring names it (`benchmark.figures.heat`)."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    names = {path.stem.removeprefix("test_") for path in files}
    docstrings = [ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in files]
    named = set(re.findall(r"`([\w.]+)`", " ".join(text or "" for text in docstrings)))
    untested = {
        module_name(path)
        for path in modules()
        if path.name not in ("__init__.py", "__main__.py")
        and path.stem not in names
        and module_name(path) not in named
    }
    assert untested == set()


def test_array_types_are_defined_once():
    for path in modules():
        if path.name != "arrays.py":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^(Float|Int|Byte|Any)Array\b.* = ", text, re.MULTILINE), path


def test_no_module_is_called_like_a_public_function():
    """Importing it would replace the function."""
    import benchmark

    for path in (ROOT / "benchmark").iterdir():
        assert path.stem not in benchmark.__all__


def test_only_the_code_that_runs_a_network_imports_one():
    for path in modules():
        found = {name.split(".")[0] for name, _ in imports(path)} & NETWORK_LIBRARIES
        allowed = NETWORK_CODE.get(path.relative_to(ROOT).as_posix(), set())
        assert found <= allowed, f"{path} imports {found - allowed}"


@pytest.mark.slow
def test_importing_changes_nothing():
    """No seeding, no handlers, no warnings filters, no files."""
    names = {module_name(path) for path in modules() if path.name != "__main__.py"}
    names = sorted(names - LOADS_KERAS)
    code = (
        "import sys, logging, warnings, signal, importlib\n"
        "import numpy, sklearn, pandas, joblib, scipy.stats\n"
        "state = numpy.random.get_state()[1].tolist()\n"
        "filters = list(warnings.filters)\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"assert not {NETWORK_LIBRARIES!r} & set(sys.modules)\n"
        "assert numpy.random.get_state()[1].tolist() == state\n"
        "assert logging.getLogger('benchmark').handlers == []\n"
        "assert list(warnings.filters) == filters\n"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# --- The functions above find what they should ---------------------------------------------------

CODE = {"a.b.x": {"a.c.y"}, "a.c.y": {"a.b.z", "a.c.w"}, "a.b.z": set(), "a.c.w": {"a.c.y"}}


def test_circles_are_found():
    assert circles(CODE) == [{"a.c.y", "a.c.w"}]
    assert circles(rooms_of(CODE, "a")) == [{"a.b", "a.c"}]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_floors_are_counted():
    assert floors({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": 3, "b": 2, "c": 1}
    assert floors(CODE) == {"a.b.x": 3, "a.c.y": 2, "a.c.w": 2, "a.b.z": 1}


def test_upward_imports_and_unknown_rooms_are_found():
    order = [["benchmark.cli"], ["benchmark.tables", "benchmark.figures"], ["features"]]
    down = {"benchmark.cli": {"benchmark.tables.x"}, "benchmark.tables.x": {"features.z"}}
    assert upward(down, order) == []
    up = {"features.z": {"benchmark.cli"}, "benchmark.tables.x": {"benchmark.figures.y"}}
    assert sorted(upward(up, order)) == [
        "benchmark.tables.x -> benchmark.figures.y",
        "features.z -> benchmark.cli",
    ]
    with pytest.raises(AssertionError, match="no room"):
        upward({"benchmark.attic": {"features.z"}}, order)


def main() -> None:
    """Print the figures of this checkout, or of another one."""
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    graph = import_graph(root)
    rooms = rooms_of(graph)
    document = root / "docs" / "architecture.md"
    print(f"modules           {len(graph)}")
    print(f"lines             {sum(len(p.read_text().splitlines()) for p in modules(root))}")
    print(f"rooms             {len(rooms)} in benchmark/")
    print(f"floors            {max(floors(rooms).values())} of rooms in benchmark/")
    print(f"arrows            {sum(map(len, rooms.values()))} between its rooms, "
          f"{sum(map(len, graph.values()))} between all modules")  # fmt: skip
    if document.exists():
        pointing_up = upward(graph, listed_order(document.read_text(encoding="utf-8")))
        print(f"upward arrows     {len(pointing_up)} {'; '.join(pointing_up)}")
    else:
        print("upward arrows     no order is written down")
    found = circles(graph)
    print(f"circles           {len(found)}")
    for circle in found:
        print(f"                  {', '.join(sorted(circle))}")
    long = [p for p in modules(root) if len(p.read_text().splitlines()) > MOST_LINES]
    print(f"longer files      {', '.join(p.relative_to(root).as_posix() for p in long) or 'none'}")
    many = [f"{p.relative_to(root).as_posix()}:{name} ({count})" for p in modules(root)
            for name, count in parameters(p) if count > MOST_PARAMETERS]  # fmt: skip
    print(f"more parameters   {len(many)}: {', '.join(many)}")


if __name__ == "__main__":
    main()
