"""Downloads: resumed, verified, unpacked safely or not at all, from a server of the test's own."""

from __future__ import annotations

import errno
import hashlib
import io
import stat
import struct
import threading
import zipfile

import pytest
from miniature import make_artphoto, make_emotion6, zip_folder
from served import CONTENT, fails, names_in

from benchmark.datasets.image_sets import download as fetching
from benchmark.datasets.image_sets.download import fetch, unpack
from benchmark.datasets.image_sets.layouts import find_images
from benchmark.errors import BenchmarkError, UsageError
from features.storage.files import read_json


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Archives of the miniature Emotion6 and ArtPhoto, as bytes."""
    folder = tmp_path_factory.mktemp("archives")
    made = {"Emotion6": make_emotion6(folder, size=24), "ArtPhoto": make_artphoto(folder, size=24)}
    return {name: zip_folder(root, folder / "x.zip").read_bytes() for name, root in made.items()}


@pytest.fixture
def emotion6(server, archives, change_set):
    """The server has the miniature Emotion6."""
    server.content = archives["Emotion6"]
    return change_set("Emotion6", images=24, archive=server.url)


def test_a_folder_that_cannot_be_written(server, tmp_path, emotion6):
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in fails(fetch, "Emotion6", tmp_path / "file")
    assert server.asked == []


def test_an_error_of_the_disk_is_none_of_the_server(server, emotion6, tmp_path):
    (tmp_path / "Emotion6.zip.part").mkdir()
    text = fails(fetch, "Emotion6", tmp_path)
    assert text == f"{tmp_path / 'Emotion6.zip.part'}: Is a directory"
    assert len(server.asked) == 1


# A set.


@pytest.mark.parametrize("name", ["Emotion6", "ArtPhoto"])
def test_fetch(server, archives, tmp_path, change_set, name):
    server.content = archives[name]
    images = {"Emotion6": 24, "ArtPhoto": 32}[name]
    image_set = change_set(name, images=images, archive=server.url)
    told, counts, data = [], [], tmp_path / "data"
    folder = fetch(name.lower(), data, told.append, lambda *count: counts.append(count))
    assert len(find_images(image_set, folder)) == images
    assert data in folder.parents
    assert names_in(data) == [f".{name}.lock", name, f"{name}.zip", f"{name}.zip.json"]
    assert "academic use only" in told[0]
    assert "Cite: " in told[0]
    assert counts[-1] == (len(server.content),) * 2
    with zipfile.ZipFile(io.BytesIO(server.content)) as packed:
        for entry in (name for name in packed.namelist() if not name.endswith("/")):
            assert (data / name / entry).read_bytes() == packed.read(entry)
    record = read_json(data / f"{name}.zip.json")
    assert record["archive_sha256"] == hashlib.sha256(server.content).hexdigest()
    assert (record["url"], record["bytes"]) == (server.url, len(server.content))


def test_a_second_time_does_nothing(server, emotion6, tmp_path):
    def times():  # a lock says who had it last
        files = [path for path in tmp_path.rglob("*") if path.suffix != ".lock"]
        return {path: path.stat().st_mtime_ns for path in files}

    folder = fetch("Emotion6", tmp_path)
    before = times()
    told = []
    assert fetch("Emotion6", tmp_path, told.append) == folder
    assert told == [f"Emotion6 is complete in {folder}."]
    assert len(server.asked) == 1
    assert times() == before


def test_the_command(server, emotion6, tmp_path, command):
    done = command("datasets", "fetch", "Emotion6")
    assert (done.returncode, done.stdout) == (0, "Emotion6 is in data/Emotion6/Emotion6.\n")
    assert done.stderr.splitlines()[0].startswith("Emotion6: academic use only; download it")
    assert "complete" in next(
        line for line in command("datasets").stdout.splitlines() if line.startswith("Emotion6")
    )


@pytest.mark.parametrize(
    "words", ["fetch Emotion6 --data-dir other", "--data-dir other fetch Emotion6"]
)
def test_the_command_with_a_folder(server, emotion6, command, tmp_path, words):
    done = command("datasets", *words.split())
    assert (done.returncode, done.stdout) == (0, "Emotion6 is in other/Emotion6/Emotion6.\n")
    assert not (tmp_path / "data").exists()


def test_failures_of_the_command(server, emotion6, command, tmp_path, change_set):
    server.codes = [404]
    done = command("datasets", "fetch", "Emotion6")
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert error == f"Error: {server.url} cannot be downloaded: the server answers 404 Not Found"
    done = command("datasets", "fetch", "Emotion7")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: no public set named 'Emotion7'")
    done = command("datasets", "fetch", "Twitter_LDL")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: Twitter_LDL has no public archive: ask its authors (Jufeng Yang, Nankai "
        "University) for it\n"
    )


def test_an_archive_that_is_here_already_is_taken(server, emotion6, tmp_path):
    (tmp_path / "Emotion6.zip").write_bytes(server.content)
    fetch("Emotion6", tmp_path)
    assert server.asked == []


def remove(folder, *names):
    for name in names:
        path = folder / name
        if path.is_dir():
            for child in sorted(path.rglob("*"), reverse=True):
                child.rmdir() if child.is_dir() else child.unlink()
            path.rmdir()
        else:
            path.unlink()


def test_a_changed_archive_is_refused(server, emotion6, tmp_path):
    fetch("Emotion6", tmp_path)
    first = server.content
    remove(tmp_path, "Emotion6", "Emotion6.zip")
    server.content = first + b"\0"
    server.etag = '"second"'
    text = fails(fetch, "Emotion6", tmp_path)
    assert text.startswith(
        f"{tmp_path / 'Emotion6.zip'} is not what was downloaded first (SHA-256 "
    )
    for content in (first, server.content):
        assert hashlib.sha256(content).hexdigest() in text
    assert not (tmp_path / "Emotion6").exists()
    # The archive that was damaged here is told too, without asking the server.
    (tmp_path / "Emotion6.zip").write_bytes(first[:-1])
    assert "is not what was downloaded first" in fails(fetch, "Emotion6", tmp_path)
    assert len(server.asked) == 2
    # And the way out is the one that is told.
    remove(tmp_path, "Emotion6.zip", "Emotion6.zip.json")
    fetch("Emotion6", tmp_path)
    record = read_json(tmp_path / "Emotion6.zip.json")
    assert record["archive_sha256"] == hashlib.sha256(server.content).hexdigest()


def test_a_damaged_record_of_the_checksum_is_told(emotion6, tmp_path):
    fetch("Emotion6", tmp_path)
    remove(tmp_path, "Emotion6")
    record = tmp_path / "Emotion6.zip.json"
    record.write_text(record.read_text().replace("archive_sha256", "archive_sha255"))
    text = fails(fetch, "Emotion6", tmp_path)
    assert text.startswith(f"{record}, which has the checksum of ")
    assert "is damaged; delete it" in text
    remove(tmp_path, "Emotion6.zip.json")
    fetch("Emotion6", tmp_path)


def test_a_page_in_place_of_the_archive_is_not_remembered(server, emotion6, tmp_path):
    archive, server.content = server.content, b"<html>Please log in</html>"
    text = fails(fetch, "Emotion6", tmp_path)
    assert "is damaged or no zip file" in text
    assert "delete it and fetch again" in text
    remove(tmp_path, "Emotion6.zip")
    server.content = archive
    fetch("Emotion6", tmp_path)


def test_an_archive_of_another_set(server, emotion6, archives, tmp_path):
    server.content = archives["ArtPhoto"]
    text = fails(fetch, "Emotion6", tmp_path)
    assert text == (
        f"{tmp_path / 'Emotion6.zip'} was unpacked to {tmp_path / 'Emotion6'}, but the set is "
        f"incomplete: no ground_truth.txt, no images"
    )


def test_an_incomplete_archive(emotion6, tmp_path, change_set):
    change_set("Emotion6", images=25)
    assert "but the set is incomplete: 24 of 25 images" in fails(fetch, "Emotion6", tmp_path)
    text = fails(fetch, "Emotion6", tmp_path)
    assert text == (
        f"{tmp_path / 'Emotion6'} is in the way, and the set is incomplete: 24 of 25 images; move "
        f"it away, then fetch again"
    )


def test_a_file_in_the_way(server, emotion6, tmp_path):
    (tmp_path / "Emotion6").write_text("mine")
    assert "is in the way, and the set is absent" in fails(fetch, "Emotion6", tmp_path)
    assert server.asked == []
    assert (tmp_path / "Emotion6").read_text() == "mine"


def test_a_complete_set_elsewhere_in_the_folder_is_found(server, emotion6, tmp_path):
    make_emotion6(tmp_path / "mine", size=8)
    assert fetch("Emotion6", tmp_path) == tmp_path / "mine" / "Emotion6"
    assert server.asked == []


def test_two_at_once_download_once(server, emotion6, tmp_path):
    waiting, folders, told = threading.Event(), [], []
    server.wait = lambda: waiting.wait(10)

    def tell(sentence):
        told.append(sentence)
        if sentence.startswith("waiting for another process"):
            waiting.set()

    threads = [
        threading.Thread(target=lambda: folders.append(fetch("Emotion6", tmp_path, tell)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folders == [tmp_path / "Emotion6" / "Emotion6"] * 2
    assert len(server.asked) == 1
    assert waiting.is_set()
    assert told[-1] == f"Emotion6 is complete in {folders[0]}."


def test_an_interrupted_unpacking_leaves_no_folder(server, emotion6, tmp_path, monkeypatch):
    real, calls = fetching._unpack_entry, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 10:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(fetching, "_unpack_entry", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("Emotion6", tmp_path)
    assert names_in(tmp_path) == [".Emotion6.lock", "Emotion6.zip"]
    fetch("Emotion6", tmp_path)
    assert len(server.asked) == 1


def test_a_full_disk_is_no_damage_of_the_archive(server, emotion6, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fetching, "_unpack_entry", full)
        text = fails(fetch, "Emotion6", tmp_path)
    assert text == f"{tmp_path}: No space left on device"
    fetch("Emotion6", tmp_path)
    assert len(server.asked) == 1


def test_what_a_killed_process_unpacked_is_removed(emotion6, tmp_path):
    for folder in (".partial-Emotion6-xyz", ".partial-ArtPhoto-xyz"):
        (tmp_path / folder / "Emotion6" / "images").mkdir(parents=True)
        (tmp_path / folder / "Emotion6" / "ground_truth.txt").touch()
    fetch("Emotion6", tmp_path)
    assert not (tmp_path / ".partial-Emotion6-xyz").exists()
    assert (tmp_path / ".partial-ArtPhoto-xyz").exists()


# Archives that are refused.


def packed(*entries, method=zipfile.ZIP_DEFLATED):
    """A zip file of a good entry and then others: (name or ZipInfo, bytes)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in (("Emotion6/good.jpg", b"good" * 1000), *entries):
            archive.writestr(name, content)
    return buffer.getvalue()


