"""Providers: names of their own, and forms that can be posted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.settings.finding import Finding
from gateway.settings.model import Settings
from gateway.settings.sections.providers import PythonProviderSettings, SqlProviderSettings
from gateway.settings.values.database_url import is_in_memory

#: What the form posts beside the fields, as Auth.js names it, and our sealed return target.
RESERVED = frozenset({"csrfToken", "callbackUrl", "returnTo", "json", "redirect"})
#: Attributes that the form sets itself, or that would let a configuration value run a script or post elsewhere.
TAKEN = frozenset({"id", "name", "form", "formaction", "formenctype", "formmethod", "formtarget", "src", "srcset", "href", "nonce"})
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9-]*\Z")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")


def check_providers(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the providers."""
    ids = [provider.id for provider in settings.providers]
    for index, provider in enumerate(settings.providers):
        path = ("providers", index)
        if provider.id in ids[:index]:
            yield Finding(path=(*path, "id"), what=f"there is another provider {provider.id!r}", cure="give each an id of its own")
        if isinstance(provider, SqlProviderSettings) and provider.url is None and not settings.store.is_database:
            what, cure = "its users would be in the store, and Redis keeps none", "give it a `url`: SQLite or PostgreSQL"
            yield Finding(path=(*path, "type"), what=what, cure=cure)
        elif isinstance(provider, SqlProviderSettings) and is_in_memory(
            settings.store.url if provider.url is None else provider.url.get_secret_value()
        ):
            what = "its users would be in memory alone, where nobody could be added"
            yield Finding(
                path=(*path, "url" if provider.url else "type"), what=what, cure='name a file, for example "sqlite:///gateway.db"'
            )
        fields = (*path, "credentials")
        if not provider.credentials:
            yield Finding(
                path=fields, what="there is no input to sign in with", cure="declare at least one, or leave the table out", on_key=True
            )
        for key, field in provider.credentials.items():
            for name in field.model_extra or {}:
                if not _ATTRIBUTE.match(name) or name in TAKEN or name.startswith("on"):
                    what = "no input may have this attribute: the form sets it itself, or it could run a script"
                    yield Finding(path=(*fields, key, name), what=what, cure="leave it out", on_key=True)
            if key in RESERVED:
                yield Finding(
                    path=(*fields, key), what=f"the form itself posts a field {key!r}", cure="call the input something else", on_key=True
                )
            elif not _KEY.match(key):
                yield Finding(path=(*fields, key), what="it is no name for an input", cure="use letters, digits, _ - and .", on_key=True)
        most = settings.limits.sign_in_fields - len(RESERVED)
        if len(provider.credentials) > most:
            yield Finding(
                path=fields, what=f"there are more than {most} inputs", cure="declare fewer, or raise limits.sign_in_fields", on_key=True
            )
        needed = {"username", "password"}
        if provider.credentials and not isinstance(provider, PythonProviderSettings) and not needed <= provider.credentials.keys():
            missing = " and ".join(sorted(needed - provider.credentials.keys(), reverse=True))
            yield Finding(
                path=fields,
                what=f"a provider of this type reads `username` and `password`, and there is no {missing}",
                cure="declare both, under these keys; the label may say anything",
                on_key=True,
            )
