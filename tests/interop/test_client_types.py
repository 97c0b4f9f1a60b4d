"""The types that JSDoc gives the browser module hold, by TypeScript's own word: strictly in the module, and for those who use it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.node import installed

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "gateway/web/static/client.js"
OPTIONS = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"]
OPTIONS += ["--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2023,dom,dom.iterable"]
RIGHT = """
import { AuthError, getSession, onSession, signIn, signOut } from "./client.js";
const session = await getSession();
const name: string | null | undefined = session?.user.name;
const stop: () => void = onSession((current) => console.log(current?.expires, current?.user["roles"]));
const { ok, error, retryAfter } = await signIn("credentials", { username: "ada" }, { redirect: false });
const typed: [boolean, string | null, number | null] = [ok, error, retryAfter];
await signOut({ callbackUrl: "/" }).catch((problem: AuthError) => problem.requestId);
console.log(name, stop, typed);
"""
WRONG = [
    pytest.param("const name: string = (await getSession()).user.name;", "possibly 'null'", id="nobody-is-forgotten"),
    pytest.param('await signIn("credentials", { username: 1 });', "not assignable", id="fields-are-texts"),
    pytest.param('await signIn("credentials", {}, { redirct: false });', "redirct", id="a-misspelt-option"),
    pytest.param("onSession((session: number) => undefined);", "not assignable", id="a-listener-of-something-else"),
]


def checked(folder: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    tsc = installed(ROOT / "tests/interop/typescript") / "node_modules/.bin/tsc"
    return subprocess.run([tsc, *OPTIONS, *files], cwd=folder, capture_output=True, text=True, timeout=110, check=False)


def test_the_module_and_those_who_use_it_right(tmp_path):
    shutil.copy(MODULE, tmp_path)
    (tmp_path / "use.ts").write_text(RIGHT)
    told = checked(tmp_path, tmp_path / "client.js", tmp_path / "use.ts")
    assert told.returncode == 0, told.stdout


def test_those_who_use_it_wrong_are_told(tmp_path):
    shutil.copy(MODULE, tmp_path)
    uses = []
    for number, case in enumerate(WRONG):
        uses.append(tmp_path / f"use{number}.ts")
        uses[-1].write_text(f'import {{ getSession, onSession, signIn }} from "./client.js";\n{case.values[0]}\nexport {{}};\n')
    told = checked(tmp_path, *uses)
    assert told.returncode != 0
    for number, case in enumerate(WRONG):
        assert case.values[1] in "\n".join(line for line in told.stdout.splitlines() if line.startswith(f"use{number}.ts"))