def link(name="Emotion6/link", target="/etc/passwd"):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return packed((entry, target))


def device():
    entry = zipfile.ZipInfo("Emotion6/device")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFCHR | 0o666) << 16
    return packed((entry, b""))


def refuse(content, folder):
    """Unpack below folder / "in"; nothing may appear there or outside."""
    inside = folder / "in"
    inside.mkdir(exist_ok=True)
    (folder / "x.zip").write_bytes(content)
    text = fails(unpack, folder / "x.zip", inside / "Emotion6")
    assert text.startswith(f"{folder / 'x.zip'} is ")
    assert names_in(inside) == []
    assert names_in(folder) == ["in", "x.zip"]
    return text


@pytest.mark.parametrize(
    "name",
    ["../evil.jpg", "Emotion6/../../evil.jpg", "..", "/evil.jpg", "//evil/x.jpg", "C:/evil.jpg",
     "C:evil.jpg", "..\\evil.jpg", "Emotion6\\..\\..\\evil.jpg", "\\evil.jpg", "x:stream"],
)  # fmt: skip
def test_an_entry_that_leads_out_of_the_folder(tmp_path, name):
    text = refuse(packed((name, b"evil")), tmp_path)
    assert text.endswith(f"its entry {name!r} is a link or leads out of the folder")


