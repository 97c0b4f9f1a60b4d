"""`[[routes]]`: which requests go where, and who may send them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool

from gateway.settings.section import Section
from gateway.settings.values.http_words import Methods
from gateway.settings.values.one_or_list import Texts
from gateway.settings.values.patterns import HostTexts, PathText
from gateway.settings.values.size import ByteSize


class RouteSettings(Section):
    """Which requests go where, and who may send them. The first route that matches decides; where none does, the answer is 404."""

    path: PathText = Field(
        description="`/reports` alone, `/reports/*` one segment below, `/reports/**` it and everything below. Written decoded."
    )
    access: Literal["public", "optional", "signed-in", "deny"] = Field(
        description="`public`: everybody, no identity is passed on. `optional`: everybody, with identity where there is one. `signed-in`: only with a session. "
        "`deny`: nobody."
    )
    name: str | None = Field(default=None, description="What logs and `explain` call it. Default: its position and path.")
    host: HostTexts = Field(
        default=(),
        description="Hosts it is for, `app.example.com` or `*.example.com`, one or a list. Default: every host the gateway answers for.",
    )
    methods: Methods = Field(default=(), description="Methods it is for, in capitals. Default: all.")
    roles: Texts = Field(default=(), description='Only users with one of these roles; needs `access = "signed-in"`.')
    groups: Texts = Field(default=(), description='Only users in one of these groups; needs `access = "signed-in"`.')
    upstream: str | None = Field(
        default=None,
        description="The name of an upstream; needed unless `access` is `deny`, or only proxies ask about the route (`[forward_auth]`).",
    )
    api: StrictBool = Field(
        default=False, description="Clients that don't say what they want get a 401, not a redirect to the sign-in page."
    )
    sign_in_redirect: str | None = Field(
        default=None,
        description="Where a sign-in ends that begins here, instead of at the page that was asked for: a path, or a URL on an allowed origin.",
    )
    encoded_slash: StrictBool = Field(
        default=False,
        description="Let `%2F` in the path pass; the route must match with the slash decoded, too. Otherwise such requests get 400.",
    )
    client_authorization: Literal["keep", "drop"] = Field(
        default="keep",
        description="Whether the client's own `Authorization` goes on to the upstream. An upstream with `authorization` never gets it.",
    )
    accepts: tuple[Literal["session", "bearer", "basic"], ...] = Field(
        default=("session",),
        description="How a client may say who it is: `session`, a browser's cookie; `bearer`, a token of `gateway tokens new`; `basic`, name and password with "
        "each request. [More](machines.md).",
    )
    max_body: ByteSize | None = Field(
        default=None, description="The largest request body; 0 means no limit. Default: `limits.request_body`."
    )
    streaming: StrictBool = Field(
        default=False, description="The answer may be silent for as long as it likes: Server-Sent Events, long polls."
    )
