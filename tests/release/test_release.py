"""What `make release` writes, and what the Dockerfiles and the citation have to hold."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from pathlib import Path

import pytest
import release

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILES = ("Dockerfile", "Dockerfile.gpu")
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A line.\n\n## 0.1.0\n\n- The first.\n"


def test_the_changelog_gets_version_and_date():
    written = release.dated(CHANGELOG, "0.2.0", "2026-12-01")
    start = "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n\n### Added\n"
    assert written.startswith(start)
    assert written.replace("\n## 0.2.0 - 2026-12-01\n", "", 1) == CHANGELOG
    with pytest.raises(release.Failed, match="nothing under ## Unreleased"):
        release.dated(written, "0.3.0", "2026-12-02")
    with pytest.raises(release.Failed, match=r"0\.1\.0 already"):
        release.dated(CHANGELOG, "0.1.0", "2026-12-01")


def test_version_and_date_are_written_once_each_where_they_stand(tmp_path, monkeypatch):
    for name in ("CHANGELOG.md", "pyproject.toml", "CITATION.cff"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    monkeypatch.setattr(release, "ROOT", tmp_path)
    before = release.write_version("9.8.7", "2030-01-02")
    after = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    assert after["project"].pop("version") == "9.8.7"
    was = tomllib.loads(before[tmp_path / "pyproject.toml"])
    del was["project"]["version"]
    assert after == was
    citation = (tmp_path / "CITATION.cff").read_text()
    assert re.findall(r"(?m)^(?:version|date-released): .*$", citation) == [
        "version: 9.8.7", "date-released: 2030-01-02",
    ]  # fmt: skip
    assert "## 9.8.7 - 2030-01-02\n" in (tmp_path / "CHANGELOG.md").read_text()
    with pytest.raises(release.Failed, match="no version"):
        release.write_version("next", "2030-01-02")


def test_the_citation_has_the_version_of_the_project():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


def test_a_file_that_the_wheel_lacks_is_found(tmp_path, monkeypatch):
    import zipfile

    wheel = tmp_path / "made.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("features/a.py", "")
        file.writestr("benchmark/reference/data/sets.csv", "")
        file.writestr("made.dist-info/METADATA", "")
    tracked = [
        "features/a.py\nfeatures/b.py\nbenchmark/reference/data\n",
        "results/reference/sets.csv",
    ]
    monkeypatch.setattr(release, "call", lambda *_: tracked.pop(0))
    with pytest.raises(release.Failed, match=r"differ in features/b\.py$"):
        release.refuse_forgotten(wheel)


def instructions(name):
    """The lines of a Dockerfile as pairs of an instruction and the rest."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / name).read_text()).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_are_small_and_run_without_root(name):
    """The rules that hadolint and `make dist` hold them to as well."""
    lines = instructions(name)
    bases = [rest.split()[0] for word, rest in lines if word == "FROM"]
    assert all(re.fullmatch(r"python:\d+\.\d+-slim-\w+", base) for base in bases)
    assert len(bases) == 2  # what builds is not in what runs
    users = [rest for word, rest in lines if word == "USER"]
    assert [int(user) > 0 for user in users] == [True]
    started = [word for word, _ in lines]
    assert started.index("USER") < started.index("ENTRYPOINT")
    assert "RUN" not in started[started.index("USER") :]
    for word, rest in lines:
        if word == "RUN" and "pip install" in rest:
            assert "--no-cache-dir" in rest
            assert "--constraint constraints.txt" in rest


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_an_image_copies_is_sent_to_the_builder_and_is_enough(name):
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in lines if line.startswith("!")]
    copied = [
        source for word, rest in instructions(name) if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]  # fmt: skip
    assert sorted(copied) == sorted(sent)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = ["pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]]
    assert set(copied) >= {*needed, *release.PACKAGES, "results/reference", "constraints.txt"}
    included = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert all(any(fnmatch.fnmatch(p, pattern) for pattern in included) for p in release.PACKAGES)
