"""The list of backbones and downloads of their weights.

Tests `benchmark.tables.backbones` too.
"""

from __future__ import annotations

import hashlib
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.commands.show_backbones import facts_of_backbones, fetch, show_backbones
from benchmark.errors import BenchmarkError, UsageError
from benchmark.tables.backbones import INPUTS, backbones_grid
from benchmark.tables.grid import markdown
from features.networks import published
from features.networks.backbones import BACKBONES, PREPROCESSING
from features.networks.published import Published
from features.networks.weights import fetch_weights, weights_key
from features.storage import download

PAGE = Path(__file__).resolve().parents[3] / "docs" / "backbones.md"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A server's folder with one file, and vgg16 whose published weights it is."""
    folder = tmp_path / "served"
    folder.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    content = b"weights" * 1000
    digits = hashlib.sha256(content).hexdigest()[:8]
    (folder / f"vgg16-{digits}.pth").write_bytes(content)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as running:
        address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        file = Published(f"{address}/vgg16-{digits}.pth", "sha256", digits)
        other = Published("http://127.0.0.1:9/vgg16.h5", "md5", "0" * 32)
        table = {"vgg16": {"keras": (other,), "torchvision": (file,)}}
        monkeypatch.setattr(published, "_all", lambda: table)
        yield folder
        running.shutdown()
        thread.join()


def test_weights_are_fetched_to_where_they_are_found(home, tmp_path):
    there = tmp_path / "keras" / "models"
    found = fetch("VGG16", "torchvision")
    (served,) = home.iterdir()
    assert found == (there / served.name, "torchvision")
    assert found[0].read_bytes() == served.read_bytes()
    assert fetch_weights("vgg16", "torchvision") == found[0]
    served.unlink()  # nothing is asked for again
    assert fetch("vgg16", "torchvision") == found
    assert [facts["here"] for facts in facts_of_backbones() if facts["name"] == "vgg16"] == [
        ["torchvision"]
    ]


def test_a_folder_is_used_without_a_network(home, tmp_path, monkeypatch):
    (served,) = home.iterdir()
    done = CliRunner().invoke(
        main, ["backbones", "fetch", "vgg16", "--weights", "torchvision", "--to",
               str(tmp_path / "w"), "--url", f"http://127.0.0.1:{9}"],
    )  # fmt: skip
    assert done.exit_code == 1
    assert not list((tmp_path / "w").glob("*.pth"))
    path, use = fetch("vgg16", "torchvision", tmp_path / "w")
    assert (path, use) == (tmp_path / "w" / served.name, str(tmp_path / "w"))
    served.unlink()
    assert fetch_weights("vgg16", use) == path
    assert weights_key("vgg16", use) == weights_key("vgg16", "torchvision")
    path.write_bytes(b"cut off")
    with pytest.raises(ValueError, match="is damaged or incomplete: its SHA256 is not that of"):
        weights_key("vgg16", use)
    with pytest.raises(ValueError, match="is damaged or incomplete"):
        weights_key("vgg16", str(path))
    path.unlink()
    with pytest.raises(ValueError, match=r"has no weights of vgg16: put vgg16.h5 or vgg16-\w+.pth"):
        weights_key("vgg16", use)


def test_what_comes_is_verified_and_leaves_nothing(home, tmp_path):
    (served,) = home.iterdir()
    served.write_bytes(b"another")
    with pytest.raises(BenchmarkError, match="gives is another file: its SHA256 is"):
        fetch("vgg16", "torchvision", tmp_path / "w")
    assert [path.name for path in (tmp_path / "w").iterdir() if "lock" not in path.name] == []
    with pytest.raises(UsageError, match="vgg16 has no published weights 'V2', but imagenet, torc"):
        fetch("vgg16", "V2")
    with pytest.raises(UsageError, match="there are no weights of small to fetch: they come along"):
        fetch("small")
    with pytest.raises(UsageError, match="no backbone 'vg16'; did you mean 'vgg16'"):
        fetch("vg16")


def test_the_list_and_the_page_have_every_backbone():
    text = show_backbones()
    assert all(f"\n{backbone.title} " in text for backbone in BACKBONES.values())
    assert INPUTS.keys() == PREPROCESSING.keys()
    assert PAGE.read_text(encoding="utf-8").endswith(markdown(backbones_grid())), "make docs-tables"
    facts = json.loads(json.dumps(facts_of_backbones()))
    assert [one["name"] for one in facts] == list(BACKBONES)
