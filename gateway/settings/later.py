"""Keys that the configuration will have and the gateway does not obey yet: refused by name, never silently ignored."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.finding import Finding, Path, Tree, value_at

#: Whole keys, and what they are for.
KEYS: dict[Path, str] = {}
#: Values of keys that are there, and what is accepted so far.
VALUES: dict[Path, tuple[frozenset[object], str]] = {
    ("session", "strategy"): (frozenset({"server"}), 'only "jwt" is there so far'),
}
PROVIDER_TYPES = frozenset({"htpasswd", "ldap", "http", "oidc"})

_WHAT = "not yet: this comes with a later version"


def take_out_later(tree: Tree) -> Iterator[Finding]:
    """Report and remove what is to come, so that the rest can be judged as if it had not been written."""
    for path, purpose in KEYS.items():
        if value_at(tree, path) is not None:
            _remove(tree, path)
            yield Finding(path=path, what=f"{_WHAT} ({purpose})", cure="leave it out until then", on_key=True)
    for path, (values, cure) in VALUES.items():
        value = value_at(tree, path)
        if isinstance(value, str) and value in values:
            _remove(tree, path)
            yield Finding(path=path, what=_WHAT, cure=cure)
    yield from _providers(tree)


def _providers(tree: Tree) -> Iterator[Finding]:
    providers = tree.get("providers")
    for index, provider in enumerate(providers if isinstance(providers, list) else ()):
        kind = provider.get("type") if isinstance(provider, dict) else None
        if isinstance(kind, str) and kind in PROVIDER_TYPES:
            assert isinstance(providers, list)
            providers[index] = None  # a gap, so that those behind it keep their number
            yield Finding(path=("providers", index, "type"), what=_WHAT, cure="there are users, sql and python so far")


def _remove(tree: Tree, path: Path) -> None:
    table = value_at(tree, path[:-1]) if len(path) > 1 else tree
    if isinstance(table, dict):
        table.pop(path[-1], None)
