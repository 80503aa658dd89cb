"""A server of one file, and downloads that wait for nothing."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from served import CONTENT

from features.storage import download


@pytest.fixture
def hasty(monkeypatch):
    """Wait for nothing, and ask no proxy."""
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(download, "PATIENCE_SECONDS", 5.0)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server(hasty):
    """A server of one file whose behaviour a test changes; knows what it was asked and sent.

    content, etag, date: the file. ranges: whether it sends parts. breaks: after how many bytes
    each of the next answers breaks off. codes: what each of the next answers is instead. alter:
    changes the headers of a part. wait: called before an answer. asked: Range and If-Range of every
    request. paths: of every request. sent: bytes.
    """
    site = SimpleNamespace(
        content=CONTENT, etag='"first"', date="", ranges=True, breaks=[], codes=[], asked=[],
        paths=[], sent=0, alter=lambda _headers: None, wait=lambda: None, length=True,
    )  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted, mark = self.headers["Range"], self.headers["If-Range"]
            site.asked.append((wanted, mark))
            site.paths.append(self.path)
            site.wait()
            if site.codes:
                self.send_error(site.codes.pop(0))
                return
            current = mark is None or mark in (site.etag, site.date)
            first = int(wanted[6:-1]) if wanted and site.ranges and current else None
            if first is not None and first >= len(site.content):
                self.send_error(416)
                return
            body = site.content[first or 0 :]
            headers = {"ETag": site.etag, "Last-Modified": site.date}
            if site.length:
                headers["Content-Length"] = str(len(body))
            if first is not None:
                place = f"bytes {first}-{len(site.content) - 1}/{len(site.content)}"
                headers["Content-Range"] = place
                site.alter(headers)
            self.send_response(200 if first is None else 206)
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            body = body[: site.breaks.pop(0)] if site.breaks else body
            site.sent += len(body)
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.handle_error = lambda *_: None  # clients go away in the middle
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        site.url = f"http://127.0.0.1:{running.server_port}/set.zip"
        yield site
        running.shutdown()
        thread.join()
