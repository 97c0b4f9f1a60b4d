"""One file a step; the name says what it does, `revision` its place."""
