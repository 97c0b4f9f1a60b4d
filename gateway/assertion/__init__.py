"""The signed assertion: the keys that sign it, and the token that tells an upstream who somebody is so that it can verify it."""
