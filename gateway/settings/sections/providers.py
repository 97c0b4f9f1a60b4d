"""`[[providers]]`: whose word is taken for who somebody is, and the form that they fill in."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictBool, field_validator

from gateway.settings.section import Section
from gateway.settings.values.database_url import SecretDatabaseUrl
from gateway.settings.values.file_path import FilePath

_NOT_A_TEXT_INPUT = frozenset({"button", "file", "image", "reset", "submit"})


class FieldSettings(Section):
    """One input of the sign-in form. Every further key becomes an attribute of the `<input>`: `placeholder`, `style`, `autocomplete`, ..."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str | StrictBool | int] = Field(init=False)

    label: str | None = Field(default=None, description="What stands beside the input. Default: the key.")
    type: str = Field(default="text", description="The `type` of the input.")

    @field_validator("type")
    @classmethod
    def _takes_text(cls, value: str) -> str:
        if value in _NOT_A_TEXT_INPUT or not re.fullmatch("[a-z-]+", value):
            raise ValueError('an input that takes text has a type such as "text", "password", "email", "tel" or "number"')
        return value


def _user_name_and_password() -> dict[str, FieldSettings]:
    return {
        "username": FieldSettings.model_validate({"label": "Username", "autocomplete": "username", "required": True}),
        "password": FieldSettings.model_validate(
            {"label": "Password", "type": "password", "autocomplete": "current-password", "required": True}
        ),
    }


class ProviderSettings(Section):
    """What every provider has."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")] = Field(
        description="Its name: lower-case letters, digits, `-` and `_`. Addresses and redirect rules use it, so keep it once it is in use."
    )
    name: str | None = Field(default=None, description='What the button says after "Sign in with". Default: the id.')
    credentials: dict[str, FieldSettings] = Field(
        default_factory=_user_name_and_password,
        description="The inputs of its form, in order, each a table. Default: `username` and `password`.",
    )
    messages: dict[str, str] = Field(
        default_factory=dict,
        description="What the page says for a public code of `Rejected(code=...)`: code → sentence. Others get the sentence of a wrong password.",
    )


class UsersProviderSettings(ProviderSettings):
    """A TOML file of users."""

    type: Literal["users"] = Field(description="Users from a file.")
    file: FilePath = Field(description="The file: one table `[users.<name>]` a user. `gateway users add` writes it.")


class SqlProviderSettings(ProviderSettings):
    """A table of users in SQLite or PostgreSQL."""

    type: Literal["sql"] = Field(description="Users from a database.")
    url: SecretDatabaseUrl | None = Field(default=None, description="The database, as in `store.url`. Default: the store's.")


class PythonProviderSettings(ProviderSettings):
    """A function of your own."""

    type: Literal["python"] = Field(description="Users from a Python function.")
    authorize: str = Field(
        description="`module:function`. The folder of the configuration file is on the import path. The function gets the posted fields and the "
        "request, and returns a user or None; it may be async."
    )

    @field_validator("authorize")
    @classmethod
    def _dotted(cls, value: str) -> str:
        if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*", value):
            raise ValueError('a function is written "module:function", for example "my_auth:authorize"')
        return value


AnyProvider = Annotated[UsersProviderSettings | SqlProviderSettings | PythonProviderSettings, Field(discriminator="type")]
