"""`[limits]`: how much, how long, how many. What happens beyond each is said beside it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, Strict

from gateway.settings.section import Section
from gateway.settings.values.duration import Duration, Span, at_least
from gateway.settings.values.size import ByteSize, Room

Count = Annotated[int, Strict(), Field(ge=1)]


class LimitSettings(Section):
    """How much, how long, how many. The defaults suit a public gateway; raise one when something real runs into it."""

    request_line: Room = Field(default=8190, description="The longest request line. Over it: 414.")
    header_field: Room = Field(default=8190, description="The longest single request header, name and value. Over it: 431.")
    header_count: Count = Field(default=100, description="The most request headers. Over it: 431.")
    request_head: Room = Field(default=32 * 1024, description="The largest request head in all. Over it: 431.")
    request_head_timeout: Span = Field(
        default=timedelta(seconds=10),
        description="From the connection, or a request's first byte, to the end of its head. Over it: 408 or close.",
    )
    request_body_idle: Span = Field(
        default=timedelta(seconds=30), description="The longest silence inside a request body. Over it: 408, close."
    )
    request_body: ByteSize = Field(
        default=100 * 1024 * 1024,
        description="The largest proxied request body where a route says nothing; 0 means no limit. Over it: 413.",
    )
    sign_in_body: Room = Field(default=16 * 1024, description="The largest body posted to the gateway itself. Over it: 413.")
    sign_in_body_timeout: Span = Field(default=timedelta(seconds=10), description="The whole time for such a body. Over it: 408.")
    sign_in_fields: Count = Field(default=32, description="The most fields in such a body. Over it: 400.")
    user_name: Room = Field(default=256, description="The longest user name, in bytes of UTF-8. Over it: the sign-in fails.")
    password: Room = Field(default=1024, description="The longest password, in bytes of UTF-8. Over it: the sign-in fails without hashing.")
    callback_url: Room = Field(default=2048, description="The longest `callbackUrl`. Over it: the default target is used.")
    kept_form: ByteSize = Field(
        default=2048,
        description="The largest form that is kept, sealed in a cookie, while its sender signs in, and then offered once more; 0: none is. "
        "Over it: it has to be filled in again.",
    )
    keep_alive: Span = Field(default=timedelta(seconds=75), description="How long an idle client connection stays open.")
    requests_per_connection: Count = Field(
        default=10_000, description="How many requests one client connection may carry; then it is closed."
    )
    client_write_idle: Span = Field(
        default=timedelta(seconds=60), description="How long a client may read nothing of its answer. Over it: reset."
    )
    connections: Count = Field(default=10_000, description="The most client connections at once. Over it: 503.")
    connections_per_address: Count = Field(
        default=256, description="The most client connections of one address at once; listed proxies are not counted. Over it: 503."
    )
    buffer: Room = Field(default=256 * 1024, description="What is held in memory for one connection, each way. Over it: reading pauses.")
    upstream_connect: Span = Field(default=timedelta(seconds=5), description="How long connecting to an upstream may take. Over it: 502.")
    upstream_response_head: Span = Field(
        default=timedelta(seconds=60),
        description="From the end of the request to the end of the response head; routes with `streaming` wait on. Over it: 504.",
    )
    upstream_body_idle: Span = Field(
        default=timedelta(seconds=60),
        description="The longest silence inside a response body; routes with `streaming` wait on. Over it: cut off.",
    )
    upstream_head: Room = Field(default=64 * 1024, description="The largest response head. Over it: 502.")
    upstream_header_field: Room = Field(default=32 * 1024, description="The longest single response header. Over it: 502.")
    upstream_connections: Count = Field(default=256, description="The most connections to one upstream. Over it: requests wait in order.")
    upstream_idle: Span = Field(
        default=timedelta(seconds=10), description="How long an idle upstream connection is kept; should be below the upstream's own."
    )
    upstream_wait: Span = Field(
        default=timedelta(seconds=1), description="How long a request waits for a free upstream connection. Over it: 503."
    )
    websocket_idle: Span = Field(
        default=timedelta(seconds=300),
        description="How long a WebSocket may be silent both ways, answers to the gateway's pings included. Over it: closed.",
    )
    failed_sign_ins_per_address: Count = Field(
        default=10, description="Failed sign-ins of one address (IPv6: one /64) within the window. Over it: 429 with Retry-After."
    )
    failed_sign_ins_window: Span = Field(default=timedelta(minutes=5), description="That window.")
    failed_sign_ins_per_account: Count = Field(
        default=20, description="Failed sign-ins on one user name within its window. Over it: answers are delayed; never a lock."
    )
    failed_sign_ins_account_window: Span = Field(default=timedelta(minutes=15), description="That window.")
    hash_queue: Count = Field(default=16, description="Sign-ins that may wait for password hashing. Over it: 503 with Retry-After.")
    hash_wait: Span = Field(default=timedelta(seconds=5), description="How long one may wait there. Over it: 503 with Retry-After.")
    pre_stop_delay: Duration = Field(
        default=timedelta(0),
        description="How long to go on as before after SIGTERM, while `/readyz` says 503: for a load balancer that must notice first.",
    )
    worker_timeout: Annotated[Span, at_least(timedelta(seconds=5))] = Field(
        default=timedelta(seconds=30),
        description="How long one of several workers may give no sign of life, 5 seconds at least; it gives one every second. Over it: killed, and replaced.",
    )
    drain: Span = Field(default=timedelta(seconds=30), description="How long requests in flight may take after SIGTERM. Over it: cut off.")
