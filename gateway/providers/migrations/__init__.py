"""How the table of users came to be, step by step; run by `sql_table.py` at the start, under a lock."""
