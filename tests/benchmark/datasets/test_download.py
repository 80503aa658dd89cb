"""Downloads of one file: resumed, and never mixed of two, from a server of the test's own.

They are those of `features.storage.download`, which weights of networks share.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from served import CONTENT, fails, names_in

from benchmark.datasets.download import download
from benchmark.errors import BenchmarkError, UsageError
from features.storage import download as fetching


def test_a_download(server, tmp_path):
    counts = []
    download(server.url, tmp_path / "a" / "x.zip", lambda *count: counts.append(count))
    assert (tmp_path / "a" / "x.zip").read_bytes() == CONTENT
    assert names_in(tmp_path / "a") == ["x.zip"]
    assert server.asked == [(None, None)]
    done, total = zip(*counts, strict=True)
    assert list(done) == sorted(set(done))
    assert len(done) > 2
    assert (done[-1], set(total)) == (len(CONTENT), {len(CONTENT)})


@pytest.mark.parametrize("mark", ["etag", "date"])
def test_a_broken_download_goes_on(server, tmp_path, mark):
    if mark == "date":
        server.etag, server.date = "", "Mon, 01 Jan 2024 00:00:00 GMT"
        # A part need not repeat the date that it was asked for with.
        server.alter = lambda headers: headers.pop("Last-Modified")
    server.breaks = [300_000, 200_000, 1]
    counts = []
    download(server.url, tmp_path / "x.zip", lambda *count: counts.append(count))
    assert (tmp_path / "x.zip").read_bytes() == CONTENT
    assert server.sent == len(CONTENT)
    known = getattr(server, mark)
    assert server.asked == [
        (None, None), ("bytes=300000-", known), ("bytes=500000-", known), ("bytes=500001-", known),
    ]  # fmt: skip
    done, total = zip(*counts, strict=True)
    assert list(done) == sorted(set(done))
    assert set(total) == {len(CONTENT)}


def test_the_same_command_goes_on_later(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    server.breaks = [300_000]
    text = fails(download, server.url, tmp_path / "x.zip")
    assert text.startswith(
        f"{server.url} cannot be downloaded (the connection broke off at 300,000"
    )
    assert "300,000 bytes are kept, and the same command goes on from there" in text
    assert names_in(tmp_path) == ["x.zip.part", "x.zip.part.json"]
    download(server.url, tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == CONTENT
    assert server.sent == len(CONTENT)
    assert names_in(tmp_path) == ["x.zip"]


def test_attempts_are_counted(server, tmp_path):
    server.breaks = [10] * 5
    assert "50 bytes are kept" in fails(download, server.url, tmp_path / "x.zip")
    assert len(server.asked) == 5


@pytest.mark.parametrize("facts", [{"ranges": False}, {"etag": ""}, {"etag": 'W/"weak"'}])
def test_without_ranges_or_a_strong_mark_it_begins_anew(server, tmp_path, facts):
    vars(server).update(facts)
    server.breaks = [300_000]
    download(server.url, tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == CONTENT
    assert server.sent == len(CONTENT) + 300_000


def test_a_weak_mark_gives_way_to_the_date(server, tmp_path):
    server.etag, server.date = 'W/"weak"', "Mon, 01 Jan 2024 00:00:00 GMT"
    server.breaks = [300_000]
    download(server.url, tmp_path / "x.zip")
    assert server.asked[1] == ("bytes=300000-", server.date)
    assert server.sent == len(CONTENT)


@pytest.mark.parametrize("length", [2_000_000, 1_000_000, 300_000, 200])
def test_a_file_that_changed_begins_anew(server, tmp_path, monkeypatch, length):
    monkeypatch.setattr(fetching, "ATTEMPTS", 2)
    server.breaks = [300_000] * 2
    fails(download, server.url, tmp_path / "x.zip")
    server.content, server.etag = (CONTENT[::-1] * 2)[:length], '"second"'
    download(server.url, tmp_path / "x.zip")
    assert server.asked[2][1] == '"first"'
    assert (tmp_path / "x.zip").read_bytes() == server.content


def test_a_server_that_ignores_if_range_cannot_mix_two_files(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    server.breaks = [300_000]
    fails(download, server.url, tmp_path / "x.zip")
    monkeypatch.setattr(fetching, "ATTEMPTS", 2)
    server.content, server.etag, server.date = CONTENT[::-1], '"second"', '"first"'
    server.alter = lambda headers: headers.pop("Last-Modified")
    download(server.url, tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == CONTENT[::-1]


def test_a_part_of_another_place_is_not_appended(server, tmp_path):
    server.breaks = [300_000]
    server.alter = lambda headers: headers.update({"Content-Range": "bytes 0-999999/1000000"})
    download(server.url, tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == CONTENT
    assert server.asked[2] == (None, None)


def test_a_range_that_cannot_be_had_begins_anew(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    server.breaks = [300_000]
    fails(download, server.url, tmp_path / "x.zip")
    monkeypatch.setattr(fetching, "ATTEMPTS", 2)
    server.codes = [416]
    download(server.url, tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == CONTENT
    assert server.asked[2] == (None, None)


def test_a_record_of_the_part_that_is_damaged_begins_anew(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "ATTEMPTS", 1)
    server.breaks = [300_000]
    fails(download, server.url, tmp_path / "x.zip")
    (tmp_path / "x.zip.part.json").write_text('{"mark": "first"}')
    download(server.url, tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == CONTENT
    assert server.asked[1] == (None, None)


def test_a_length_that_is_not_told(server, tmp_path):
    server.length = False
    counts = []
    download(server.url, tmp_path / "x.zip", lambda *count: counts.append(count))
    assert (tmp_path / "x.zip").read_bytes() == CONTENT
    assert counts[-1] == (len(CONTENT), 0)


@pytest.mark.parametrize("code", [404, 403, 410])
def test_refusals_are_final(server, tmp_path, code):
    server.codes = [code]
    text = fails(download, server.url, tmp_path / "x.zip")
    assert text.startswith(f"{server.url} cannot be downloaded: the server answers {code} ")
    assert len(server.asked) == 1
    assert names_in(tmp_path) == []


def test_a_server_in_trouble_is_asked_again(server, tmp_path):
    server.codes = [503, 500]
    download(server.url, tmp_path / "x.zip")
    assert len(server.asked) == 3
    server.codes = [503] * 5
    assert "the server answers 503" in fails(download, server.url, tmp_path / "y.zip")
    assert len(server.asked) == 8


def test_a_server_that_falls_silent_is_asked_again(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "PATIENCE_SECONDS", 0.5)
    over = threading.Event()
    server.wait = lambda: len(server.asked) > 1 or over.wait(10)
    download(server.url, tmp_path / "x.zip")
    over.set()
    assert len(server.asked) == 2
    assert (tmp_path / "x.zip").read_bytes() == CONTENT


def test_a_server_that_is_not_there(server, tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        url = f"http://127.0.0.1:{closed.server_port}/x.zip"
    text = fails(download, url, tmp_path / "x.zip")
    assert "Connection refused" in text
    assert "0 bytes are kept" in text


def test_other_kinds_of_addresses(tmp_path):
    (tmp_path / "here.zip").write_bytes(CONTENT)
    with pytest.raises(UsageError, match="is no http or https address"):  # exit code 2
        download((tmp_path / "here.zip").as_uri(), tmp_path / "x.zip")


def test_what_is_not_as_expected_leaves_no_file(server, tmp_path):
    def check(part):
        assert part.read_bytes() == CONTENT
        raise BenchmarkError("another file")

    assert fails(download, server.url, tmp_path / "x.mat", lambda *_: None, check) == "another file"
    assert names_in(tmp_path) == []
