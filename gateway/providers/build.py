"""From the settings to a chain of providers. Only what is configured is imported: SQLAlchemy takes longer than everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gateway.providers.accounts import DEFAULT_FIELDS
from gateway.providers.base import Field, Provider
from gateway.providers.chain import Chain
from gateway.providers.passwords import Passwords

if TYPE_CHECKING:
    from gateway.settings.model import Settings
    from gateway.settings.sections.providers import AnyProvider, FieldSettings, SqlProviderSettings


def build_chain(settings: Settings) -> Chain:
    """Make the configured providers; nothing is opened before `Chain.start`."""
    passwords = Passwords(queue=settings.limits.hash_queue, wait_s=settings.limits.hash_wait.total_seconds())
    return Chain([build_provider(entry, settings, passwords) for entry in settings.providers], passwords)


def build_provider(entry: AnyProvider, settings: Settings, passwords: Passwords) -> Provider:
    """Make one provider of its `[[providers]]` entry."""
    name = entry.name or entry.id
    fields = tuple(_field(key, field) for key, field in entry.credentials.items()) or DEFAULT_FIELDS
    if entry.type == "users":
        from gateway.providers.users_file import UsersFile

        return UsersFile(id=entry.id, name=name, fields=fields, file=entry.file, passwords=passwords)
    if entry.type == "sql":
        from gateway.providers.sql import SqlUsers
        from gateway.providers.sql_table import UserTable

        return SqlUsers(
            id=entry.id, name=name, fields=fields, table=UserTable(database_url(entry, settings), entry.id), passwords=passwords
        )
    if entry.type == "python":
        from gateway.providers.python_function import PythonFunction

        return PythonFunction(id=entry.id, name=name, fields=fields, authorize=entry.authorize, folder=settings.folder)
    assert_never(entry)


def database_url(entry: SqlProviderSettings, settings: Settings) -> str:
    """The URL of an entry's database: its own, or the store's."""
    return settings.store.url if entry.url is None else entry.url.get_secret_value()


def _field(key: str, field: FieldSettings) -> Field:
    attributes = {name: value if isinstance(value, (str, bool, int)) else str(value) for name, value in (field.model_extra or {}).items()}
    return Field(key=key, label=key if field.label is None else field.label, type=field.type, attributes=attributes)
