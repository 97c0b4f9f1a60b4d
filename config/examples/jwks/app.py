"""An app that believes a signature and nothing else: fastapi-jwks, as its documentation sets it up, verifies the gateway's assertion. From this folder:

uvicorn app:app --port 3000
gateway run -c gateway.toml            then open http://localhost:8080/ and sign in as ada, password lovelace
"""

from __future__ import annotations

from fastapi import Depends, FastAPI
from fastapi_jwks.injector import JWTTokenInjector
from fastapi_jwks.middlewares.jwk_auth import JWKSAuthMiddleware
from fastapi_jwks.models.types import JWKSConfig, JWTDecodeConfig
from fastapi_jwks.validators import JWKSValidator
from pydantic import BaseModel


class Payload(BaseModel):
    sub: str
    email: str | None = None
    roles: list[str] = []


app = FastAPI()
validator = JWKSValidator[Payload](
    decode_config=JWTDecodeConfig(audience=["app"], issuer="http://localhost:8080"),
    jwks_config=JWKSConfig(url="http://localhost:8080/.well-known/jwks.json"),
)
app.add_middleware(JWKSAuthMiddleware, jwks_validator=validator)


@app.get("/")
def who(payload: Payload = Depends(JWTTokenInjector[Payload]())):  # noqa: B008  # FastAPI's way
    return payload
