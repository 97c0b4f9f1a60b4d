"""Forward-auth: a proxy that carries the traffic itself asks the gateway about each request, and gets the answer of the same policy.

`dialects.py` says how each proxy asks and what it can take; `asking.py` makes a request of what it says; `engine.py` answers.
"""
