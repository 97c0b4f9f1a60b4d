import os
import stat
import subprocess
import sys

import pytest

from gateway.core.errors import ConfigError
from gateway.sessions import key_file
from gateway.sessions.keys import KeyRing
from tests.sessions.vectors import OTHER_SECRET, SECRET


@pytest.fixture
def file(tmp_path):
    return tmp_path / "secret"


def write(file, text, mode=0o600):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(mode)


def test_a_missing_file_is_made_for_its_owner_only_and_kept(file):
    keys = KeyRing.load_or_make(file)
    assert len(keys.secrets) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KeyRing.load_or_make(file) == keys
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_the_mode_does_not_depend_on_the_umask(file):
    before = os.umask(0)
    try:
        KeyRing.load_or_make(file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_processes_that_start_at_once_end_with_the_same_secret(file):
    program = (
        f"from pathlib import Path; from gateway.sessions.keys import KeyRing; print(KeyRing.load_or_make(Path({str(file)!r})).secrets[0])"
    )
    started = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    secrets = {process.communicate(timeout=60)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert len(secrets) == 1 and file.read_text().strip() in secrets
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_who_comes_second_leaves_the_file_alone(file):
    assert key_file.make(file, SECRET) is True
    assert key_file.make(file, OTHER_SECRET) is False
    assert file.read_text() == f"{SECRET}\n"


def test_secrets_stand_one_a_line_newest_first(file):
    write(file, f"\n  {OTHER_SECRET}  \r\n\n{SECRET}")
    assert KeyRing.load(file).secrets == (OTHER_SECRET, SECRET)


@pytest.mark.parametrize("mode", [pytest.param(0o660, id="group"), pytest.param(0o606, id="others"), pytest.param(0o622, id="both")])
def test_a_file_that_others_may_write_is_refused(file, mode):
    write(file, SECRET, mode)
    with pytest.raises(ConfigError, match="others may write it") as caught:
        KeyRing.load(file)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "warned"),
    [
        pytest.param(0o400, False, id="systemd-credential"),
        pytest.param(0o600, False, id="ours"),
        pytest.param(0o440, True, id="group"),
        pytest.param(0o444, True, id="docker-secret"),
        pytest.param(0o644, True, id="kubernetes-secret"),
    ],
)
def test_a_file_that_others_may_read_is_taken_with_a_warning(file, mode, warned):
    write(file, SECRET, mode)
    keys = KeyRing.load(file)
    assert keys.secrets == (SECRET,)
    assert [problem.warning for problem in keys.warnings] == [True] * warned


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param("", "no secret", id="empty"),
        pytest.param("\n \n", "no secret", id="blank"),
        pytest.param("short\n", "5 characters", id="short"),
        pytest.param(b"\xff\xfe" * 40, "no UTF-8", id="binary"),
        pytest.param("x" * 70_000, "more than", id="endless"),
        pytest.param(f"{SECRET}\n{SECRET}\n", "twice", id="there-twice"),
    ],
)
def test_a_file_without_good_secrets_is_refused(file, content, what):
    write(file, content)
    with pytest.raises(ConfigError, match=what) as caught:
        KeyRing.load_or_make(file)
    assert str(file) in str(caught.value)


def test_a_folder_or_a_pipe_in_its_place_is_refused(file):
    file.mkdir()
    with pytest.raises(ConfigError, match="regular"):
        KeyRing.load(file)
    file.rmdir()
    os.mkfifo(file, 0o600)
    with pytest.raises(ConfigError, match="regular"):
        KeyRing.load(file)


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"can't be written") as caught:
        KeyRing.load_or_make(tmp_path / "nowhere" / "secret")
    assert "GATEWAY_SESSION__SECRETS" in str(caught.value)


def test_a_missing_file_is_named_with_the_cure(file):
    with pytest.raises(ConfigError, match="gateway keys new --file"):
        KeyRing.load(file)


def test_a_secret_on_top_keeps_the_older_ones_and_the_mode(file):
    write(file, f"{SECRET}\n", 0o640)
    assert key_file.add(file, OTHER_SECRET, limit=5) == (2, 0)
    assert KeyRing.load(file).secrets == (OTHER_SECRET, SECRET)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_the_oldest_goes_when_there_are_too_many(file):
    write(file, "".join(f"{SECRET}{number}\n" for number in range(5)))
    assert key_file.add(file, OTHER_SECRET, limit=5) == (5, 1)
    assert KeyRing.load(file).secrets == (OTHER_SECRET, *(f"{SECRET}{number}" for number in range(4)))


def test_a_link_to_the_file_stays_a_link(file, tmp_path):
    write(file, SECRET)
    link = tmp_path / "link"
    link.symlink_to(file)
    key_file.add(link, OTHER_SECRET, limit=5)
    assert link.is_symlink()
    assert KeyRing.load(file).secrets == (OTHER_SECRET, SECRET)


def test_what_was_read_shows_no_secret(file):
    write(file, SECRET)
    assert SECRET not in repr(key_file.read(file))


def test_a_disk_that_is_full_leaves_the_old_secrets_and_no_draft(file):
    write(file, SECRET)
    program = (
        "import resource, sys; from pathlib import Path; from gateway.core.errors import ConfigError; from gateway.sessions import key_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        f"file = Path({str(file)!r})\n"
        "for act in (lambda: key_file.add(file, 'x' * 40, limit=5), lambda: key_file.make(file.with_name('other'), 'x' * 40)):\n"
        "    try: act()\n"
        "    except ConfigError as error: assert 'x' * 40 not in str(error); continue\n"
        "    sys.exit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert file.read_text() == SECRET
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_a_file_name_that_leaves_no_room_for_a_draft_is_an_error_with_a_name(tmp_path):
    file = tmp_path / ("s" * 250)
    write(file, SECRET)
    with pytest.raises(ConfigError, match=r"can't be written"):
        key_file.add(file, OTHER_SECRET, limit=5)
    assert file.read_text() == SECRET


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_root_rotates_stays_its_owners(file):
    write(file, SECRET)
    os.chown(file, 4321, 4321)
    key_file.add(file, OTHER_SECRET, limit=5)
    assert (file.stat().st_uid, file.stat().st_gid, stat.S_IMODE(file.stat().st_mode)) == (4321, 4321, 0o600)
