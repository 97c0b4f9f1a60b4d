"""What the configuration will take and the gateway does not obey yet: refused by name, never silently ignored."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.finding import Finding, Tree

PROVIDER_TYPES = frozenset({"htpasswd", "ldap", "http", "oidc"})

_WHAT = "not yet: this comes with a later version"


def take_out_later(tree: Tree) -> Iterator[Finding]:
    """Report and remove what is to come, so that the rest can be judged as if it had not been written."""
    providers = tree.get("providers")
    for index, provider in enumerate(providers if isinstance(providers, list) else ()):
        kind = provider.get("type") if isinstance(provider, dict) else None
        if isinstance(kind, str) and kind in PROVIDER_TYPES:
            assert isinstance(providers, list)
            providers[index] = None  # a gap, so that those behind it keep their number
            yield Finding(path=("providers", index, "type"), what=_WHAT, cure="there are users, sql and python so far")
