"""Settings whose single values are good and that still can't work, or that their operator should be told about."""

from __future__ import annotations

import pytest

from .conftest import APP, GOOD

LONG = "0123456789abcdef0123456789ABCDEF"
ROUTE = '[[routes]]\npath = "/**"\naccess = "signed-in"\nupstream = "app"\n'
FIRST = '[store]\nurl = "{url}"\n[[redirects.rules]]\nwhen = {{ first_sign_in = true }}\nto = "/welcome"\n'


def routes(*lines: str) -> str:
    """A configuration with these routes, each `path access` and further lines."""
    made = []
    for line in lines:
        path, access, *more = line.split(" ", 2)
        made.append(
            f'[[routes]]\npath = "{path}"\naccess = "{access}"\n' + ("" if access == "deny" else 'upstream = "app"\n') + "".join(more)
        )
    return APP + "\n".join(made)


def with_case(*lines: str) -> str:
    """The same with an app that tells /a from /A."""
    return routes(*lines).replace('"http://127.0.0.1:3000"', '"http://h"\ncase_sensitive = true')


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        pytest.param(GOOD + APP, "upstreams[2].name", "another upstream", id="upstream-twice"),
        pytest.param(GOOD + APP, "providers[2].id", "another provider", id="provider-twice"),
        pytest.param(GOOD.replace('"credentials"', '"Credentials"'), "providers[1].id", "characters", id="provider-id"),
        pytest.param(GOOD.replace('upstream = "app"', ""), "routes[1].upstream", "missing", id="route-without-upstream"),
        pytest.param(GOOD.replace('upstream = "app"', 'upstream = "ap"'), "routes[1].upstream", "no such", id="route-to-nowhere"),
        pytest.param(routes('/x public roles = ["a"]'), "routes[1].roles", "nobody", id="roles-on-public"),
        pytest.param(routes('/x optional groups = ["a"]'), "routes[1].groups", "nobody", id="groups-on-optional"),
        pytest.param(routes("/x signed-in roles = []"), "routes[1].roles", "everybody", id="empty-roles"),
        pytest.param(routes("/x signed-in methods = []"), "routes[1].methods", "empty", id="no-methods"),
        pytest.param(routes("/x signed-in host = []"), "routes[1].host", "empty", id="no-host"),
        pytest.param(routes('/x signed-in methods = ["get"]'), "routes[1].methods[1]", "can't be used", id="lower-case-method"),
        pytest.param(routes('/x signed-in methods = ["TRACE"]'), "routes[1].methods[1]", "can't be used", id="trace"),
        pytest.param(routes('/x signed-in methods = "CONNECT"'), "routes[1].methods", "can't be used", id="connect"),
        pytest.param(routes('/x signed-in methods = ["GET /"]'), "routes[1].methods[1]", "can't be used", id="method-with-space"),
        pytest.param(routes('/x signed-in host = "a b"'), "routes[1].host", "can't be used", id="host-with-space"),
        pytest.param(routes('/x signed-in host = ["ok.example", "*"]'), "routes[1].host[2]", "can't be used", id="host-star"),
        pytest.param(routes("x signed-in"), "routes[1].path", "can't be used", id="path-without-slash"),
        pytest.param(routes("/a** signed-in"), "routes[1].path", "can't be used", id="stars-in-a-segment"),
        pytest.param(routes("/a?b signed-in"), "routes[1].path", "can't be used", id="query-in-path"),
        pytest.param(routes("/** signed-in", "/x public"), "routes[2].path", "never match", id="unreachable"),
        pytest.param(routes('/a public name = "n"', '/b public name = "n"'), "routes[2].name", "this name", id="name-twice"),
        pytest.param('[[upstreams]]\nname = "app"\nurl = "http://h"\n' + ROUTE, "routes[1].access", "no provider", id="nobody-can-sign-in"),
        pytest.param('[pages]\nsign_in = "/login"\n' + GOOD, "pages.sign_in", "lead in a circle", id="page-behind-the-sign-in"),
        pytest.param(
            '[pages]\nerror = "/oops"\n' + routes("/oops deny", "/** public"), "pages.error", "lead in a circle", id="closed-page"
        ),
        pytest.param('[pages]\nsign_in = "https://evil.example/"\n' + GOOD, "pages.sign_in", "not allowed", id="foreign-page"),
        pytest.param('[pages]\nsign_in = "/api/auth/signin"\n' + GOOD, "pages.sign_in", "circle", id="page-is-our-own"),
        pytest.param('[callbacks]\nmodule = "my-callbacks.py"\n' + GOOD, "callbacks.module", "can't be used", id="module-is-a-file"),
        pytest.param(
            routes('/x public sign_in_redirect = "/"'), "routes[1].sign_in_redirect", "sends nobody", id="sign-in-redirect-of-nobody"
        ),
        pytest.param(
            routes('/x signed-in sign_in_redirect = "https://evil.example"').replace(
                "[[upstreams]]", GOOD.partition("[[upstreams]]")[0] + "[[upstreams]]", 1
            ),
            "routes[1].sign_in_redirect",
            "not allowed",
            id="foreign-sign-in-redirect",
        ),
        pytest.param(routes('/x public accepts = ["bearer"]'), "routes[1].accepts", "asks nobody", id="accepts-where-nobody-is-asked"),
        pytest.param(routes("/x signed-in accepts = []"), "routes[1].accepts", "nobody could ever pass", id="accepts-nothing"),
        pytest.param(routes('/x signed-in accepts = ["basic", "basic"]'), "routes[1].accepts", "twice", id="accepts-twice"),
        pytest.param(
            routes('/x signed-in accepts = ["basic"]').replace('"users.toml"', '"users.toml"\n[providers.credentials.pin]', 1),
            "routes[1].accepts",
            "all that Basic carries",
            id="basic-without-a-form-for-it",
        ),
        pytest.param(
            '[[redirects.rules]]\nwhen = { route = "nope" }\nto = "/"\n' + GOOD,
            "redirects.rules[1].when.route",
            "no route has this name",
            id="rule-for-an-unknown-route",
        ),
        pytest.param(
            '[[redirects.rules]]\nwhen = { route = "n" }\nto = "/"\n' + routes('/x deny name = "n"'),
            "redirects.rules[1].when.route",
            "closed to everybody",
            id="rule-for-a-closed-route",
        ),
        pytest.param(
            '[[redirects.rules]]\nwhen = { route = "n" }\nto = "/"\n' + routes('/x public name = "n"\nmethods = ["POST"]'),
            "redirects.rules[1].when.route",
            "not for GET",
            id="rule-for-a-route-of-posts",
        ),
        pytest.param(
            '[store]\nurl = "redis://valkey.test/0"\n[[providers]]\nid = "x"\ntype = "sql"\n' + GOOD,
            "providers[1].type",
            "Redis keeps none",
            id="users-in-redis",
        ),
        pytest.param(
            '[session]\nstrategy = "server"\nrevocation = "memory"\n' + GOOD,
            "session.revocation",
            "ended there",
            id="sessions-in-a-store-and-sign-outs-elsewhere",
        ),
        pytest.param(
            '[session]\nstrategy = "server"\n' + GOOD.replace('name = "app"', 'name = "app"\nsession_cookie = true', 1),
            "upstreams[1].session_cookie",
            "only the gateway can read",
            id="an-id-for-an-app-that-wants-a-session",
        ),
        pytest.param(
            '[redirects]\nallowed_origins = ["https://*.com"]\n' + GOOD,
            "redirects.allowed_origins[1]",
            "can't be used",
            id="everybodys-subdomains",
        ),
        pytest.param(
            '[redirects]\nallowed_origins = ["https://a.*.example.com"]\n' + GOOD,
            "redirects.allowed_origins[1]",
            "can't be used",
            id="star-in-the-middle",
        ),
        pytest.param(
            '[redirects]\nallowed_origins = ["https://example.com:80:*"]\n' + GOOD,
            "redirects.allowed_origins[1]",
            "can't be used",
            id="two-ports",
        ),
        pytest.param(
            '[redirects]\nallowed_origins = ["http://h.example:8080:*"]\n' + GOOD,
            "redirects.allowed_origins[1]",
            "can't be used",
            id="port-and-any-port",
        ),
        pytest.param(
            '[redirects]\nallowed_origins = ["http://*.127.0.0.1"]\n' + GOOD,
            "redirects.allowed_origins[1]",
            "can't be used",
            id="subdomains-of-an-address",
        ),
        pytest.param('[redirects]\nallowed_origins = ["*"]\n' + GOOD, "redirects.allowed_origins[1]", "can't be used", id="everybody"),
        pytest.param('[redirects]\nafter_sign_in = "//evil"\n' + GOOD, "redirects.after_sign_in", "not allowed", id="foreign-target"),
        pytest.param('[redirects]\nafter_sign_out = "/\\\\evil"\n' + GOOD, "redirects.after_sign_out", "character", id="backslash-target"),
        pytest.param('[redirects]\nafter_sign_out = ""\n' + GOOD, "redirects.after_sign_out", "empty", id="empty-target"),
        pytest.param('[[redirects.rules]]\nwhen = {}\nto = "/"\n' + GOOD, "redirects.rules[1].when", "everybody", id="empty-when"),
        pytest.param(
            '[[redirects.rules]]\nwhen = { role = "a" }\nto = "/api/auth/signout"\n' + GOOD,
            "redirects.rules[1].to",
            "circle",
            id="rule-to-sign-out",
        ),
        pytest.param(
            '[[redirects.rules]]\nwhen = { provider = "x" }\nto = "/"\n' + GOOD,
            "redirects.rules[1].when.provider",
            "no such",
            id="rule-for-nobody",
        ),
        pytest.param(
            '[[redirects.rules]]\nwhen = { provider = "credentials" }\nto = "/"\n[[redirects.rules]]\nwhen = { role = "a" }\nto = "/a"\n'
            + GOOD,
            "redirects.rules[2]",
            "rule 1 takes all of its users",
            id="rule-behind-that-of-the-only-provider",
        ),
        pytest.param(
            '[[redirects.rules]]\nwhen = { role = "a" }\nto = "/"\n[[redirects.rules]]\nwhen = { group = "g", role = "a" }\nto = "/g"\n'
            + GOOD,
            "redirects.rules[2]",
            "rule 1 takes",
            id="rule-in-the-shadow",
        ),
        pytest.param(
            '[headers.set]\n"Content-Length" = "{user.id}"\n' + GOOD, "headers.set.Content-Length", "protocol", id="framing-header"
        ),
        pytest.param(
            '[headers.set]\n"transfer_encoding" = "x"\n' + GOOD, "headers.set.transfer_encoding", "protocol", id="framing-in-disguise"
        ),
        pytest.param('[headers.set]\nHost = "x"\n' + GOOD, "headers.set.Host", "protocol", id="host-header"),
        pytest.param('[headers.set]\nCookie = "x"\n' + GOOD, "headers.set.Cookie", "protocol", id="cookie-header"),
        pytest.param('[headers.set]\nX-Forwarded-For = "x"\n' + GOOD, "headers.set.X-Forwarded-For", "protocol", id="forwarding-header"),
        pytest.param('[headers.set]\nX-A = "{user.id"\n' + GOOD, "headers.set.X-A", "placeholder", id="brace"),
        pytest.param('[headers.set]\n"X A" = "x"\n' + GOOD, "headers.set.X A", "no header name", id="header-with-space"),
        pytest.param('[headers.set]\nX-A = "1"\nX_A = "2"\n' + GOOD, "headers.set.X_A", "take it for X-A", id="two-spellings"),
        pytest.param('[session]\nmax_age = "8d"\n' + GOOD, "session.max_age", "never apply", id="sliding-over-absolute"),
        pytest.param('[session]\nupdate_age = "24h"\n' + GOOD, "session.update_age", "before they are renewed", id="never-renewed"),
        pytest.param(f'[session]\nsecrets = ["{LONG[:31]}"]\n' + GOOD, "session.secrets[1]", "shorter than 32", id="secret-one-too-short"),
        pytest.param(f'[session]\nsecrets = ["{LONG}", "{LONG}"]\n' + GOOD, "session.secrets[2]", "twice", id="secret-twice"),
        pytest.param(
            f'[session]\nsecrets = ["{"a" * 40}"]\n' + GOOD, "session.secrets[1]", "different characters", id="secret-of-one-letter"
        ),
        pytest.param(
            f"[session]\nsecrets = {[LONG + str(n) for n in range(6)]}\n" + GOOD, "session.secrets", "more than 5", id="six-secrets"
        ),
        pytest.param(
            f'[session]\nsecrets = ["{LONG}"]\nsecrets_file = "x"\n' + GOOD, "session.secrets_file", "`secrets`, too", id="secrets-and-file"
        ),
        pytest.param('[server]\nlisten = ["127.0.0.1:1", "127.0.0.1:1"]\n' + GOOD, "server.listen[2]", "twice", id="address-twice"),
        pytest.param(
            FIRST.format(url="sqlite://") + GOOD, "redirects.rules[1].when.first_sign_in", "in memory alone", id="first-sign-in-in-memory"
        ),
        pytest.param(
            '[[providers]]\nid = "x"\ntype = "sql"\nurl = "sqlite:///:memory:"\n' + GOOD,
            "providers[1].url",
            "in memory",
            id="users-in-memory",
        ),
        pytest.param(
            '[store]\nurl = "sqlite://"\n[[providers]]\nid = "x"\ntype = "sql"\n' + GOOD,
            "providers[1].type",
            "in memory",
            id="users-in-the-store-in-memory",
        ),
        pytest.param(
            FIRST.format(url="sqlite:////no/such/folder/x.db") + GOOD,
            "redirects.rules[1].when.first_sign_in",
            "does not exist",
            id="first-sign-in-without-a-folder",
        ),
        pytest.param("[limits]\nkept_form = 2561\n" + GOOD, "limits.kept_form", "no cookie", id="a-form-that-no-cookie-holds"),
        pytest.param("[limits]\ncallback_url = 2049\n" + GOOD, "limits.callback_url", "longer than 2048", id="callback-url-over-the-end"),
        pytest.param("[limits]\nheader_field = 65536\n" + GOOD, "limits.header_field", "never apply", id="field-over-head"),
        pytest.param(
            GOOD.replace(':3000"', ':3000"\nca_file = "x.pem"'), "upstreams[1].ca_file", "not https", id="certificates-without-tls"
        ),
        pytest.param(
            GOOD.replace('http://127.0.0.1:3000"', 'https://h"\nca_file = "x.pem"'),
            "upstreams[1].ca_file",
            "no such file",
            id="certificates-missing",
        ),
    ],
)
def test_what_cannot_work_is_refused(problems, text, key, what):
    found = problems(text)
    assert what in found[key].what
    assert found[key].line
    assert found[key].cure


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        *(
            (f"[providers.credentials.{name}]", f"providers[1].credentials.{name}")
            for name in ("csrfToken", "callbackUrl", "returnTo", "json", "redirect")
        ),
        ('[providers.credentials."a b"]', "providers[1].credentials.a b"),
        ('[providers.credentials.pin]\nonfocus = "x"', "providers[1].credentials.pin.onfocus"),
        ('[providers.credentials.pin]\nformaction = "x"', "providers[1].credentials.pin.formaction"),
        ('[providers.credentials.pin]\nONCLICK = "x"', "providers[1].credentials.pin.ONCLICK"),
        ("[providers.credentials.pin]\nsize = 1.5", "providers[1].credentials.pin.size"),
        ('[providers.credentials.pin]\ntype = "submit"', "providers[1].credentials.pin.type"),
        ('[providers.credentials.pin]\ntype = "file"', "providers[1].credentials.pin.type"),
    ],
)
def test_an_input_that_cannot_be_is_refused(problems, lines, key):
    text = f'[[providers]]\nid = "x"\ntype = "python"\nauthorize = "m:f"\n{lines}\n' + GOOD
    assert set(problems(text)) == {key}


