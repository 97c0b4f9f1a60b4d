"""The documentation is complete and not stale: every setting with its default, every reason with its cure, every command."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.core.answer_reference import rewritten as tables
from gateway.core.identity_headers import PRESETS
from gateway.core.reason import Reason
from gateway.settings.later import PROVIDER_TYPES
from gateway.settings.reference import SECTIONS, rewritten
from gateway.settings.shape import NO_KEYS, keys_at

ROOT = Path(__file__).parent.parent
CONFIGURATION = (ROOT / "docs/configuration.md").read_text("utf-8")
REASONS = (ROOT / "docs/reasons.md").read_text("utf-8")
PROSE = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_reference_of_settings_is_the_one_the_model_makes():
    assert rewritten(CONFIGURATION) == CONFIGURATION, "run: python -m gateway.settings.reference"


def test_every_section_of_the_file_is_in_the_reference():
    tops = {re.split(r"[\].]", heading.strip("["))[0] for heading, _, _ in SECTIONS}
    assert set(keys_at(())) <= tops


@pytest.mark.parametrize(
    ("section", "key"), [(section, key) for _, section, _ in SECTIONS for key in section.model_fields if key not in NO_KEYS]
)
def test_every_key_has_a_row_and_a_description(section, key):
    assert f"| `{key}` |" in CONFIGURATION
    assert section.model_fields[key].description


def test_the_reference_shows_a_unit_with_each_duration_and_size():
    for row in re.findall(r"^\| `\w+` \| (?:duration|size) .*$", CONFIGURATION, re.MULTILINE):
        default = row.split("|")[3].strip()
        assert re.fullmatch(r'|`"\d+(?:ms|s|m|h|d|B|KiB|MiB|GiB)"`|`\d+`', default), row


@pytest.mark.parametrize("word", sorted(PROVIDER_TYPES))
def test_what_is_not_there_yet_is_said(word):
    assert re.search(rf"\b{word}\b", CONFIGURATION.partition("## Not yet")[2])


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_named(preset):
    assert f'`"{preset}"`' in CONFIGURATION


def entries() -> dict[str, str]:
    """The text below each reason's heading."""
    parts = re.split(r"^### `([a-z-]+)`$", REASONS, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_every_reason_says_what_happened_why_and_what_to_do(reason):
    entry = entries()[reason.value]
    for part in ("**What happened:**", "**Why:**", "**What to do:**"):
        assert entry.count(part) == 1, part


def test_no_reason_is_described_that_does_not_exist():
    assert set(entries()) == {reason.value for reason in Reason}


def test_the_table_of_401_or_a_redirect_is_the_one_that_decides():
    page = (ROOT / "docs/redirects.md").read_text("utf-8")
    assert tables(page) == page, "write what gateway.core.answer_reference.rewritten() makes of it"


@pytest.mark.parametrize("page", ["configuration.md", "reasons.md", "redirects.md"])
def test_settings_named_in_prose_exist(page):
    text = (ROOT / "docs" / page).read_text("utf-8").partition("## Not yet")[0]
    for section, key in re.findall(rf"`({'|'.join(keys_at(()))})\.([a-z_]+)`", text):
        assert key.removesuffix("_file") in keys_at((section,)) or key in keys_at((section,)), f"{section}.{key}"


def commands() -> list[str]:
    """Every command that can be typed, `gateway users add` and so on."""
    from gateway.cli.main import gateway

    def walk(command: click.Command, name: str, context: click.Context) -> list[str]:
        if not isinstance(command, click.Group):
            return [name]
        found = []
        for inner in command.list_commands(context):
            child = command.get_command(context, inner)
            assert child is not None
            found += walk(child, f"{name} {inner}", click.Context(child, info_name=inner, parent=context))
        return found

    return walk(gateway, "gateway", click.Context(gateway, info_name="gateway"))


def test_every_command_is_documented():
    prose = "\n".join(page.read_text("utf-8") for page in PROSE if page.is_file())
    missing = [command for command in commands() if not re.search(rf"\b{re.escape(command)}\b", prose)]
    assert not missing


@pytest.mark.parametrize("page", [page for page in PROSE if page.is_file()], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [page for page in PROSE if page.is_file()], ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_tests_that_are_named_exist(page):
    text = page.read_text("utf-8")
    for name in re.findall(r"`((?:gateway|tests|config|docs)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), name
    for name in set(re.findall(r"`(test_\w+)`", text)):
        assert any(f"def {name}(" in module.read_text("utf-8") for module in (ROOT / "tests").rglob("test_*.py")), name


def test_the_architecture_page_passes_every_room():
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    rooms = {module.relative_to(ROOT / "gateway").parts[0] for module in (ROOT / "gateway").rglob("*.py")}
    assert not [room for room in rooms if "." not in room and room != "__pycache__" and f"`gateway/{room}/" not in text]


def test_every_decision_is_listed():
    listed = (ROOT / "docs/adr/README.md").read_text("utf-8")
    assert not [page.name for page in (ROOT / "docs/adr").glob("0*.md") if f"]({page.name})" not in listed]


def test_what_the_readme_shows_is_what_gateway_explain_prints():
    from gateway.cli.main import gateway

    shown = re.search(
        r"^    \$ \.venv/bin/gateway (explain --demo .*)\n((?:(?:    .*)?\n)+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    printed = CliRunner().invoke(gateway, shown[1].split()).output

    def comparable(text: str) -> list[str]:
        return [re.sub(r"[\d-]+ [\d:]+ UTC", "TIME", line.strip()) for line in text.splitlines() if line.strip()]

    assert comparable(printed) == comparable(shown[2])


def test_the_page_of_the_browser_module_is_the_one_of_the_example():
    script = (ROOT / "config/examples/html/public/page.js").read_text("utf-8")
    assert f"```js page.js\n{script}```" in (ROOT / "docs/browser-client.md").read_text("utf-8")


def test_the_picture_of_the_rooms_names_files_that_are_there():
    picture = (ROOT / "docs/rooms-of-a-request.svg").read_text("utf-8")
    room, named = "", []
    for text in re.findall(r"<text[^>]*>([^<]+)</text>", picture):
        room = text if text.endswith("/") else room
        named += [name if "/" in name else room + name for name in re.findall(r"[\w/]+\.py", text)]
    named += re.findall(r"[\w/]+\.py", picture[picture.index("<desc") : picture.index("</desc>")])
    assert len(named) > 10
    assert [name for name in named if not (ROOT / "gateway" / name).is_file()] == []
