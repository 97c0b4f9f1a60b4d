from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError, ProviderUnavailable
from gateway.core.identity import User
from gateway.core.problem import Problem
from gateway.providers.accounts import DEFAULT_FIELDS
from gateway.providers.base import Accepted, Answer, Credentials, Field, NotMine, Rejected
from gateway.providers.build import build_chain
from gateway.providers.chain import Chain
from gateway.providers.users_file import UsersFile
from gateway.settings.model import Settings
from tests.people import ADA, BOB
from tests.providers.counting import BCRYPT, TODAY_HASH, TODAY_KIND, CountingPasswords, posted


@dataclass
class Scripted:
    """A provider that answers as it is told, and counts."""

    id: str
    answer: Answer | Exception = field(default_factory=NotMine)
    fields: tuple[Field, ...] = DEFAULT_FIELDS
    users: Mapping[str, User] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    asked: int = 0
    state: list[str] = field(default_factory=list)
    name: str = "Scripted"

    async def authorize(self, credentials: Credentials) -> Answer:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def find_active(self, user_id: str) -> User | None:
        return None

    async def find(self, user_id: str) -> User | None:
        return self.users.get(user_id)

    async def start(self) -> None:
        self.state.append("started")
        if self.broken:
            raise ConfigError([Problem(key=self.id, what=what) for what in self.broken])

    async def close(self) -> None:
        self.state.append("closed")


OTHER_FORM = (Field(key="token", label="Token", type="password"),)
YES = Accepted(ADA, "second")


async def test_the_first_that_knows_whose_these_are_decides(counting: CountingPasswords):
    first, second, third = Scripted("first"), Scripted("second", YES), Scripted("third", Rejected("no"))
    assert await Chain([first, second, third], counting).authorize("first", posted()) == YES
    assert (first.asked, second.asked, third.asked) == (1, 1, 0)
    assert counting.compared() == []


async def test_the_named_one_is_asked_first_then_the_others_in_order(counting: CountingPasswords):
    no = Rejected("no", "first")
    first, second, third = Scripted("first", no), Scripted("second", YES), Scripted("third")
    assert await Chain([first, second, third], counting).authorize("third", posted()) == no
    assert (first.asked, second.asked, third.asked) == (1, 0, 1)


async def test_a_refusal_is_not_asked_away(counting: CountingPasswords):
    chain = Chain([Scripted("first", Rejected("wrong-password", "first")), Scripted("second", YES)], counting)
    assert await chain.authorize("first", posted()) == Rejected("wrong-password", "first")


async def test_a_provider_with_another_form_is_not_shown_these_credentials(counting: CountingPasswords):
    other = Scripted("other", Accepted(BOB, "other"), fields=OTHER_FORM)
    assert await Chain([Scripted("first"), other], counting).authorize("first", posted()) == Rejected("unknown-user", "first")
    assert other.asked == 0


async def test_no_answer_is_never_passed_over(counting: CountingPasswords):
    second = Scripted("second", YES)
    chain = Chain([Scripted("first", ProviderUnavailable("first")), second], counting)
    with pytest.raises(ProviderUnavailable):
        await chain.authorize("first", posted())
    assert second.asked == 0


async def test_an_unknown_provider_is_a_key_error(counting: CountingPasswords):
    with pytest.raises(KeyError):
        await Chain([Scripted("first")], counting).authorize("other", posted())


@pytest.mark.parametrize("credentials", [posted("nobody"), posted("nobody", None), posted(None)], ids=["unknown", "no-password", "nothing"])
async def test_a_user_that_nobody_knows_costs_one_hash(counting: CountingPasswords, credentials: Credentials):
    chain = Chain([Scripted("first"), Scripted("second")], counting)
    assert await chain.authorize("first", credentials) == Rejected("unknown-user", "first")
    assert counting.compared() == [TODAY_KIND]


