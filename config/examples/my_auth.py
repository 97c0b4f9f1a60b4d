"""authorize() for config/examples/python-authorize.toml: who somebody is, or None."""

import hmac

# A real one would ask your own service or database here.
ACCOUNTS = {"ada@example.com": {"password": "lovelace", "code": "181210", "id": "ada", "name": "Ada Lovelace", "department": "engines"}}


async def authorize(credentials, request):
    """Return the user that the posted fields belong to. Raise only if nobody can know: people are then told to try again later."""
    account = ACCOUNTS.get(credentials.get("email", "").lower())
    if account is None:
        return None
    password = hmac.compare_digest(account["password"].encode(), credentials.get("password", "").encode())
    code = hmac.compare_digest(account["code"].encode(), credentials.get("code", "").encode())
    if not (password and code):
        return None
    return {
        "id": account["id"],
        "name": account["name"],
        "email": credentials["email"],
        "groups": ["staff"],
        "department": account["department"],
    }
