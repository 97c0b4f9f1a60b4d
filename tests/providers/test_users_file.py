from __future__ import annotations

import asyncio
import os
import stat
import tomllib
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.providers.accounts import DEFAULT_FIELDS
from gateway.providers.base import Accepted, NotMine, Rejected
from gateway.providers.file_directory import FileDirectory, read_accounts
from gateway.providers.passwords import TODAY, Passwords
from gateway.providers.users_file import UsersFile
from tests.providers.counting import BCRYPT, OLD_HASHES, PASSWORD, TODAY_HASH, TODAY_KIND, CountingPasswords, posted


def text_of(password: str = TODAY_HASH, *, more: str = "") -> str:
    return f'# mine\n[users.ada]\npassword = "{password}" # hers\n{more}'


def made(file: Path, passwords: Passwords) -> UsersFile:
    return UsersFile(id="people", name="People", fields=DEFAULT_FIELDS, file=file, passwords=passwords)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.toml"


async def started(file: Path, passwords: Passwords, text: str) -> UsersFile:
    file.write_text(text)
    users = made(file, passwords)
    await users.start()
    return users


async def test_the_id_is_the_name_unless_another_is_given(file: Path, passwords: Passwords):
    users = await started(file, passwords, text_of(more='id = 7\n[users.bob]\npassword = "' + TODAY_HASH + '"\n'))
    answer = await users.authorize(posted("ada"))
    assert isinstance(answer, Accepted)
    assert answer.user.id == "7"
    assert (await users.find("7")) == answer.user
    assert (await users.find("ada")) == answer.user
    bob = await users.find("bob")
    assert bob is not None
    assert bob.id == "bob"


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        pytest.param("[users.ada]\nname = 'Ada'\n", "users.ada.password", 1, id="no-password"),
        pytest.param("[users.ada]\npassword = 'plain text'\n", "users.ada.password", 2, id="plain-password"),
        pytest.param("[users.ada]\npassword = 1\n", "users.ada.password", 2, id="password-is-a-number"),
        pytest.param(text_of(more="disabled = 'no'\n"), "users.ada.disabled", 4, id="disabled-is-text"),
        pytest.param(text_of(more="roles = 'admin'\n"), "users.ada.roles", 4, id="roles-are-text"),
        pytest.param(text_of(more="groups = [1]\n"), "users.ada.groups", 4, id="a-group-is-a-number"),
        pytest.param(text_of(more="email = true\n"), "users.ada.email", 4, id="email-is-true"),
        pytest.param(text_of(more="id = ''\n"), "users.ada.id", 4, id="empty-id"),
        pytest.param(text_of(more="exp = 1\n"), "users.ada.exp", 4, id="reserved-claim"),
        pytest.param(text_of(more="born = 1815-12-10\n"), "users.ada.born", 4, id="claim-that-json-lacks"),
        pytest.param(text_of(more="weight = inf\n"), "users.ada.weight", 4, id="claim-that-is-endless"),
        pytest.param("[user.ada]\npassword = 'x'\n", "user", 0, id="misspelt-table"),
        pytest.param("users = 1\n", "users", 1, id="users-is-a-number"),
        pytest.param("[users]\nada = 1\n", "users.ada", 2, id="user-is-a-number"),
        pytest.param("[users.ada\n", "users", 0, id="no-toml"),
        pytest.param(text_of(more=f"[users.bob]\npassword = '{TODAY_HASH}'\nid = 'ada'\n"), "users.bob.id", 6, id="id-of-another"),
    ],
)
async def test_a_mistake_is_named_with_its_place(file: Path, passwords: Passwords, text: str, key: str, line: int):
    with pytest.raises(ConfigError) as caught:
        await started(file, passwords, text)
    [problem] = caught.value.problems
    assert (problem.key, problem.file, problem.line) == (key, str(file), line)
    assert "plain text" not in str(problem)


async def test_all_mistakes_are_named_at_once(file: Path, passwords: Passwords):
    with pytest.raises(ConfigError) as caught:
        await started(file, passwords, "[users.ada]\npassword = 'x'\nroles = 'y'\n[users.bob]\n")
    assert [problem.key for problem in caught.value.problems] == ["users.ada.password", "users.ada.roles", "users.bob.password"]


async def test_a_missing_file_is_a_problem_and_so_is_a_folder_or_bytes(file: Path, passwords: Passwords, tmp_path: Path):
    file.write_bytes(b"# \xff")
    problems: list[Problem] = []
    for wrong in (tmp_path / "none.toml", tmp_path, file):
        with pytest.raises(ConfigError) as caught:
            await made(wrong, passwords).start()
        problems += caught.value.problems
    assert [problem.what.partition(":")[0] for problem in problems] == [*["the file can't be read"] * 2, "the file is no UTF-8"]


# --- while the gateway runs ---


async def test_a_change_counts_at_the_next_sign_in(file: Path, passwords: Passwords):
    users = await started(file, passwords, text_of())
    assert isinstance(await users.authorize(posted("ada")), Accepted)
    await FileDirectory(file).set_disabled("ada", True)
    assert await users.authorize(posted("ada")) == Rejected("disabled", "people")
    await FileDirectory(file).add("bob", TODAY_HASH, {})
    assert isinstance(await users.authorize(posted("bob")), Accepted)
    await FileDirectory(file).remove("bob")
    assert await users.authorize(posted("bob")) == NotMine()


