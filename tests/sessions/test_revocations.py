"""The record of sign-outs: in memory, in SQLite, in PostgreSQL and in Valkey the same; and what only the stores promise."""

from __future__ import annotations

import asyncio
import itertools
import socket
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import trustme

from gateway.core.errors import ConfigError
from gateway.core.reason import Reason
from gateway.sessions.cutoff import Cutoff
from gateway.sessions.ledger import FILE_PATIENCE_S, SERVER_PATIENCE_S, Page
from gateway.sessions.revocation import EVERYBODY, MemoryRevocations, Revocations
from gateway.sessions.sql_revocations import HISTORY, MOST_PRUNED, VERSION_TABLE, WAIT_S, SqlLedger
from gateway.sessions.stored_revocations import StoredRevocations
from gateway.sessions.stores import open_session_store, ports_of
from gateway.sessions.valkey_revocations import ValkeyLedger, ValkeyServer
from gateway.store.engine import open_engine
from gateway.store.errors import StoreAway
from gateway.store.tables import Tables
from tests import leaping
from tests.people import ADA, BOB, session_of
from tests.servers import Valkey, valkey
from tests.sessions.stores import STORES, url_of
from tests.tls_front import tls_front

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
KINDS = ("memory", *STORES)
_INSERT = "insert into revocations (seq, sign_in_id, ends_at) values (:seq, :who, :ends)"


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


