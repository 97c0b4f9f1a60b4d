"""What `Authorization` an upstream gets instead of the client's: for apps that take a login in no other way."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

from gateway.core.headers import ValueRefused
from gateway.core.identity import User

# RFC 7617 2: a colon would end the user's id, and control characters have no place.
_NOT_IN_A_USER_ID = re.compile(r"[:\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Basic:
    """`Basic` (RFC 7617): the user's id, and one password for everybody, which the app knows or does not look at."""

    password: str = field(repr=False)

    def value(self, user: User) -> str:
        """The value of the header.

        Raises:
            ValueRefused: The user's id can't stand there.
        """
        if _NOT_IN_A_USER_ID.search(user.id):
            raise ValueRefused("a user id with a colon or a control character can't be told in Authorization: Basic")
        try:
            return f"Basic {base64.b64encode(f'{user.id}:{self.password}'.encode()).decode('ascii')}"
        except UnicodeEncodeError as error:
            raise ValueRefused("the user id holds half a character") from error


@dataclass(frozen=True, slots=True)
class Bearer:
    """`Bearer` (RFC 6750): the signed assertion."""


Authorization = Basic | Bearer