@pytest.mark.parametrize("content", [link(), link("Emotion6/images", "../.."), device()])
def test_links_and_devices(tmp_path, content):
    assert "is a link or leads out of the folder" in refuse(content, tmp_path)


def test_too_many_or_too_large_entries(tmp_path, monkeypatch):
    content = packed(("Emotion6/zeros.jpg", bytes(3_000_000)))
    assert len(content) < 2**20
    monkeypatch.setattr(fetching, "_MOST_GROWTH", 2)
    text = refuse(content, tmp_path)
    assert "2 entries of 3,004,000 bytes are more than an archive of its size should hold" in text
    monkeypatch.setattr(fetching, "_MOST_GROWTH", 4)
    unpack(tmp_path / "x.zip", tmp_path / "fine")
    monkeypatch.setattr(fetching, "_MOST_BYTES", 3_003_999)
    assert "3,004,000 bytes are more than" in refuse_again(tmp_path)
    monkeypatch.setattr(fetching, "_MOST_BYTES", 3_004_000)
    monkeypatch.setattr(fetching, "_MOST_ENTRIES", 1)
    assert "2 entries of " in refuse_again(tmp_path)


def refuse_again(folder):
    return fails(unpack, folder / "x.zip", folder / "again")


def with_size(content, size):
    """Write another size into the directory of an archive, for its last entry."""
    place = content.rindex(b"PK\1\2") + 24
    return content[:place] + struct.pack("<I", size) + content[place + 4 :]


