"""Tokens that the gateway issues to programs: how one is written, and where it is kept."""
