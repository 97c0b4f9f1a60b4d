"""A small browser for tests: it keeps cookies, fills in forms as they stand in the page, and sends what real browsers send."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

HOST = "app.example.com"


@dataclass
class PageForm:
    action: str
    inputs: dict[str, dict[str, str | None]] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        return {name: attributes.get("value") or "" for name, attributes in self.inputs.items()}


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text_parts: list[str] = []
        self.forms: list[PageForm] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._in_form: PageForm | None = None
        self._in_style = False
        self.style = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if tag == "form":
            self._in_form = PageForm(found["action"])
            self.forms.append(self._in_form)
        if tag == "input" and self._in_form is not None:
            self._in_form.inputs[found["name"]] = found
        self._in_style = tag == "style"

    def handle_endtag(self, tag):
        if tag == "form":
            self._in_form = None
        if tag == "style":
            self._in_style = False

    def handle_data(self, data):
        if self._in_style:
            self.style += data
        else:
            self.text_parts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.text_parts).split())

    def form_to(self, action: str) -> PageForm:
        return next(form for form in self.forms if form.action == action)

    def with_id(self, name: str) -> dict[str, str | None]:
        return next(attributes for _, attributes in self.tags if attributes.get("id") == name)


class Browser:
    """One browser profile. `host` is what was typed; headers given to a call win over its own; None takes one away."""

    def __init__(self, client: TestClient, *, host: str = HOST, scheme: str = "http") -> None:
        self.client = client
        self.host = host
        self.origin = f"{scheme}://{host}"
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, **headers: str | None) -> ClientResponse:
        own = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
        return await self.send("GET", path, headers=own | _names(headers))

    async def post(self, path: str, fields: dict[str, str], **headers: str | None) -> ClientResponse:
        own = {
            "Accept": "text/html",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Site": "same-origin",
            "Origin": self.origin,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return await self.send("POST", path, headers=own | _names(headers), data=urlencode(fields).encode())

    async def send(self, method: str, path: str, *, headers: dict[str, str | None], data: bytes | None = None) -> ClientResponse:
        sent = {"Host": self.host} | headers
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        kept = {name: value for name, value in sent.items() if value is not None}
        skip = [] if kept.get("Content-Type") else ["Content-Type"]
        answer = await self.client.request(method, path, headers=kept, data=data, allow_redirects=False, skip_auto_headers=skip)
        for line in answer.headers.getall("Set-Cookie", []):
            name, _, rest = line.partition("=")
            value, *attributes = (part.strip() for part in rest.split(";"))
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    async def open_form(self, path: str = "/api/auth/signin", provider: str = "credentials") -> dict[str, str]:
        answer = await self.get(path)
        assert answer.status == 200
        return Page(await answer.text()).form_to(f"/api/auth/callback/{provider}").values

    async def sign_in(self, name: str = "ada", password: str = "correct horse", *, path: str = "/api/auth/signin") -> ClientResponse:
        fields = await self.open_form(path) | {"username": name, "password": password}
        return await self.post("/api/auth/callback/credentials", fields)


def _names(headers: dict[str, str | None]) -> dict[str, str | None]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
