from __future__ import annotations

import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.callbacks.running import MOST_THREADS
from gateway.core.errors import ConfigError, ProviderUnavailable
from gateway.providers.accounts import DEFAULT_FIELDS
from gateway.providers.base import Accepted, Credentials, Rejected
from gateway.providers.python_function import AuthorizeRequest, PythonFunction
from tests.providers.counting import PASSWORD, posted

Make = Callable[..., PythonFunction]
_numbers = itertools.count()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Write a module and make the provider of its `authorize`."""
    path = list(sys.path)

    def made(code: str, *, function: str = "authorize", **more: object) -> PythonFunction:
        module = f"authorize_{tmp_path.name}_{next(_numbers)}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        return PythonFunction(id="own", name="Own", fields=DEFAULT_FIELDS, authorize=f"{module}:{function}", folder=tmp_path, **more)

    yield made
    sys.path[:] = path


async def answer(provider: PythonFunction, credentials: Credentials | None = None) -> object:
    await provider.start()
    return await provider.authorize(credentials or posted())


async def test_all_posted_fields_and_the_request_are_handed_over(make: Make):
    provider = make("""
        def authorize(credentials, request):
            return {"id": "x", "credentials": credentials, "request": [request.method, request.url, dict(request.headers),
                    dict(request.query), request.client]}
    """)
    fields = {"username": "ada", "password": "x", "csrfToken": "y", "otp": "123"}
    posted = Credentials(fields=fields, client="192.0.2.1", url="http://localhost/?a=b", headers={"user-agent": "z"}, query={"a": "b"})
    got = await answer(provider, posted)
    assert isinstance(got, Accepted)
    assert got.user.claims["credentials"] == fields
    assert got.user.claims["request"] == ["POST", "http://localhost/?a=b", {"user-agent": "z"}, {"a": "b"}, "192.0.2.1"]


async def test_what_the_function_does_to_the_credentials_stays_there(make: Make):
    credentials = posted()
    await answer(make("def authorize(credentials, request):\n    credentials.clear()"), credentials)
    assert credentials.fields["username"] == "ada"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("def authorize(credentials): return {'id': 1}", id="one-parameter"),
        pytest.param("def authorize(credentials, request=None): return {'id': 1}", id="optional-request"),
        pytest.param("def authorize(*args): return {'id': 1}", id="any-parameters"),
        pytest.param("async def authorize(credentials): return {'id': 1}", id="async-one-parameter"),
        pytest.param("async def inner(): return {'id': 1}\ndef authorize(c, r): return inner()", id="gives-a-coroutine"),
        pytest.param("class A:\n  def __call__(self, c, r): return {'id': 1}\nauthorize = A()", id="callable-object"),
        pytest.param("class A:\n  async def __call__(self, c, r): return {'id': 1}\nauthorize = A()", id="async-callable-object"),
        pytest.param("import types\nauthorize = lambda c, r: types.MappingProxyType({'id': 1})", id="other-mapping"),
    ],
)
async def test_every_form_of_a_function_works(make: Make, code: str):
    got = await answer(make(code))
    assert isinstance(got, Accepted)
    assert got.user.id == "1"


async def test_a_function_may_be_an_attribute_of_an_attribute(make: Make):
    assert isinstance(await answer(make("class A:\n  @staticmethod\n  def go(c): return {'id': 1}", function="A.go")), Accepted)


@pytest.mark.parametrize("given", ["None", "False"])
async def test_nothing_and_false_refuse(make: Make, given: str):
    assert await answer(make(f"def authorize(c, r): return {given}")) == Rejected("refused-by-function", "own")


@pytest.mark.parametrize(
    "given",
    [
        *("True", "0", "''", "{}", "[]", "'ada'", "1", "object()", "{'name': 'Ada'}", "{'id': ''}", "{'id': True}", "[('id', 'x')]"),
        *("{'id': 'x', 'roles': 'admin'}", "{'id': 'x', 'claim': object()}", "{'id': 'x', 'exp': 9}"),
    ],
)
async def test_what_is_no_user_is_no_answer_and_the_log_names_the_function(make: Make, caplog: pytest.LogCaptureFixture, given: str):
    provider = make(f"def authorize(c, r): return {given}")
    with pytest.raises(ProviderUnavailable):
        await answer(provider)
    assert ":authorize" in caplog.text


@pytest.mark.parametrize("method", ["items", "get"])
async def test_a_mapping_that_raises_as_it_is_read_is_no_answer(make: Make, caplog: pytest.LogCaptureFixture, method: str):
    """A row that asks its database only now, for one."""
    provider = make(f"""
        class Lazy(dict):
            def broken(self, *_): raise ConnectionError("pass" + "word")
            {method} = broken
        def authorize(c, r): return Lazy(id="x")
    """)
    with pytest.raises(ProviderUnavailable):
        await answer(provider)
    assert "error=ConnectionError" in caplog.text
    assert "password" not in caplog.text


@pytest.mark.parametrize("prefix", ["", "async "], ids=["plain", "async"])
@pytest.mark.parametrize(
    "statement",
    [
        "raise ValueError(c['password'])",
        "return c['no such key']",
        "import sys; sys.exit(3)",
        "raise SystemExit(c['password'])",
        "raise KeyboardInterrupt(c['password'])",
        "raise StopIteration(1)",
        "raise TimeoutError",
        "import asyncio; raise asyncio.CancelledError(c['password'])",
        "raise RecursionError",
        "raise BaseExceptionGroup('', [SystemExit(1)])",
    ],
)
async def test_a_function_that_raises_is_no_answer_and_its_words_are_not_logged(
    make: Make, caplog: pytest.LogCaptureFixture, prefix: str, statement: str
):
    provider = make(f"{prefix}def authorize(c, r):\n    {statement}")
    with pytest.raises(ProviderUnavailable) as caught:
        await answer(provider)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in caplog.text
    assert isinstance(await answer(make("def authorize(c, r): return {'id': 1}")), Accepted), "and we go on"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import time\ndef authorize(c, r): time.sleep(0.5)", id="plain"),
        pytest.param("import asyncio\nasync def authorize(c, r): await asyncio.sleep(60)", id="async"),
        pytest.param(
            """
            import asyncio
            async def authorize(c, r):
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    await asyncio.sleep(0.05)
                    raise ValueError("too late")
            """,
            id="swallows-its-cancellation",
        ),
    ],
)
async def test_a_function_that_takes_too_long_is_no_answer(make: Make, code: str):
    with pytest.raises(ProviderUnavailable, match="too long"):
        await answer(make(code, time_limit_s=0.02))


async def test_hanging_functions_keep_their_places_and_no_more(make: Make):
    provider = make(
        """
        import threading
        held = threading.Event()
        calls = []
        def authorize(c, r):
            calls.append(1)
            held.wait()
            return {"id": 1}
        """,
        time_limit_s=0.05,
    )
    await provider.start()
    module = sys.modules[provider._place.partition(":")[0]]
    for _ in range(MOST_THREADS + 2):
        with pytest.raises(ProviderUnavailable):
            await provider.authorize(posted())
    assert len(module.calls) == MOST_THREADS
    module.held.set()
    slow = PythonFunction(id="own", name="Own", fields=DEFAULT_FIELDS, authorize=provider._place, folder=Path())
    assert isinstance(await answer(slow), Accepted)


@pytest.mark.parametrize(
    ("code", "function", "what"),
    [
        pytest.param("x = 1", "authorize", "can't be imported: AttributeError", id="no-such-function"),
        pytest.param("authorize = 1", "authorize", "is no function", id="no-function"),
        pytest.param("def authorize(): pass", "authorize", "can't be called", id="no-parameter"),
        pytest.param("def authorize(a, b, c): pass", "authorize", "can't be called", id="three-parameters"),
        pytest.param("def authorize(*, credentials): pass", "authorize", "can't be called", id="keyword-only"),
        pytest.param("raise RuntimeError('no')", "authorize", "can't be imported: RuntimeError: no", id="module-raises"),
        pytest.param("import sys; sys.exit(1)", "authorize", "can't be imported: SystemExit", id="module-exits"),
        pytest.param("def authorize(:", "authorize", "can't be imported: SyntaxError", id="no-python"),
    ],
)
async def test_what_cannot_be_called_stops_the_start(make: Make, code: str, function: str, what: str):
    with pytest.raises(ConfigError) as caught:
        await make(code, function=function).start()
    [problem] = caught.value.problems
    assert problem.key == "providers[own].authorize"
    assert what in problem.what


async def test_a_missing_module_stops_the_start(tmp_path: Path):
    provider = PythonFunction(id="own", name="Own", fields=DEFAULT_FIELDS, authorize="no_such_module_here:authorize", folder=tmp_path)
    with pytest.raises(ConfigError, match="ModuleNotFoundError"):
        await provider.start()
    sys.path.remove(str(tmp_path))


async def test_asked_before_it_started_there_is_no_answer(make: Make):
    with pytest.raises(ProviderUnavailable):
        await make("def authorize(c, r): return {'id': 1}").authorize(posted())


def test_a_request_does_not_show_its_headers():
    shown = repr(AuthorizeRequest(url="http://x/?q=s3cret", headers={"cookie": "s3cret"}, query={"q": "s3cret"}))
    assert "s3cret" not in shown


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(
    "how",
    [
        pytest.param("return Rejected(code='account-locked')", id="given"),
        pytest.param("return Rejected('three strikes', code='account-locked')", id="given-with-words-for-the-log"),
        pytest.param("raise SignInRefused('account-locked')", id="raised"),
    ],
)
async def test_a_refusal_may_have_a_public_code(make: Make, kind: str, how: str):
    given = await answer(make(f"from gateway.providers.base import Rejected, SignInRefused\n{kind} authorize(credentials): {how}"))
    assert isinstance(given, Rejected)
    assert (given.code, given.provider) == ("account-locked", "own")
    assert given.why in ("refused-by-function", "three strikes")


@pytest.mark.parametrize("code", ["locked out", "a&b=c", "é", "x" * 65, "<b>", "a\\n", "{code}"])
async def test_a_code_that_is_none_is_no_answer(make: Make, code: str):
    provider = make(f"from gateway.providers.base import Rejected\ndef authorize(credentials): return Rejected(code={code!r})")
    with pytest.raises(ProviderUnavailable):
        await answer(provider)
