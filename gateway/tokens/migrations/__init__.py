"""The history of the table of sign-outs."""
