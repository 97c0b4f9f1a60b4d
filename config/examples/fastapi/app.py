"""A FastAPI app without a line of sign-in code: it asks `gateway.upstream` who is there."""

from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request

from gateway.upstream import IdentityReader, Session, get_session

# Which headers there are stands in one place, and only what comes from this machine is believed.
READER = IdentityReader.of_file(Path(__file__).with_name("gateway.toml"), trusted=["127.0.0.1"])
app = FastAPI(title="Orders", openapi_url="/api/openapi.json", docs_url="/api/docs", redoc_url=None)


def anybody(request: Request) -> Session | None:
    """Who is signed in, if anybody."""
    return get_session(request, reader=READER)


def somebody(session: Annotated[Session | None, Depends(anybody)]) -> Session:
    """Who is signed in; 401 for nobody, should the gateway's rules ever let one through."""
    if session is None:
        raise HTTPException(401, "Nobody is signed in.")
    return session


def editor(session: Annotated[Session, Depends(somebody)]) -> Session:
    """Somebody with the role."""
    if "editor" not in session.user.roles:
        raise HTTPException(403, "This is for editors.")
    return session


@app.get("/")
def home(session: Annotated[Session | None, Depends(anybody)]) -> dict[str, str]:
    """For everybody."""
    return {"hello": session.user.name or session.user.id if session else "stranger"}


@app.get("/api/me")
def me(session: Annotated[Session, Depends(somebody)]) -> dict[str, object]:
    """For whoever is signed in."""
    return {"id": session.user.id, "email": session.user.email, "roles": session.user.roles, "groups": session.user.groups}


@app.post("/api/orders")
def order(session: Annotated[Session, Depends(editor)]) -> dict[str, str]:
    """For editors."""
    return {"ordered_by": session.user.id}