async def until(holds, seconds: float = 10.0) -> None:
    """Wait for what another task does."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


def _migrations() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HISTORY.scripts))
    config.set_main_option("path_separator", "os")
    return config


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def url(request):
    return await url_of(request.param, request)


@pytest.fixture
async def make(clock):
    """Make and start a record of a URL; None is memory."""
    made: list[Revocations] = []

    async def start(url: str | None) -> Revocations:
        made.append(MemoryRevocations(clock=clock) if url is None else open_session_store(url, clock=clock).revocations)
        await made[-1].start()
        return made[-1]

    yield start
    for one in made:
        await one.close()


@pytest.fixture(params=KINDS)
async def record(request, make):
    """One of each kind."""
    return await make(None if request.param == "memory" else await url_of(request.param, request))


async def test_a_sign_in_is_good_until_it_is_ended_and_no_other_ends_with_it(record):
    assert record.refusal("ada") is None
    await record.revoke("ada", until=LATER)
    assert (record.refusal("ada"), record.refusal("bob")) == (Reason.SESSION_REVOKED, None)


async def test_it_may_be_ended_twice(record):
    await record.revoke("ada", until=LATER)
    await record.revoke("ada", until=LATER)
    assert record.refusal("ada") is Reason.SESSION_REVOKED


async def test_whoever_remembers_sessions_is_told_once(record):
    told = []
    record.watchers.append(lambda ids: told.append(list(ids)))
    await record.revoke("ada", until=LATER)
    await record.revoke("ada", until=LATER)
    assert told == [["ada"]]


async def test_a_cutoff_ends_what_one_user_or_everybody_signed_in_to_before(record):
    """Promise 38."""
    old, new, other = session_of(ADA, now=NOW), session_of(ADA, now=NOW + timedelta(seconds=1)), session_of(BOB, now=NOW)
    told = []
    record.watchers.append(told.append)
    await record.revoke_all({Cutoff(NOW, "ada").entry: LATER})
    assert [record.refusal_of(session) for session in (old, new, other)] == [Reason.SESSION_REVOKED, None, None]
    assert told == [EVERYBODY]
    await record.revoke_all({Cutoff(NOW).entry: LATER})
    assert [record.refusal_of(session) for session in (old, new, other)] == [Reason.SESSION_REVOKED, None, Reason.SESSION_REVOKED]


@pytest.mark.parametrize("cutoff", [Cutoff(NOW), Cutoff(NOW, "ada"), Cutoff(NOW, "a user all * ")])
def test_a_cutoff_is_read_as_it_was_written(cutoff):
    assert Cutoff.of(cutoff.entry) == cutoff


@pytest.mark.parametrize(
    "entry", ["", "before", "before x all", "before 1 ", "before 1 user ", "before 1 all x", "0b5e3c", "before 1e99 all"]
)
def test_the_id_of_a_sign_in_is_no_cutoff(entry):
    assert Cutoff.of(entry) is None


async def test_what_has_ended_by_itself_is_forgotten(clock):
    record = MemoryRevocations(clock=clock)
    await record.revoke("ada", until=LATER)
    clock.now = LATER + timedelta(seconds=1)
    await record.revoke("bob", until=clock.now + timedelta(days=1))
    assert len(record) == 1


async def test_a_cutoff_is_forgotten_when_whoever_it_ended_would_be_too_old_anyway(clock):
    record = MemoryRevocations(clock=clock)
    await record.revoke_all({Cutoff(NOW).entry: LATER, Cutoff(NOW, "ada").entry: LATER + timedelta(days=1)})
    clock.now = LATER + timedelta(seconds=1)
    await record.revoke("bob", until=clock.now + timedelta(days=9))
    old = session_of(ADA, now=NOW), session_of(BOB, now=NOW)
    assert [record.refusal_of(session) for session in old] == [Reason.SESSION_REVOKED, None]
    clock.now = LATER + timedelta(days=2)
    await record.revoke("cyd", until=clock.now + timedelta(days=9))
    assert record._cutoffs == {}


async def test_everybody_is_in_everybody():
    assert "anybody" in EVERYBODY


@pytest.mark.parametrize("url", STORES, indirect=True)
class TestStored:
    async def test_a_restart_forgets_nothing(self, url, make):
        first = await make(url)
        await first.revoke("ada", until=LATER)
        await first.close()
        assert (await make(url)).refusal("ada") is Reason.SESSION_REVOKED

    async def test_another_process_learns_within_seconds_and_tells_its_watchers(self, url, make):
        """Promise 38."""
        here, there = await make(url), await make(url)
        told = []
        there.watchers.append(lambda ids: told.extend(ids))
        await here.revoke("ada", until=LATER)
        await until(lambda: there.refusal("ada"), 5)
        assert told == ["ada"]

    async def test_those_that_have_ended_are_not_read(self, url, make, clock):
        first = await make(url)
        await first.revoke("ada", until=LATER)
        clock.now = LATER + timedelta(hours=2)
        assert (await make(url)).refusal("ada") is None


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
class TestDatabase:
    async def test_a_row_that_was_numbered_early_and_committed_late_is_not_missed(self, url, make, clock):
        here = await make(url)
        await here.revoke("bob", until=LATER)
        ledger = SqlLedger(Tables(url, HISTORY, wait_s=WAIT_S))
        there = StoredRevocations(ledger, clock=clock)
        await there.start()
        engine = open_engine(url)
        async with engine.begin() as connection:
            await connection.execute(sa.text(_INSERT), {"seq": 500, "who": "cyd", "ends": int(LATER.timestamp())})
        await until(lambda: ledger._last == (500, "cyd"))
        async with engine.begin() as connection:
            await connection.execute(sa.text(_INSERT), {"seq": 7, "who": "ada", "ends": int(LATER.timestamp())})
        await engine.dispose()
        await until(lambda: there.refusal("ada"), 5)
        await there.close()

    async def test_who_ends_many_at_once_and_who_ends_one_meanwhile_are_both_heard(self, url):
        """`gateway sessions revoke --all` takes a moment, in which somebody signs out: rows are numbered in the order of their commits."""
        reader, writer, other = (SqlLedger(Tables(url, HISTORY, wait_s=5)) for _ in range(3))
        for ledger in (reader, writer, other):
            await ledger.prepare()
        many = asyncio.create_task(writer.write({f"many-{number}": LATER for number in range(12_000)}, limit_s=30))
        heard: set[str] = set()
        for number in itertools.count():
            await other.write({f"one-{number}": LATER}, limit_s=30)
            heard |= (await reader.read(alive_at=NOW, limit_s=30)).ended.keys()
            if many.done():
                break
        await many
        while (page := await reader.read(alive_at=NOW, limit_s=30)).more or not page.ended.keys() <= heard:
            heard |= page.ended.keys()
        assert len(heard) == 12_000 + number + 1
        for ledger in (reader, writer, other):
            await ledger.close()

    @pytest.mark.parametrize("how", ["delete from revocations", "drop table revocations; drop table signed_in; drop table {version}"])
    async def test_what_it_forgot_is_written_down_again_by_whoever_remembers(self, url, make, how, caplog):
        """A backup was restored, a standby that lacked the last rows took over, or somebody made the database anew."""
        record = await make(url)
        await record.revoke("ada", until=LATER)
        await until(lambda: not record._pending)
        engine = open_engine(url)
        async with engine.begin() as connection:
            for statement in how.format(version=VERSION_TABLE).split("; "):
                await connection.execute(sa.text(statement))
        await engine.dispose()
        await until(lambda: "revocations-lost" in caplog.text)
        await until(lambda: record.available and not record._pending)
        assert (await make(url)).refusal("ada") is Reason.SESSION_REVOKED

    async def test_what_is_over_is_pruned_and_the_newest_stays(self, url, make):
        ledger = SqlLedger(Tables(url, HISTORY, wait_s=WAIT_S))
        await ledger.prepare()
        await ledger.write({"ada": LATER} | {f"over-{number}": NOW for number in range(2 * MOST_PRUNED)} | {"dan": NOW}, limit_s=5)
        await ledger.prune(before=NOW + timedelta(hours=1), limit_s=5)
        left = await ledger.read(alive_at=NOW - timedelta(days=1), limit_s=5)
        await ledger.close()
        assert set(left.ended) == {"ada", "dan"}

    async def test_processes_that_start_together_make_one_table(self, url, make):
        records = await asyncio.gather(*(make(url) for _ in range(4)))
        await records[0].revoke("ada", until=LATER)
        assert records[0].available

    async def test_the_newest_migration_is_the_one_that_is_looked_for(self, url, make):
        from alembic.script import ScriptDirectory

        assert ScriptDirectory.from_config(_migrations()).get_heads() == [HISTORY.head]

    async def test_tables_of_an_older_gateway_are_brought_up_to_date_and_keep_what_they_hold(self, url, make):
        from alembic import command

        old = await make(url)
        await old.revoke("ada", until=LATER)
        await old.close()
        engine = open_engine(url)
        config = _migrations()

        def downgrade(connection: sa.Connection) -> None:
            config.attributes["connection"] = connection
            command.downgrade(config, "0001")

        async with engine.begin() as connection:
            await connection.run_sync(downgrade)
        for record in await asyncio.gather(*(make(url) for _ in range(3))):
            assert (record.available, record.refusal("ada")) == (True, Reason.SESSION_REVOKED)
        async with engine.connect() as connection:
            assert await connection.scalar(sa.text("select count(*) from signed_in")) == 0
        await engine.dispose()


async def test_a_question_to_a_frozen_postgresql_ends_with_its_limit(postgres):
    """It was nine times that: the driver took two seconds to take leave of a server that does not say goodbye."""
    ledger, register = ports_of(await postgres.new_database())
    await ledger.prepare()
    await register.token("ada", limit_s=5)
    postgres.freeze()
    try:
        async with asyncio.timeout(2):
            with pytest.raises(StoreAway):
                await register.token("ada", limit_s=0.25)
    finally:
        postgres.thaw()
        await ledger.close()


class TestValkey:
    @pytest.fixture
    def server(self, valkey_server: Valkey):
        valkey_server.forget()
        return valkey_server

    async def test_what_it_forgot_is_written_down_again_by_whoever_remembers(self, server, make):
        """A server that was restarted without persistence, or failed over to one that lacked the last entries, opens nothing."""
        record = await make(server.url)
        await record.revoke("ada", until=LATER)
        await until(lambda: not record._pending)
        server.forget()
        await until(lambda: record._ledger._last is None)
        await until(lambda: record._ledger._last is not None)
        assert (await make(server.url)).refusal("ada") is Reason.SESSION_REVOKED

    async def test_what_it_lost_before_it_was_read_back_is_written_again(self, server, make):
        record = await make(server.url)
        await record.revoke("ada", until=LATER)
        server.forget()
        await until(lambda: not record._pending)
        assert (await make(server.url)).refusal("ada") is Reason.SESSION_REVOKED

    async def test_it_is_reached_by_a_unix_socket(self, server, make):
        await (await make(f"unix://{server.socket}?db=0")).revoke("ada", until=LATER)
        assert (await make(server.url)).refusal("ada") is Reason.SESSION_REVOKED

    async def test_databases_are_apart(self, server, make):
        await (await make(server.url)).revoke("ada", until=LATER)
        assert (await make(server.url.replace("/0", "/1"))).refusal("ada") is None

    async def test_by_tls_its_certificate_is_checked(self, server, make, tmp_path, unused_tcp_port):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        front = tls_front(unused_tcp_port, ("127.0.0.1", server.port), authority=authority)
        await asyncio.to_thread(front.__enter__)  # it has a loop of its own
        try:
            trusted = await make(f"rediss://localhost:{unused_tcp_port}/0?ssl_ca_certs={tmp_path}/ca.pem")
            await until(lambda: trusted.refusal("ada") is None)
            assert (await make(f"rediss://localhost:{unused_tcp_port}/0")).refusal("ada") is Reason.SESSION_STORE_UNAVAILABLE
            await trusted.close()
        finally:
            await asyncio.to_thread(front.__exit__, None, None, None)

    async def test_one_of_a_cluster_stops_the_start(self, tmp_path, make, unused_tcp_port):
        with (
            valkey(tmp_path, "--cluster-enabled", "yes", "--cluster-port", str(unused_tcp_port)) as server,
            pytest.raises(ConfigError, match="one of a cluster"),
        ):
            await make(server.url)

    async def test_one_that_drops_keys_when_it_is_full_is_named_in_the_log(self, tmp_path, make, caplog):
        with valkey(tmp_path, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server:
            assert (await make(server.url)).refusal("ada") is None
        assert "store-may-forget" in caplog.text
        assert "maxmemory-policy=allkeys-lru cure=noeviction" in caplog.text

    async def test_what_is_over_is_pruned_and_the_newest_stays(self, server, make, clock):
        record = await make(server.url)
        for name, end in (("ada", NOW), ("bob", NOW), ("cyd", LATER), ("dan", NOW)):
            await record.revoke(name, until=end + timedelta(seconds=1))
        ledger = ValkeyLedger(ValkeyServer(server.url))
        await ledger.prepare()
        await ledger.prune(before=NOW + timedelta(hours=1), limit_s=5)
        left = await ledger.read(alive_at=NOW - timedelta(days=1), limit_s=5)
        await ledger.close()
        assert set(left.ended) == {"cyd", "dan"}

    async def test_a_primary_that_was_made_a_replica_is_left_for_the_new_one_behind_the_name(self, server, make, tmp_path):
        """A failover while everything runs: connections that were open lead to the old one still, which refuses to write."""
        name = tmp_path / "name"
        name.symlink_to(server.socket)
        (tmp_path / "new").mkdir()
        with valkey(tmp_path / "new") as new:
            record = await make(f"unix://{name}?db=0")
            await record.revoke("bob", until=LATER)
            await until(lambda: not record._pending)
            new.follow(server)
            await until(lambda: new.entries("gateway:revocations") == 1)
            new.follow(None)
            server.follow(new)
            name.unlink()
            name.symlink_to(new.socket)
            try:
                await record.revoke("ada", until=LATER)
                await until(lambda: not record._pending)
                assert (await make(new.url)).refusal("ada") is Reason.SESSION_REVOKED
            finally:
                server.follow(None)

    async def test_all_that_is_over_is_pruned_however_much_it_is(self, server):
        """More sign-outs in an hour than one page holds would pile up for ever."""
        ledger = ValkeyLedger(ValkeyServer(server.url))
        await ledger.prepare()
        for thousand in range(21):
            await ledger.write({f"{thousand}-{number}": NOW for number in range(1000)}, limit_s=5)
        await ledger.write({"cyd": LATER}, limit_s=5)
        await ledger.prune(before=NOW + timedelta(hours=1), limit_s=5)
        left = await ledger.read(alive_at=NOW - timedelta(days=1), limit_s=5)
        await ledger.close()
        assert set(left.ended) == {"cyd"}

    async def test_an_entry_that_nobody_can_read_is_no_all_clear(self, server, make):
        record = await make(server.url)
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"XADD gateway:revocations * what ever\r\n")
            await until(lambda: record.refusal("ada") is Reason.SESSION_STORE_UNAVAILABLE)
        server.forget()
        await until(lambda: record.refusal("ada") is None)

    async def test_a_wrong_password_stops_the_start(self, server, make):
        with pytest.raises(ConfigError, match=r"store\.url") as caught:
            await make(server.url.replace("127.0.0.1", "gateway:wrong-secret@127.0.0.1"))
        assert "wrong-secret" not in str(caught.value)

    async def test_a_password_that_was_changed_meanwhile_is_said_once_and_not_five_times_a_second(self, tmp_path, make, caplog):
        with valkey(tmp_path) as server:
            record = await make(server.url)
            server._say(b"CONFIG SET requirepass another\r\nCLIENT KILL TYPE normal\r\n")
            await until(lambda: record.refusal("ada") is Reason.SESSION_STORE_UNAVAILABLE, 5)
            await asyncio.sleep(1)
        told = [line for line in caplog.text.splitlines() if "revocations-" in line]
        assert len(told) == 2, told
        assert "error=the server refuses the gateway: AuthenticationError" in told[1]

    @pytest.mark.parametrize("how", ["slow", "gone"])
    async def test_slow_or_gone_it_is_a_503_within_seconds_and_recovers_alone(self, how, tmp_path, make, caplog):
        """The fault matrix."""
        caplog.set_level("INFO")
        with valkey(tmp_path) as server:
            record = await make(server.url)
            await record.revoke("ada", until=LATER)
            (server.freeze if how == "slow" else server.stop)()
            await until(lambda: record.refusal("bob") is Reason.SESSION_STORE_UNAVAILABLE, 4)
            await record.revoke("bob", until=LATER)
            assert (record.refusal("bob"), record.refusal("ada")) == (Reason.SESSION_REVOKED, Reason.SESSION_REVOKED)
            (server.thaw if how == "slow" else server.start)()
            await until(lambda: record.refusal("cyd") is None)
            await until(lambda: not record._pending)
            other = await make(server.url)
            assert (other.refusal("ada"), other.refusal("bob")) == (Reason.SESSION_REVOKED, Reason.SESSION_REVOKED)
        place = f"redis://127.0.0.1:{server.port}/0"
        for line in ("revocations-unavailable", "sign-out-not-stored-yet", "revocations-available"):
            assert f"{line} database={place}" in caplog.text


class ScriptedLedger:
    """Answers, or fails in one of the ways of drivers.

    Attributes:
        how: "answers"; "refuses" at once; "hangs"; "clings": hangs, and takes two more seconds to give up; or seconds that an answer takes.
        patience_s: See `Ledger`.
    """

    place = "scripted"

    def __init__(self, patience_s: float = SERVER_PATIENCE_S) -> None:
        self.how: str | float = "answers"
        self.writes: str | float = "answers"
        self.patience_s = patience_s

    async def prepare(self, *, again: bool = False) -> None:
        pass

    async def read(self, *, alive_at: datetime, limit_s: float) -> Page:
        await self._do(self.how, limit_s)
        return Page({})

    async def write(self, ended, *, limit_s: float) -> None:
        await self._do(self.writes, limit_s)

    async def prune(self, *, before: datetime, limit_s: float) -> None:
        pass

    async def close(self) -> None:
        pass

    async def _do(self, how: str | float, limit_s: float) -> None:
        if how == "refuses":
            raise StoreAway
        try:
            async with asyncio.timeout(limit_s):
                await asyncio.sleep(how if isinstance(how, float) else 0 if how == "answers" else 3600)
        except TimeoutError as error:
            if how == "clings":
                await asyncio.sleep(2)
            raise StoreAway from error


def open_after(ledger: ScriptedLedger, *, since: float, how: str | float, writes: str | float = "answers") -> float | None:
    """When the circuit opens after the last good answer, if the ledger changes its ways some time after it; None if it never does."""

    async def story() -> float | None:
        loop, opened = asyncio.get_running_loop(), []
        record = StoredRevocations(ledger)
        record.watchers.append(lambda heard: opened.append(loop.time()) if heard is EVERYBODY else None)
        await record.start()
        began = loop.time()
        await asyncio.sleep(since)
        ledger.how, ledger.writes = how, writes
        await record.revoke("ada", until=datetime.now(UTC) + timedelta(days=1))
        await asyncio.sleep(20)
        ledger.how = ledger.writes = "answers"
        await asyncio.sleep(10)
        assert record.available
        await record.close()
        return round(opened[0] - began, 2) if opened else None

    return leaping.run(story)


class TestCircuit:
    """The fault matrix: it opens in a second, whichever way the store fails, and recovers alone."""

    @pytest.mark.parametrize("since", [0.01, 0.25, 0.49])
    @pytest.mark.parametrize("how", ["refuses", "hangs", "clings", 0.3])
    def test_it_opens_a_second_after_the_last_answer_of_a_server(self, how, since):
        assert open_after(ScriptedLedger(), since=since, how=how) == 1.0

    @pytest.mark.parametrize("how", [0.2, 0.7])
    def test_a_file_on_a_disk_that_is_merely_slow_opens_none(self, how):
        assert open_after(ScriptedLedger(FILE_PATIENCE_S), since=0.1, how=how) is None

    def test_a_file_that_gives_no_answer_at_all_does_before_a_sign_out_ought_to_be_seen(self):
        """Promise 38: 5 s."""
        assert open_after(ScriptedLedger(FILE_PATIENCE_S), since=0.1, how="hangs") == 3.0

    @pytest.mark.parametrize("writes", ["refuses", "hangs", "clings", 4.0])
    def test_that_nothing_can_be_written_opens_none(self, writes):
        assert open_after(ScriptedLedger(), since=0.1, how="answers", writes=writes) is None

    @pytest.mark.parametrize("url", ["sqlite", "postgresql", "valkey"], indirect=True)
    def test_a_file_is_waited_for_longer_than_a_server(self, url):
        assert ports_of(url)[0].patience_s == (FILE_PATIENCE_S if url.startswith("sqlite") else SERVER_PATIENCE_S)


class TestOutage:
    """The fault matrix: 503, not a sign-in loop, and it recovers alone."""

    async def test_while_it_cannot_be_read_sessions_are_refused_and_then_accepted_again(self, tmp_path, make):
        file = tmp_path / "gateway.db"
        record = await make(f"sqlite:///{file}")
        told = []
        record.watchers.append(told.append)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("begin exclusive")
        await until(lambda: record.refusal("ada"))
        assert record.refusal("ada") is Reason.SESSION_STORE_UNAVAILABLE
        assert told == [EVERYBODY]
        other.execute("rollback")
        await until(lambda: record.refusal("ada") is None)
        other.close()

    async def test_a_sign_out_holds_at_once_and_is_written_when_it_can_be(self, tmp_path, make):
        file = tmp_path / "gateway.db"
        record, there = await make(f"sqlite:///{file}"), await make(f"sqlite:///{file}")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("begin immediate")
        await record.revoke("ada", until=LATER)
        assert record.refusal("ada") is Reason.SESSION_REVOKED
        other.execute("rollback")
        other.close()
        await until(lambda: there.refusal("ada") is Reason.SESSION_REVOKED)

    @pytest.mark.parametrize("put_back", [True, False], ids=["replaced", "removed"])
    async def test_a_file_that_was_replaced_or_removed_is_left_for_the_one_that_lies_there_now(self, tmp_path, make, put_back):
        """`gateway sessions revoke` writes to the new one: a process that kept the old one open would never hear of it."""
        file = tmp_path / "gateway.db"
        record = await make(f"sqlite:///{file}")
        await record.revoke("ada", until=LATER)
        await until(lambda: not record._pending)
        backup = file.read_bytes()
        file.unlink()
        if put_back:
            file.write_bytes(backup)
        other = await make(f"sqlite:///{file}")
        await other.revoke("bob", until=LATER)
        await until(lambda: record.refusal("bob") is Reason.SESSION_REVOKED)
        await until(lambda: other.refusal("ada") is Reason.SESSION_REVOKED)
        await until(lambda: record.available)

    async def test_a_sign_out_that_waits_is_written_before_the_process_ends(self, tmp_path, make):
        file = tmp_path / "gateway.db"
        record = await make(f"sqlite:///{file}")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("begin immediate")
        await record.revoke("ada", until=LATER)
        other.execute("rollback")
        other.close()
        await record.close()
        assert (await make(f"sqlite:///{file}")).refusal("ada") is Reason.SESSION_REVOKED

    async def test_a_database_that_is_not_there_at_the_start_is_waited_for(self, unused_tcp_port, make):
        record = await make(f"postgresql://gateway@127.0.0.1:{unused_tcp_port}/gateway")
        assert record.refusal("ada") is Reason.SESSION_STORE_UNAVAILABLE

    async def test_a_database_that_can_not_be_right_stops_the_start(self, tmp_path, make):
        with pytest.raises(ConfigError, match=r"store\.url"):
            await make(f"sqlite:///{tmp_path}/nowhere/gateway.db")