def test_attributes_of_inputs_are_kept(read):
    text = '[[providers]]\nid = "x"\ntype = "python"\nauthorize = "m:f"\n[providers.credentials.pin]\nmaxlength = 6\nrequired = true\nstyle = "color:#000;"\n'
    field = read(text + GOOD).settings.providers[0].credentials["pin"]
    assert field.model_extra == {"maxlength": 6, "required": True, "style": "color:#000;"}


def test_more_inputs_than_a_sign_in_may_have_are_refused(problems):
    text = "[limits]\nsign_in_fields = 6\n" + GOOD.replace(
        "[[upstreams]]", "[providers.credentials.username]\n[providers.credentials.password]\n[[upstreams]]"
    )
    assert "more than 1" in problems(text)["providers[1].credentials"].what


def test_a_users_provider_needs_its_two_inputs(problems):
    text = GOOD.replace("[[upstreams]]", "[providers.credentials.email]\n[providers.credentials.password]\n[[upstreams]]")
    assert "there is no username" in problems(text)["providers[1].credentials"].what


@pytest.mark.parametrize("authorize", ["my_auth", "my_auth:", ":f", "my auth:f", "my-auth:f", "a:b:c", "../a:f"])
def test_a_function_that_cannot_be_named_so_is_refused(problems, authorize):
    text = f'[[providers]]\nid = "x"\ntype = "python"\nauthorize = "{authorize}"\n' + GOOD
    assert set(problems(text)) == {"providers[1].authorize"}


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        pytest.param('[server]\npublic_url = "http://app.example.com"\n' + GOOD, "server.public_url", "in clear", id="http"),
        pytest.param('[server]\npublic_url = "http://10.0.0.1:80"\n' + GOOD, "server.public_url", "in clear", id="http-address"),
        pytest.param(
            '[server]\ntrusted_proxies = ["0.0.0.0/0"]\n' + GOOD, "server.trusted_proxies[1]", "0.0.0.0/0", id="everybody-trusted"
        ),
        pytest.param('[server]\ntrusted_proxies = ["::/0"]\n' + GOOD, "server.trusted_proxies[1]", "::/0", id="everybody-trusted-6"),
        pytest.param(
            '[server]\nlisten = "0.0.0.0:8080"\npublic_url = "https://app.example.com"\n' + GOOD,
            "server.public_url",
            "keeps no Secure cookie",
            id="https-that-nobody-ends",
        ),
        pytest.param('[session]\nmax_age = "25h"\n' + GOOD, "session.max_age", "NIST", id="long-session"),
        pytest.param('[session]\nabsolute_max_age = "31d"\n' + GOOD, "session.absolute_max_age", "NIST", id="very-long-session"),
        pytest.param('[[upstreams]]\nname = "x"\nurl = "http://h"\n' + GOOD, "upstreams[1].name", "no route", id="unused-upstream"),
        pytest.param(
            GOOD.replace(':3000"', ':3000"\nsession_cookie = true'), "upstreams[1].session_cookie", "makes sessions", id="app-with-the-keys"
        ),
        pytest.param(APP, "routes", "404", id="no-routes"),
        pytest.param(
            '[server]\nlisten = "127.0.0.1:3000"\n' + GOOD, "upstreams[1].url", "where the gateway listens", id="upstream-is-the-gateway"
        ),
        pytest.param(
            '[server]\nlisten = "0.0.0.0:3000"\n' + GOOD,
            "upstreams[1].url",
            "where the gateway listens",
            id="upstream-is-the-gateway-on-all-addresses",
        ),
        pytest.param(
            '[server]\npublic_url = "http://127.0.0.1:3000"\n' + GOOD,
            "upstreams[1].url",
            "server.public_url",
            id="upstream-is-the-public-url",
        ),
        pytest.param(
            '[redirects]\nafter_sign_in = "/gone"\n' + routes("/x public"), "redirects.after_sign_in", "error page", id="end-without-route"
        ),
        pytest.param(
            '[[redirects.rules]]\nwhen = { role = "a" }\nto = "/shut"\n' + routes("/shut deny", "/** public"),
            "redirects.rules[1].to",
            "error page",
            id="end-that-is-closed",
        ),
        pytest.param(
            '[redirects]\nafter_sign_in = "/admin/start"\n' + routes('/admin/** signed-in roles = ["admin"]', "/** signed-in"),
            "redirects.after_sign_in",
            "role admin",
            id="end-for-a-role-that-not-everybody-has",
        ),
        pytest.param(
            '[[redirects.rules]]\nwhen = { group = "g" }\nto = "/admin"\n' + routes('/admin signed-in roles = ["admin"]', "/** signed-in"),
            "redirects.rules[1].to",
            "role admin",
            id="end-of-a-group-for-a-role",
        ),
        pytest.param(
            '[[redirects.rules]]\nwhen = { role = "a" }\nto = "/x"\n'
            + routes('/x signed-in roles = ["a", "b"]\ngroups = ["g", "h"]', "/** signed-in"),
            "redirects.rules[1].to",
            "group g or h",
            id="end-of-a-role-for-a-group-as-well",
        ),
        pytest.param(
            routes('/x signed-in roles = ["b"]', '/** signed-in sign_in_redirect = "/x"'),
            "routes[2].sign_in_redirect",
            "role b",
            id="end-of-a-route-for-a-role",
        ),
        pytest.param(
            '[server]\npublic_url = "https://a.example"\n[redirects]\nafter_sign_in = "https://b.example/x"\n'
            + GOOD.replace('path = "/**"', 'host = ["a.example", "b.example"]\npath = "/**"'),
            "redirects.after_sign_in",
            "one host alone",
            id="end-on-another-host",
        ),
        # promise 25: a rule set where folding the case would change an answer
        pytest.param(routes('/admin/** signed-in roles = ["a"]', "/** signed-in"), "routes[1].path", "/ADMIN", id="case"),
        pytest.param(routes("/internal/** deny", "/** public"), "routes[1].path", "/INTERNAL", id="case-of-closed-route"),
        pytest.param(routes("/admin deny", "/admin/x public"), "routes[1].path", "/admin/x", id="below"),
        pytest.param(routes('/a/* signed-in roles = ["a"]', "/a/** signed-in"), "routes[1].path", "/a/*/x", id="below-a-star"),
    ],
)
def test_what_may_not_be_meant_is_warned_of(read, text, key, what):
    warnings = {problem.key: problem for problem in read(text).warnings}
    assert what in warnings[key].what
    assert warnings[key].cure


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            '[server]\nlisten = "0.0.0.0:8080"\npublic_url = "https://app.example.com"\ntrusted_proxies = ["10.0.0.1"]\n' + GOOD,
            id="https-that-a-listed-proxy-ends",
        ),
        pytest.param(routes("/admin/** signed-in", "/** deny"), id="what-is-left-is-closed"),
        pytest.param(routes('/admin/** signed-in roles = ["a"]'), id="what-is-left-is-not-listed"),
        pytest.param(routes("/public/** public", "/** signed-in"), id="open-before-closed"),
        pytest.param(routes('/a/** signed-in roles = ["a"]', '/** signed-in roles = ["a"]'), id="same-people"),
        pytest.param('[redirects]\nafter_sign_in = "/a"\n' + routes('/** signed-in roles = ["a"]'), id="nobody-else-has-anything-here"),
        pytest.param(
            '[[redirects.rules]]\nwhen = { role = "a" }\nto = "/a"\n' + with_case('/a/** signed-in roles = ["a", "b"]', "/** signed-in"),
            id="end-of-a-role-for-it",
        ),
        pytest.param(
            with_case('/a/** signed-in roles = ["a"]\nsign_in_redirect = "/a"', "/** signed-in"), id="end-of-a-route-for-the-same-people"
        ),
        pytest.param(
            with_case("/a/** signed-in", "/** public"),
            id="case-matters",
        ),
        pytest.param(routes("/** signed-in host = 'a.example'", "/x deny host = 'b.example'"), id="other-host"),
        pytest.param(routes("/x signed-in methods = ['POST']", "/X public methods = ['GET']"), id="other-method"),
        pytest.param('[server]\npublic_url = "http://[::1]:8080"\n' + GOOD, id="loopback-6"),
        pytest.param('[server]\npublic_url = "http://app.localhost:8080"\n' + GOOD, id="loopback-name"),
        pytest.param('[server]\npublic_url = "https://app.example.com"\n' + GOOD, id="https"),
        pytest.param('[session]\nupdate_age = "0s"\n' + GOOD, id="renewed-each-time"),
        pytest.param("[limits]\nrequest_body = 0\n" + GOOD, id="no-limit"),
        pytest.param('[pages]\nsign_in = "/login?brand=x"\n' + routes("/login public", "/** signed-in"), id="page-that-all-may-see"),
        pytest.param('[pages]\nsign_out = "/bye"\n' + GOOD, id="sign-out-page-behind-the-sign-in"),
    ],
)
def test_what_is_fine_is_not_warned_of(read, text):
    assert read(text).warnings == ()


def test_a_target_on_a_route_s_own_host_is_fine(read):
    text = '[server]\npublic_url = "https://a.example"\n[redirects]\nafter_sign_in = "https://b.example/x"\n' + routes(
        "/** signed-in host = 'b.example'"
    )
    assert read(text).warnings == ()
