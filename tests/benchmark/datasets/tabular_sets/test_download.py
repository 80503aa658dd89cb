"""Fetching tabular sets by name: resumed, verified, complete or not at all.

This is the test of `benchmark.datasets.fetching` too.
"""

from __future__ import annotations

import pytest
from served import fails, names_in

from benchmark.datasets.fetching import fetch
from benchmark.datasets.tabular_sets import download as tabular
from features.storage import download


@pytest.fixture
def home(server, tiny, monkeypatch):
    """The server has the set, at what is now its home."""
    server.content = tiny.content
    folder = server.url.rpartition("/")[0]
    monkeypatch.setattr(tabular, "HOME", folder)
    return folder


def test_fetch(server, home, tiny, tmp_path):
    told, counts = [], []
    path = fetch("tiny", tmp_path, told.append, lambda *count: counts.append(count))
    assert path.read_bytes() == tiny.content
    assert names_in(tmp_path) == [".Tiny.lock", "Tiny.mat"]
    assert told == ["Tiny. Cite: Tiny 2026."]
    assert counts[-1] == (len(tiny.content),) * 2
    assert fetch("Tiny.mat", tmp_path, told.append) == path
    assert told[-1] == f"Tiny is complete in {path}."
    assert len(server.asked) == 1


def test_an_interrupted_download_goes_on(server, home, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.breaks = [700]
    assert "700 bytes are kept, and the same command goes on" in fails(fetch, "Tiny", tmp_path)
    assert not (tmp_path / "Tiny.mat").exists()
    assert fetch("Tiny", tmp_path).read_bytes() == tiny.content
    assert server.asked[1] == ("bytes=700-", '"first"')
    assert server.sent == len(tiny.content)


def test_a_file_of_another_hash_is_not_kept(server, home, tiny, tmp_path):
    server.content = tiny.content[:-1] + b"!"
    text = fails(fetch, "Tiny", tmp_path)
    assert f"{home}/Tiny.mat is not Tiny: its SHA-256 is " in text
    assert tiny.known.sha256 in text
    assert names_in(tmp_path) == [".Tiny.lock"]
    server.content = tiny.content
    assert fetch("Tiny", tmp_path).exists()  # nothing is in the way


def test_a_file_in_the_way_is_kept(home, tiny, tmp_path):
    (tmp_path / "tiny.mat").write_bytes(b"mine")
    assert f"{tmp_path / 'tiny.mat'} is in the way" in fails(fetch, "Tiny", tmp_path)
    assert (tmp_path / "tiny.mat").read_bytes() == b"mine"


def test_the_command_and_a_mirror(server, tiny, command, tmp_path, monkeypatch):
    server.content = tiny.content
    monkeypatch.setattr(tabular, "HOME", "http://127.0.0.1:1")
    folder, file = server.url.rpartition("/")[0], f"{server.url.rpartition('/')[0]}/other.mat"
    for place, url in (("a", folder), ("b", f"{folder}/"), ("c", file)):
        done = command("datasets", "fetch", "tiny", "--url", url, "--data-dir", place)
        assert (done.returncode, done.stdout) == (0, f"tiny is in {place}/Tiny.mat.\n")
    assert server.paths == ["/Tiny.mat", "/Tiny.mat", "/other.mat"]
    done = command("datasets", "fetch", "Tinny")
    assert done.returncode == 2
    assert "no public set named 'Tinny'; did you mean 'Tiny'?" in done.stderr
