"""Python of the operator's own: what it may define, how it is found, and how it is called so that it can't hurt anybody."""

from gateway.callbacks.protocol import Account, Claims, Jwt, OnSession, OnSignIn, OnSignOut, Redirect, Session, SignIn

__all__ = ["Account", "Claims", "Jwt", "OnSession", "OnSignIn", "OnSignOut", "Redirect", "Session", "SignIn"]
