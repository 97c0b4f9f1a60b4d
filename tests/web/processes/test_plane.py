"""A sign-out is heard by all processes, and passed on by the one where it happened only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from gateway.core.identity import Session, User
from gateway.core.reason import Reason
from gateway.sessions.keys import KeyRing
from gateway.settings.model import Settings
from gateway.settings.sections.session import SessionSettings
from gateway.web.processes.plane import Plane

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SESSION = Session(user=User(id="ada"), token_id="t1", sign_in_id="s1", signed_in_at=NOW, issued_at=NOW, expires_at=NOW + timedelta(hours=1))


async def test_a_sign_out_here_is_told_and_one_elsewhere_is_only_heeded():
    told: list[Session] = []
    settings = Settings(session=SessionSettings(secrets=(SecretStr("a-test-secret-that-is-long-enough-for-anybody"),)))
    plane = Plane(settings, on_forget=told.append)
    await plane.start([])
    try:
        gateway = plane.current.gateway
        plane.forget(SESSION)
        assert told == []
        assert gateway.revocations.refusal("s1") is Reason.SESSION_REVOKED
        await gateway.end(SESSION)
        assert told == [SESSION]
    finally:
        await plane.close()


async def test_a_reload_keeps_the_numbers_and_goes_on_telling():
    told: list[Session] = []
    secret = "a-test-secret-that-is-long-enough-for-anybody"
    settings = Settings(session=SessionSettings(secrets=(SecretStr(secret),)))
    plane = Plane(settings, on_forget=told.append)
    await plane.start([])
    try:
        plane.current.gateway.counters.answered(200, None)
        plane.obey(await plane.prepare(settings, KeyRing.of([secret])))
        assert plane.current.gateway.counters.general == {(2, ""): 1}
        await plane.current.gateway.end(SESSION)
        assert told == [SESSION]
        plane.obey(await plane.prepare(settings, KeyRing.of([secret])))
        assert plane.current.gateway.revocations.refusal("s1") is Reason.SESSION_REVOKED
    finally:
        await plane.close()
