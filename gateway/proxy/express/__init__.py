"""The express lane: plain requests that may pass go straight to their upstream, without a task, and without aiohttp.

It decides nothing of its own. A request is taken only if it has the one plain form that every reader reads alike (`plain.py`) and if a
`Judge` has said yes to this very session on this very route before; everything else goes to the general lane, bytes untouched.
"""
