"""Hashes made by other programs, and a `Passwords` that counts what is computed: cost is counted, never timed."""

from __future__ import annotations

from gateway.providers.base import Credentials
from gateway.providers.passwords import Passwords

PASSWORD = "correct horse"
TODAY_KIND = "argon2:id/19/19456/2/1"

#: Hashes of `PASSWORD`. Made with: argon2-cffi, bcrypt, perl's crypt(3), `openssl passwd`, hashlib.
TODAY_HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$sDq4SJydHwxWnLTlXqq5ZzNDfmXrJUlaeTohxQaFrio"
OLD_HASHES = {
    "argon2:id/19/64/1/1": "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$Kw3/ZjLNvvrvmWv7DSmJdvIaVuO5yzpUAyMmNiCnHLI",
    "argon2:i/19/8/1/1": "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$/Lu4KVzJeX6AiYfff54SmAKGDHR+jOKun+HITaxdVNM",
    "bcrypt:4": "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "bcrypt:5": "$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
    "apr_md5_crypt:0": "$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/",
    "sha256_crypt:5000": "$5$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB",
    "sha512_crypt:5000": "$6$abcdefgh$yIZAF3gQPvtKZO/9qOJKffAKKbtS3ef3qmwyugk4uWVjX8YZf/GV3A8SkFxEPY0T56CcilGrHKLffBsp6dLMG.",
    "des_crypt:0": "abhfCpXqd4GrI",
    "ldap_sha1:0": "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
    "ldap_salted_sha1:0": "{SSHA}awc/Cj0kafyFd5d8fGn07xoHBJJzYWx0c2FsdA==",
    "pbkdf2_sha256:1000": "$pbkdf2-sha256$1000$c2FsdHNhbHRzYWx0$F7o7.5VTVzFAO998X6s3AHrDsJVdMiIlgndIMe19NvY",
    "django_pbkdf2_sha256:1000": "pbkdf2_sha256$1000$saltsaltsalt$F7o7+5VTVzFAO998X6s3AHrDsJVdMiIlgndIMe19NvY=",
}
BCRYPT = OLD_HASHES["bcrypt:4"]


def posted(username: str | None = "ada", password: str | None = PASSWORD, **more: str) -> Credentials:
    """What a form posts."""
    fields = {"username": username, "password": password, **more}
    return Credentials(fields={key: value for key, value in fields.items() if value is not None})


class CountingPasswords(Passwords):
    """The real thing, with a list of the kinds of hash that were compared with."""

    def __init__(self) -> None:
        super().__init__()
        self._compared: list[str] = []

    def _compare(self, secret: bytes, stored: str, kind: str) -> bool:
        self._compared.append(kind)
        return super()._compare(secret, stored, kind)

    def compared(self) -> list[str]:
        """The kinds compared with since this was asked last, sorted."""
        compared, self._compared = sorted(self._compared), []
        return compared
