"""[callbacks] for config/examples/callbacks.toml: NextAuth's callbacks in Python. Each may be async, and takes the arguments that it needs, by name."""

ALLOWED = "@example.com"


async def sign_in(*, user, account, credentials):
    """May this user sign in? True, False, or the address of a page that says why not."""
    if not (user["email"] or "").endswith(ALLOWED):
        return "/public/not-a-member"
    return True


async def redirect(*, url, base_url):
    """Where may a sign-in end? What this gives is judged like any target: our own origin, or one of redirects.allowed_origins."""
    return "/home" if url in ("/", base_url, f"{base_url}/") else url


async def jwt(*, token, user=None, trigger=None, session=None):
    """What is in the token? None ends the session."""
    if user is not None:  # at the sign-in
        token["team"] = user.get("department", "nobody's")
    if trigger == "update" and isinstance(session, dict):  # update() in the browser: check what it wants
        name = session.get("name")
        if isinstance(name, str) and 0 < len(name) <= 80:
            token["name"] = name
    return token


async def session(*, session, token):
    """What may the browser see?"""
    session["user"] |= {"id": token["sub"], "team": token.get("team")}
    return session


def on_sign_in(*, user, account):
    """An event: what it gives or raises changes nothing."""
    print(f"{user['id']} signed in by {account['provider']}")