@pytest.mark.parametrize("size", [10, 1000, 3_000_001, 100_000_000])
def test_sizes_that_lie(tmp_path, size):
    honest = packed(("Emotion6/zeros.jpg", bytes(3_000_000)))
    assert with_size(honest, 3_000_000) == honest
    assert "is damaged" in refuse(with_size(honest, size), tmp_path)


def test_encrypted_entries(tmp_path):
    content = bytearray(packed(("Emotion6/secret.jpg", b"secret" * 100)))
    for start, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.rindex(start) + flags] |= 1
    text = refuse(bytes(content), tmp_path)
    assert "its entry 'Emotion6/secret.jpg' is encrypted, or compressed in an unusual way" in text


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression(tmp_path, method):
    assert "compressed in an unusual way" in refuse(packed(method=method), tmp_path)


def test_no_zip_file(tmp_path):
    for content in (b"", b"<html></html>", CONTENT[:5000], packed()[:-30], packed()[100:]):
        assert "is damaged or no zip file" in refuse(content, tmp_path)


def test_damage_anywhere_is_one_sentence_or_harmless(tmp_path):
    """Every byte in turn is changed, in every bit; what then is unpacked is as it was."""
    archive, target = tmp_path / "x.zip", tmp_path / "out" / "Emotion6"
    target.parent.mkdir()
    good = packed(("é.txt", b"hello" * 9))
    refusals = []
    for place in range(len(good)):
        archive.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        try:
            unpack(archive, target)
        except BenchmarkError as error:
            refusals.append(str(error))
        else:
            contents = [path.read_bytes() for path in target.rglob("*") if path.is_file()]
            assert set(contents) <= {b"good" * 1000, b"hello" * 9}
            remove(target.parent, "Emotion6")
        assert names_in(target.parent) == []
    assert len(refusals) > len(good) / 2
    assert "\n" not in "".join(refusals)


def test_a_folder_entry_and_plain_attributes_are_fine(tmp_path):
    old = zipfile.ZipInfo("Emotion6\\old.jpg")
    old.create_system, old.external_attr = 0, 0x20
    (tmp_path / "x.zip").write_bytes(packed(("Emotion6/images/", b""), (old, b"old")))
    unpack(tmp_path / "x.zip", tmp_path / "out")
    assert (tmp_path / "out" / "Emotion6" / "images").is_dir()
    assert (tmp_path / "out" / "Emotion6" / "old.jpg").read_bytes() == b"old"
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o755


def test_a_set_without_an_archive(tmp_path):
    text = fails(fetch, "EmoSet", tmp_path / "data", code=2)
    assert text == (
        "EmoSet has no public archive: ask its authors (Jingyuan Yang, Shenzhen University) for "
        "EmoSet-118K, see https://vcc.tech/EmoSet"
    )
    assert not (tmp_path / "data").exists()
    with pytest.raises(UsageError, match="no image set named 'Emotion7'"):
        fetch("Emotion7", tmp_path)
