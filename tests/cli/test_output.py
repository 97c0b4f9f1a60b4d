from __future__ import annotations

import logging
import os
import re
import subprocess
import sys

import pytest

from gateway.cli.logs import MAX_LINE, OneLine
from gateway.cli.output import plain, print_table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Ada Lovelace, café", "Ada Lovelace, café", id="words-stay"),
        pytest.param("\x1b[31m", "\\u001b[31m", id="escape"),
        pytest.param("a\nb\r\x00", "a\\u000ab\\u000d\\u0000", id="lines"),
        pytest.param("\x9b1m\x7f", "\\u009b1m\\u007f", id="c1-and-delete"),
        pytest.param("\u202eevil\u2066", "\\u202eevil\\u2066", id="direction-marks"),
        pytest.param("\ud800", "\\ud800", id="half-a-character"),
    ],
)
def test_a_value_is_shown_without_its_control_characters(text, shown):
    assert plain(text) == shown


def test_a_table_is_as_wide_as_its_cells_and_holds_no_control_character(capsys):
    print_table(("ID", "WHO", ""), [("1", "Ada\n", ""), ("22", "", "off")])
    assert capsys.readouterr().out == "ID  WHO\n1   Ada\\u000a\n22             off\n"


def record(message, *, exc_info=None):
    return logging.LogRecord("gateway.web", logging.INFO, "file.py", 1, message, (), exc_info)


def test_an_event_is_one_line():  # promise 64
    line = OneLine().format(record("one\ntwo\r\x1b[0m\u2028"))
    assert line.endswith("Z INFO gateway.web one\\ntwo\\r\\u001b[0m\\u2028")
    assert len(line.splitlines()) == 1


def test_a_traceback_is_in_the_same_line():  # promise 64
    try:
        raise ValueError("what")
    except ValueError:
        line = OneLine().format(record("failed", exc_info=sys.exc_info()))
    assert len(line.splitlines()) == 1
    assert line.endswith("ValueError: what")


def test_a_line_has_an_end():  # promise 64
    assert len(OneLine().format(record("é" * MAX_LINE)).encode()) <= MAX_LINE


PROBE = """
import logging, sys, threading, time
from gateway.cli.logs import logging_to_stderr
with logging_to_stderr():
    log = logging.getLogger("gateway.x")
    started = time.monotonic()
    for number in range(30_000):
        log.info("line %d " + "x" * 100, number)
    print("logged", flush=True)
    sys.stdin.readline()
"""


def test_a_log_pipe_that_nobody_reads_stops_nothing_and_is_counted(tmp_path):
    """The fault matrix: log pipe blocked, serving goes on, lines are dropped and counted."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROBE], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "logged\n", "all lines were logged while the pipe was full"
        _, errors = process.communicate("\n", timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    kept = sum(" INFO gateway.x line " in line for line in errors.splitlines())
    assert sum(map(int, re.findall(r"WARNING gateway\.cli\.logs log-lines-dropped count=(\d+)$", errors, re.MULTILINE))) == 30_000 - kept


def test_a_log_pipe_that_is_never_read_does_not_keep_the_process(tmp_path):
    read, write = os.pipe()
    try:
        ended = subprocess.run(
            [sys.executable, "-c", PROBE], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=write, timeout=60
        )
    finally:
        os.close(write)
        os.close(read)
    assert (ended.returncode, ended.stdout) == (0, b"logged\n")


def test_a_log_pipe_that_is_closed_stops_nothing(tmp_path):
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", PROBE], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=write, timeout=60
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stdout) == (0, b"logged\n")