async def test_unknown_wrong_and_disabled_cost_the_same_hashes(counting: CountingPasswords, tmp_path: Path):
    """Promise 45, over two files of which one holds old hashes."""
    (tmp_path / "new.toml").write_text(f'[users.ada]\npassword = "{TODAY_HASH}"\n[users.eve]\npassword = "{TODAY_HASH}"\ndisabled = true\n')
    (tmp_path / "old.toml").write_text(f'[users.bob]\npassword = "{BCRYPT}"\n')
    files = [
        UsersFile(id=name, name=name, fields=DEFAULT_FIELDS, file=tmp_path / f"{name}.toml", passwords=counting) for name in ("new", "old")
    ]
    chain = Chain(files, counting)
    await chain.start()
    attempts = [posted("nobody", "x"), posted("ada", "x"), posted("bob", "x"), posted("eve", "x"), posted("eve")]
    costs = []
    for attempt in attempts:
        assert isinstance(await chain.authorize("new", attempt), Rejected)
        costs.append(counting.compared())
    # Only the right password of a disabled user pays for less: its owner knows that the account exists.
    assert costs[:4] == [[TODAY_KIND, "bcrypt:4"]] * 4
    await chain.close()


async def test_a_user_is_found_at_the_first_that_knows_it(counting: CountingPasswords):
    chain = Chain([Scripted("first"), Scripted("second", users={"ada": ADA}), Scripted("third", users={"ada": BOB})], counting)
    assert await chain.find("ada") == (ADA, "second")
    assert await chain.find("nobody") is None


async def test_the_problems_of_all_are_said_at_once_and_nothing_stays_open(counting: CountingPasswords):
    providers = [Scripted("first", broken=("a", "b")), Scripted("second"), Scripted("third", broken=("c",))]
    with pytest.raises(ConfigError) as caught:
        await Chain(providers, counting).start()
    assert [problem.what for problem in caught.value.problems] == ["a", "b", "c"]
    assert [provider.state for provider in providers] == [["started", "closed"]] * 3


# --- from the settings ---


def settings(*providers: dict[str, object]) -> Settings:
    return Settings.model_validate({"providers": providers})


async def test_the_settings_make_the_chain(tmp_path: Path):
    (tmp_path / "users.toml").write_text(f'[users.ada]\npassword = "{TODAY_HASH}"\n')
    own_fields = {
        "username": {"label": "Mail", "type": "email", "placeholder": "you@example.com", "autofocus": True, "maxlength": 9},
        "password": {"type": "password"},
    }
    chain = build_chain(
        settings(
            {"id": "people", "type": "users", "file": str(tmp_path / "users.toml")},
            {"id": "table", "type": "sql", "name": "The table", "url": f"sqlite:///{tmp_path}/users.db", "credentials": own_fields},
            {"id": "own", "type": "python", "authorize": "os.path:basename"},
        )
    )
    people, table, own = chain.providers
    assert [provider.name for provider in (people, table, own)] == ["people", "The table", "own"]
    assert [field.key for field in people.fields] == ["username", "password"]
    mail, password = table.fields
    assert (mail.label, mail.type, mail.attributes) == (
        "Mail",
        "email",
        {"placeholder": "you@example.com", "autofocus": True, "maxlength": 9},
    )
    assert (password.label, password.type) == ("password", "password")
    await chain.start()
    answer = await chain.authorize("people", posted("ada"))
    assert isinstance(answer, Accepted)
    await chain.close()
    await chain.close()


def test_sqlalchemy_is_imported_only_for_a_table(tmp_path: Path):
    code = f"""
import sys
from gateway.providers.build import build_chain
from gateway.settings.model import Settings
users = {{"id": "people", "type": "users", "file": {str(tmp_path / "users.toml")!r}}}
build_chain(Settings.model_validate({{"providers": [users]}}))
heavy = {{"sqlalchemy", "alembic", "passlib.context", "asyncpg", "aiosqlite"}}
print(sorted(heavy & set(sys.modules)))
build_chain(Settings.model_validate({{"providers": [{{"id": "table", "type": "sql"}}]}}))
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['sqlalchemy']"]
