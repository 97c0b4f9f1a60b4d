"""The history of the table of those who have signed in."""