@pytest.mark.parametrize("spoil", [lambda file: file.write_text("[users.ada"), lambda file: file.unlink()], ids=["broken", "deleted"])
async def test_a_file_that_breaks_later_changes_nothing_and_is_logged_once(
    file: Path, passwords: Passwords, caplog: pytest.LogCaptureFixture, spoil
):
    users = await started(file, passwords, text_of())
    spoil(file)
    assert isinstance(await users.authorize(posted("ada")), Accepted)
    assert isinstance(await users.authorize(posted("ada")), Accepted)
    assert [record.getMessage().split()[0] for record in caplog.records] == ["users-file-refused"]
    assert ":0:0" not in caplog.text, "a place that is none"
    file.write_text(text_of(more="disabled = true\n"))
    assert await users.authorize(posted("ada")) == Rejected("disabled", "people")


async def test_a_hash_that_breaks_later_does_not_let_in_and_does_not_raise(file: Path, passwords: Passwords):
    users = await started(file, passwords, text_of())
    file.write_text(text_of("no hash"))
    assert isinstance(await users.authorize(posted("ada")), Accepted), "the users it had stay"
    assert isinstance(await users.authorize(posted("ada", "wrong")), Rejected)


# --- upgrading old hashes ---


async def test_an_old_hash_is_replaced_in_place_at_sign_in(file: Path, passwords: Passwords):
    users = await started(file, passwords, text_of(BCRYPT))
    file.chmod(0o640)
    assert isinstance(await users.authorize(posted("ada")), Accepted)
    new = tomllib.loads(file.read_text())["users"]["ada"]["password"]
    assert new.startswith(TODAY)
    assert file.read_text() == text_of(new), "comments and order stay"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert isinstance(await users.authorize(posted("ada")), Accepted)
    assert file.read_text() == text_of(new), "once is enough"
    assert os.listdir(file.parent) == ["users.toml"], "nothing is left over"


async def test_a_wrong_password_replaces_nothing(file: Path, passwords: Passwords):
    users = await started(file, passwords, text_of(BCRYPT))
    assert isinstance(await users.authorize(posted("ada", "wrong")), Rejected)
    assert file.read_text() == text_of(BCRYPT)


async def test_a_disabled_user_s_hash_is_not_replaced(file: Path, passwords: Passwords):
    users = await started(file, passwords, text_of(BCRYPT, more="disabled = true\n"))
    assert isinstance(await users.authorize(posted("ada")), Rejected)
    assert BCRYPT in file.read_text()


async def test_a_password_that_was_changed_meanwhile_is_not_overwritten(file: Path):
    file.write_text(text_of(TODAY_HASH))
    assert await FileDirectory(file).set_password("ada", "new", instead_of=BCRYPT) is False
    assert file.read_text() == text_of(TODAY_HASH)


async def test_a_file_that_cannot_be_written_lets_people_in_and_is_logged_once(
    file: Path, passwords: Passwords, caplog: pytest.LogCaptureFixture
):
    # A way of writing that no edit can change: root writes to every file, so permissions would prove nothing.
    file.write_text(f'users.ada.password = "{BCRYPT}"\n')
    users = made(file, passwords)
    await users.start()
    target = file.with_name("gone")
    target.mkdir()
    file.rename(target / "users.toml")
    file.symlink_to("/proc/self/nothing/users.toml")
    for _ in range(2):
        assert isinstance(await users.authorize(posted("ada")), Accepted)
    assert [record.getMessage().split()[0] for record in caplog.records].count("password-upgrade-failed") == 1
    assert BCRYPT not in caplog.text


async def test_a_symbolic_link_stays_one(file: Path, passwords: Passwords, tmp_path: Path):
    real = tmp_path / "real.toml"
    real.write_text(text_of(BCRYPT))
    file.symlink_to(real)
    users = made(file, passwords)
    await users.start()
    assert isinstance(await users.authorize(posted("ada")), Accepted)
    assert file.is_symlink()
    assert BCRYPT not in real.read_text()


async def test_many_changes_at_once_are_all_kept(file: Path):
    file.write_text("")
    await asyncio.gather(*(FileDirectory(file).add(f"user{number}", TODAY_HASH, {}) for number in range(20)))
    assert len(read_accounts(file)) == 20


# --- promise 45 ---


async def test_wrong_disabled_and_old_hashes_cost_the_same(file: Path, counting: CountingPasswords):
    more = f'[users.old]\npassword = "{BCRYPT}"\n[users.off]\npassword = "{TODAY_HASH}"\ndisabled = true\n'
    users = await started(file, counting, text_of(more=more))
    for name in ("ada", "old", "off"):
        assert isinstance(await users.authorize(posted(name, "wrong")), Rejected)
        assert counting.compared() == [TODAY_KIND, "bcrypt:4"], name
    await counting.waste("wrong")
    assert counting.compared() == [TODAY_KIND, "bcrypt:4"]


async def test_every_kind_in_the_file_is_learned_at_the_start(file: Path, counting: CountingPasswords):
    await started(file, counting, text_of(OLD_HASHES["sha512_crypt:5000"]))
    await counting.waste(PASSWORD)
    assert counting.compared() == [TODAY_KIND, "sha512_crypt:5000"]
