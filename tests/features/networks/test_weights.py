"""Weights by name: their keys, where they are, and downloads from a server of our own."""

from __future__ import annotations

import gc
import hashlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from weight_files import SIZE, arrays_of, changed, source, spoilt, write_h5, write_npz

from features.networks import backend, published, weights
from features.networks.building import build_backbone
from features.networks.published import Published
from features.networks.weights import (
    WeightsError,
    fetch_weights,
    weights_folder,
    weights_key,
)
from features.storage import download
from features.storage.locking import locked

backend.start(threads=1)


# What downloads for Keras leaves the socket of a download that broke off to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.mark.parametrize(
    ("name", "wanted", "message"),
    [
        (
            "vgg16",
            "bundled",
            "vgg16 has no weights 'bundled': give imagenet, torchvision, random or",
        ),
        ("small", "imagenet", "small has no weights 'imagenet': give bundled, random or the path"),
        ("small", "x.txt", "small has no weights 'x.txt': give bundled, random or the path of a "),
        ("small", "x", "small has no weights 'x': give"),
        ("vgg16", "imagnet", "vgg16 has no weights 'imagnet'; did you mean 'imagenet'?"),
        ("vgg16", "none.npz", "there is no file of weights none.npz"),
        ("vgg16", "folder.h5", "folder.h5 has no weights of vgg16: put vgg16_weights_tf_dim_ord"),
        ("small", "folder.h5", "there are no published weights of small to look for in folder.h5"),
    ],
)
def test_weights_that_are_not_there_are_refused(tmp_path, monkeypatch, name, wanted, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.txt").touch()
    (tmp_path / "folder.h5").mkdir()
    for get in (weights_key, fetch_weights):
        with pytest.raises(WeightsError, match=re.escape(message)):
            get(name, wanted)


# --- Keys ----------------------------------------------------------------------------------------


def test_keys_are_of_content(tmp_path):
    arrays = arrays_of(source())
    first = write_npz(tmp_path / "first.npz", arrays)
    (tmp_path / "deep").mkdir()
    second = write_npz(tmp_path / "deep" / "second.npz", arrays)
    key = weights_key("small", str(first))
    assert key == f"sha256:{hashlib.sha256(first.read_bytes()).hexdigest()}"
    assert weights_key("small", str(second)) == key
    write_npz(second, changed("fc2/bias", spoilt(1.0))(arrays))
    assert weights_key("small", str(second)) != key
    write_npz(first, changed("fc2/bias", spoilt(1.0))(arrays))  # the same path again
    assert weights_key("small", str(first)) == weights_key("small", str(second))


def test_keys_of_named_weights():
    assert weights_key("vgg16", "random") == weights_key("small", "random") == "random:0"
    assert weights_key("VGG16", "imagenet") == "md5:64373286793e3c8b2b4e3219cbf3544b"
    bundled = hashlib.sha256(weights.BUNDLED.read_bytes()).hexdigest()
    assert weights_key("small", "bundled") == f"sha256:{bundled}"
    assert weights_key("vgg16", "torchvision") == "sha256:397923af"


# --- Downloads -----------------------------------------------------------------------------------


class Server:
    """Serves one file, in the manner asked for, and counts the requests."""

    def __init__(self, content):
        self.content, self.manner, self.requests = content, "well", 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests += 1
                if outer.manner == "absent":
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(outer.content)))
                self.end_headers()
                half = outer.manner in ("cut off", "silent")
                self.wfile.write(outer.content[: len(outer.content) // (2 if half else 1)])
                if outer.manner == "silent":
                    outer.done.wait(10)

            def log_message(self, *_arguments):
                pass

        self.done = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/there/small_weights.h5"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        if self.thread.is_alive():
            self.done.set()
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server with weights of `small` called imagenet, and an empty folder of Keras' own."""
    path = write_h5(tmp_path / "weights.h5", arrays_of(source()))
    served = Server(path.read_bytes())
    md5 = hashlib.md5(served.content, usedforsecurity=False).hexdigest()
    file = Published(served.url, "md5", md5)
    monkeypatch.setattr(published, "_all", lambda: {"small": {"keras": (file,)}})
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(download, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    yield served
    served.close()
    gc.collect()  # sockets that a broken download left, while their warning is ignored


def test_weights_are_downloaded_once(server, tmp_path, capfd):
    assert weights_key("small", "imagenet").startswith("md5:")
    assert server.requests == 0
    downloaded = build_backbone("small", SIZE, weights="imagenet")
    assert (tmp_path / "keras" / "models" / "small_weights.h5").read_bytes() == server.content
    assert server.requests == 1
    server.close()
    again = build_backbone("small", SIZE, weights="imagenet")
    from_file = build_backbone("small", SIZE, weights=str(tmp_path / "weights.h5"))
    for model in (downloaded, again):
        for ours, theirs in zip(model.get_weights(), from_file.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    told = capfd.readouterr()
    assert told.out == ""  # which is for results
    assert re.findall(r"^.*download.*$", told.err, re.MULTILINE | re.IGNORECASE) == [
        f"downloading {server.url}"
    ]


def test_weights_that_are_there_are_used_in_a_folder_that_cannot_be_written(
    server, tmp_path, monkeypatch
):
    def fail(*_arguments):
        raise OSError(30, "Read-only file system")

    path = tmp_path / "keras" / "models" / "small_weights.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(server.content)
    monkeypatch.setattr(weights, "locked", fail)
    assert fetch_weights("small", "imagenet") == path
    path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"cannot be had: .*Read-only file system"):
        fetch_weights("small", "imagenet")
    assert server.requests == 0


def test_damaged_weights_are_downloaded_again(server, tmp_path):
    path = tmp_path / "keras" / "models" / "small_weights.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(server.content[:-100])  # as after a kill
    assert fetch_weights("small", "imagenet") == path
    assert path.read_bytes() == server.content
    assert server.requests == 1


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("down", "Connection refused"),
        ("absent", "404"),
        ("cut off", "the connection broke off at"),
        ("silent", "timed out"),
        ("other content", "is another file: its MD5 is"),
    ],
)
def test_downloads_that_fail_say_what_to_do_and_can_be_tried_again(
    server, tmp_path, monkeypatch, trouble, reason
):
    content = server.content
    if trouble == "down":
        server.close()
    elif trouble == "other content":
        server.content = content[::-1]
    else:
        server.manner = trouble
    with pytest.raises(WeightsError) as caught:
        build_backbone("small", SIZE, weights="imagenet")
    sentence, path = str(caught.value), tmp_path / "keras" / "models" / "small_weights.h5"
    assert sentence.startswith("the weights small_weights.h5 of small cannot be had: ")
    assert reason in sentence
    assert sentence.endswith(
        f". Put the file {server.url} at {path}, or give --weights with the folder or file that "
        "has them, or --weights random"
    )
    assert ".." not in sentence
    assert "\n" not in sentence
    assert not path.exists()
    if trouble != "down":
        server.content, server.manner = content, "well"
        assert fetch_weights("small", "imagenet") == path
        assert path.read_bytes() == content


def test_who_waits_for_a_download_uses_it(server, tmp_path):
    path, found = tmp_path / "keras" / "models" / "small_weights.h5", []
    waiting = threading.Thread(target=lambda: found.append(fetch_weights("small", "imagenet")))
    with locked(path.with_name(".small_weights.h5.lock")):
        waiting.start()
        time.sleep(0.2)
        assert (server.requests, found) == (0, [])
        path.write_bytes(server.content)
    waiting.join()
    assert (server.requests, found) == (0, [path])


def test_the_folder_is_that_of_keras(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert weights_folder() == tmp_path / "models"
    for unset in (True, False):
        monkeypatch.setenv("KERAS_HOME", "")
        if unset:
            monkeypatch.delenv("KERAS_HOME")
        monkeypatch.setenv("HOME", str(tmp_path / "me"))
        assert weights_folder() == tmp_path / "me" / ".keras" / "models"


def test_alexnets_imagenet_weights_are_looked_for_where_they_belong(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path = tmp_path / "models" / "alexnet_imagenet.npz"
    assert weights_key("alexnet", "imagenet") == "sha256:7be5be79"
    path.parent.mkdir()
    path.write_bytes(b"converted")
    assert fetch_weights("alexnet", "imagenet") == path
    expected = hashlib.sha256(b"converted").hexdigest()
    assert weights_key("alexnet", "imagenet") == f"sha256:{expected}"
