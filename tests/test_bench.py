"""The bench counts rightly: its arithmetic, its tables, its page, and that both load generators ask the same question."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.bench import docs, ratios
from tests.bench.chart import Bar, svg
from tests.bench.client import Answer, Client, Failed, get
from tests.bench.cpu import Watch
from tests.bench.installed import NotInstalled
from tests.bench.load import HERE, Load
from tests.bench.machine import Cores
from tests.bench.modes import MODES
from tests.bench.peers import PEERS
from tests.bench.place import place
from tests.bench.report import Table, shown
from tests.bench.shape import Shape, requests
from tests.bench.soak import State, kept
from tests.servers import missing

PAGE = docs.PAGE.read_text("utf-8")


def test_a_paired_ratio_compares_within_rounds() -> None:
    ours, theirs = [10.0, 20.0, 10.0], [30.0, 60.0, 40.0]  # the machine was half as fast in the second round
    assert ratios.paired(ours, theirs) == 3.0
    assert ratios.best(ours, theirs) == 3.0


def test_best_against_best_takes_the_cheapest_round_of_each() -> None:
    assert ratios.best([12.0, 10.0], [40.0, 50.0]) == 4.0


def test_rounds_that_are_missing_are_no_ratio() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios.paired([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("share", "expected"), [pytest.param(0.0, 1.0, id="least"), pytest.param(0.5, 3.0, id="median"), pytest.param(0.99, 5.0, id="p99")]
)
def test_percentiles(share: float, expected: float) -> None:
    assert ratios.percentile([5.0, 1.0, 3.0, 2.0, 4.0], share) == expected


def test_a_percentile_of_nothing_is_nothing() -> None:
    assert ratios.percentile([], 0.99) == 0.0


def test_spread_is_the_share_between_the_ends() -> None:
    assert ratios.spread([100.0, 110.0, 104.0]) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("cell", "text"), [("as it is", "as it is"), (3, "3"), (12345, "12 345"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123")]
)
def test_figures_have_three_digits(cell: str | float, text: str) -> None:
    assert shown(cell) == text


TABLE = Table("rotating", "Some", ("target", "µs"), [("one", 1.5), ("two", 20)], ["A note."])


def test_a_table_is_markdown() -> None:
    assert TABLE.markdown() == "### Some\n\n| target | µs |\n| --- | ---: |\n| one | 1.50 |\n| two | 20 |\n\nA note.\n"


def test_the_page_takes_new_tables_and_keeps_the_others() -> None:
    empty = f"before\n{docs.BEGIN}\n\n{docs.END}\nafter\n"
    once = docs.rewritten(empty, [TABLE], "here", list(MODES))
    other = Table("idle", "Other", ("target", "KB"), [("one", 2)])
    both = docs.rewritten(once, [other], "there", list(MODES))
    assert both.startswith("before\n")
    assert both.endswith("\nafter\n")
    assert both.index("### Some") < both.index("*here*") < both.index("### Other") < both.index("*there*")
    assert docs.rewritten(both, [TABLE, other], "here", list(MODES)).count("### ") == 2


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="has no line"):
        docs.rewritten("nothing", [TABLE], "here", list(MODES))


def test_the_page_names_every_peer_and_has_its_markers() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) == set(PEERS) == set(docs.SHORT)
    assert docs.rewritten(PAGE, [], "", list(MODES)) == PAGE


def test_the_picture_is_well_formed_and_its_bars_are_in_proportion() -> None:
    root = ET.fromstring(svg("Title & all", "a note", [Bar("ours", 100.0, ours=True), Bar("<theirs>", 50.0)]))
    widths = [float(bar.attrib["width"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect") if bar.get("class") in ("ours", "bar")]
    assert widths[0] == pytest.approx(2 * widths[1])


@pytest.mark.parametrize(
    ("after", "said"),
    [
        pytest.param(State(1, 41, 52.4, 9.0), [], id="within"),
        pytest.param(State(1, 43, 50.0, 9.0), ["descriptors: 40 before, 43 after"], id="descriptors"),
        pytest.param(State(1, 40, 52.6, 9.0), ["memory: 50.0 MB before, 52.6 MB after"], id="memory"),
        pytest.param(State(2, 40, 50.0, 9.0), ["processes: 1 before, 2 after"], id="processes"),
    ],
)
def test_what_a_soak_kept_is_said(after: State, said: list[str]) -> None:
    assert kept(State(1, 40, 50.0, 1.0), after) == said


def test_work_of_others_is_told_from_that_of_the_target() -> None:
    worker = subprocess.Popen(["sh", "-c", "read go; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; read end"], stdin=subprocess.PIPE)
    try:
        assert worker.stdin is not None
        with Watch(worker.pid, ours=(), cores=Cores("", "").watched) as watch:
            worker.stdin.write(b"go\n")
            worker.stdin.flush()
            while _state(worker.pid) != "S" or watch._look()[0].all_s < 0.05:
                pass
        assert watch.spent.all_s >= 0.05
        assert watch.other >= 0.0
    finally:
        worker.kill()
        worker.communicate()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


SHAPES = [
    pytest.param(Shape(), id="rotating"),
    pytest.param(Shape(rotating=False), id="fixed"),
    pytest.param(Shape(areas=100, path="/items"), id="areas"),
    pytest.param(Shape(rotating=False, upload=10, path="/app/upload"), id="upload"),
    pytest.param(Shape(fresh=True), id="fresh"),
    pytest.param(Shape(asks=True), id="questions"),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_wrk_and_our_own_generator_ask_the_same(shape: Shape, tmp_path: Path) -> None:
    if (wrk := shutil.which("wrk")) is None:
        missing("wrk is not installed (on Debian: apt-get install wrk)")
        return
    cookies = ["session=one", "session=two"]
    (tmp_path / "cookies").write_text("session=one\nsession=two\n")
    asked = [
        f"{shape.rotating:d}",
        str(shape.areas),
        f"{shape.fresh:d}",
        str(shape.upload),
        shape.path,
        str(tmp_path / "cookies"),
        f"{shape.asks:d}",
    ]

    async def heard() -> tuple[int, list[bytes]]:
        seen: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while len(seen) < 4 and not reader.at_eof():
                head = await reader.readuntil(b"\r\n\r\n")
                seen.append(head + await reader.readexactly(shape.upload))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                await reader.read(1)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        options = ["-t1", "-c1", "-d1s", "-s", str(HERE / "load.lua"), f"http://127.0.0.1:{port}/", "--", *asked]
        ran = await asyncio.create_subprocess_exec(wrk, *options, stdout=subprocess.PIPE)
        await ran.communicate()
        server.close()
        return port, seen

    port, seen = asyncio.run(heard())
    ours = requests(port, cookies, shape, 0)
    next(ours)  # wrk asks its script once before it starts
    trace = re.compile(rb"(?<=4bf92f3577b34da6)[0-9a-f]{8}")  # the number of the run
    told = [sorted(trace.sub(b"", request).split(b"\r\n")) for request in seen]
    assert told == [sorted(trace.sub(b"", next(ours)).split(b"\r\n")) for _ in seen]
    assert len(told) == 4


@pytest.mark.parametrize("wrk", [True, False], ids=["wrk", "our-own-generator"])
def test_load_counts_what_it_sends(wrk: bool, tmp_path: Path) -> None:
    found = shutil.which("wrk") if wrk else None
    if wrk and found is None:
        missing("wrk is not installed (on Debian: apt-get install wrk)")
    try:
        with place(pinned=False) as at:
            load = Load(at.cores, tmp_path, wrk=found)
            good = load.run(at.upstream, ["session=one"], Shape(), connections=2, seconds=1)
            bad = load.run(
                at.upstream, ["session=one"], Shape(path="/app/big/not", rotating=False, upload=2_000_000), connections=1, seconds=1
            )
    except NotInstalled as why:
        missing(str(why))
    assert good.bad == 0
    assert good.requests > 0
    assert good.bytes > good.requests * 1024
    assert 0 < good.p50_ms <= good.p99_ms
    assert bad.bad == bad.requests > 0, "413: too large for the upstream"


ANSWERS = [
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", (200, b"abc", True), id="length"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", (200, b"abc", True), id="chunked"
    ),
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\nabc", (200, b"abc", False), id="until-the-end"),
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"", True), id="none"),
    pytest.param(b"HTTP/1.1 502 Bad\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", (502, b"x", False), id="last"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", None, id="cut-short"),
    pytest.param(b"HTTP/1.1 200", None, id="half-a-head"),
]


@pytest.mark.parametrize("piece", [1, 1000], ids=["byte-by-byte", "at-once"])
@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
async def test_the_client_reads_answers_whole(answer: bytes, expected: tuple[int, bytes, bool] | None, piece: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for start in range(0, len(answer), piece):
            writer.write(answer[start : start + piece])
            await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = Client(server.sockets[0].getsockname()[1], keep_body=True)
    try:
        got: Answer | None = await client.ask(get("/", 80))
    except Failed:
        got = None
    client.close()
    server.close()
    assert (None if got is None else (got.status, got.body, got.kept)) == expected
