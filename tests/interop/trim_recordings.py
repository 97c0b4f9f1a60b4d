"""Makes the test data of the recordings of the real packages: `python tests/interop/trim_recordings.py FOLDER`, which has traces.json and vectors.json.

Kept is what a credentials gateway can be held against. Of pages only what a person reads and a form needs; of tokens that were set only
their cookies, as their content is in the claims.
"""

from __future__ import annotations

import json
import re
import sys
from html import unescape
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
#: What is left out, by the name of the trace or of its configuration, and why.
LEFT_OUT = {
    "no_secret": "a gateway always has a secret",
    "untrusted": "the public URL is configured, never taken from headers",
    "forwarded_": "the public URL is configured, never taken from headers",
    "host_only": "the public URL is configured, never taken from headers",
    "cookie_domain": "the session cookie has no other names or attributes",
    "theme": "the pages have a look of their own",
    "jwt_maxage": "the token and its cookie end together",
    "no_fields": "a provider without fields is refused at the start",
    "verify_request": "e-mail only",
}


def main(folder: Path) -> None:
    """Write both files."""
    traces = json.loads((folder / "traces.json").read_text("utf-8"))
    kept = [trimmed(trace) for trace in traces["traces"] if not left_out(trace)]
    recorded = {key: traces[key] for key in ("about", "packages", "secret", "password", "users", "configs")}
    _write(DATA / "traces.json", recorded | {"left_out": LEFT_OUT, "traces": kept})
    vectors = json.loads((folder / "vectors.json").read_text("utf-8"))
    _write(DATA / "vectors.json", {key: vectors[key] for key in ("about", "packages", "how_to_read", "jwe", "csrf", "redirects")})


def left_out(trace: dict[str, Any]) -> bool:
    """True if it is of something that the gateway does not have."""
    return any(word in f"{trace['name']} {trace['config']}" for word in LEFT_OUT)


def trimmed(trace: dict[str, Any]) -> dict[str, Any]:
    """What the replay reads."""
    response, headers = trace["response"], trace["response"]["headers"]
    answer: dict[str, Any] = {
        "status": response["status"],
        "no_store": "no-store" in headers.get("cache-control", ""),
        "location": headers.get("location"),
        "set_cookie": [re.sub(r"^([^=]*session-token[^=]*)=[^;]+", r"\1=(token)", line) for line in response["set_cookie"]],
    }
    if headers.get("content-type", "").startswith("text/html"):
        answer["page"] = page_facts(response["body"])
    elif "json" in response:
        answer["json"] = response["json"]
    else:
        answer["text"] = response["body"]
    calls = [{key: call[key] for key in ("fn", "returned", "threw") if key in call} for call in trace["server_calls"]]
    kept = {key: trace[key] for key in ("name", "family", "config", "at", "base_url", "request", "session_claims_set") if key in trace}
    return kept | {"response": answer, "calls": calls}


def page_facts(body: str) -> dict[str, Any]:
    """Forms and the sentence of an error."""
    body = body.partition("<body")[2]
    sentence = re.search(r'<div class="error"><p>(.*?)</p></div>', body)
    heading = re.search(r"<h1>(.*?)</h1>", body)
    forms = []
    for form in re.findall(r"<form.*?</form>", body, re.DOTALL):
        inputs = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", form)]
        fields = {one["name"]: one.get("id") for one in inputs if one.get("type") != "hidden"}
        action = re.search(r'action="([^"]*)"', form)
        forms.append(
            {"action": action[1] if action else None, "fields": fields, "hidden": [o["name"] for o in inputs if o.get("type") == "hidden"]}
        )
    return {"sentence": unescape(sentence[1]) if sentence else None, "heading": heading[1] if heading else None, "forms": forms}


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
