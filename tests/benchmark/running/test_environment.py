"""The circumstances of a run (environment): command, versions and log."""

from __future__ import annotations

import json
import logging
import os
import platform
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmark.errors import UsageError
from benchmark.running import environment


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("/a/b/benchmark/__main__.py", "python -m benchmark"),
        ("/usr/bin/ldl-benchmark", "ldl-benchmark"),
    ],
)
def test_the_command_is_as_it_was_given(monkeypatch, program, command):
    monkeypatch.setattr("sys.argv", [program, "run", "My model", "--all"])
    assert environment.command_line() == f"{command} run 'My model' --all"


def test_versions_of_a_networks_result_name_the_backend():
    plain, network = environment.versions(), environment.versions("tensorflow")
    assert plain["python"] == platform.python_version()
    assert plain["numpy"] == np.__version__
    assert "keras" not in plain
    assert network["keras backend"] == "tensorflow"
    assert network["keras"][0].isdigit()
    assert environment.versions("no_such_backend")["no_such_backend"] == "not installed"


def test_the_description_is_json():
    described = json.loads(json.dumps(environment.describe()))
    assert set(described) == {"command", "written", "versions", "machine"}
    assert described["machine"]["cores"] >= 1


def test_the_description_tells_that_deterministic_operations_were_asked_for(monkeypatch):
    assert "LDL_DETERMINISTIC" not in environment.describe()["machine"]
    monkeypatch.setenv("LDL_DETERMINISTIC", "1")
    assert environment.describe()["machine"]["LDL_DETERMINISTIC"] == "1"


def test_the_log_is_appended_to_and_the_logger_put_back(tmp_path):
    logger, path = logging.getLogger("benchmark"), tmp_path / "log.txt"
    before = (logger.level, list(logger.handlers))
    for word in ("first", "second"):
        with environment.log_to(path):
            logger.info("the %s message", word)
    assert (logger.level, logger.handlers) == before
    lines = path.read_text(encoding="utf-8").splitlines()
    start = f"[{os.getpid()}] the "
    assert [line.partition(" INFO ")[2] for line in lines] == [
        f"{start}first message", f"{start}second message",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="cannot write"), environment.log_to(tmp_path):
        pass


def test_messages_of_several_runs_do_not_mix(tmp_path):
    path, length = tmp_path / "log.txt", 50_000

    def write(letter):
        log = environment.LogFile(path, at_once=True)  # each has a file of its own, as a process
        for _ in range(20):
            log.emit(logging.makeLogRecord({"msg": letter * length}))
        log.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, "abcd"))
    lines = path.read_text().splitlines()
    assert len(lines) == 80
    assert {line[-length:] for line in lines} == {letter * length for letter in "abcd"}
