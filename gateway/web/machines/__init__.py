"""Programs as clients: an `Authorization` that is for the gateway, read, checked, and never passed on.

`sent.py` says which one is for us; `bearer.py` and `basic.py` say whose it is; `machines.py` is what the guard and forward-auth ask.
"""
