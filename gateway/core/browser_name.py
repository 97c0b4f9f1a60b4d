"""What a User-Agent stands for, in the words of a person: "Firefox on Linux". It is a hint and no proof: anybody may say anything."""

from __future__ import annotations

#: What is looked for, in order: most browsers claim to be others, too (RFC 9110 10.1.5).
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"), ("Chromium/", "Chromium"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
    ("curl/", "curl"), ("Wget/", "Wget"), ("python", "Python"), ("Python", "Python"), ("okhttp", "an Android app"), ("node", "Node.js"),
)  # fmt: skip
_SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"), ("Mac OS", "macOS"), ("Linux", "Linux"), ("X11", "Unix"),
)  # fmt: skip


def browser_name(user_agent: str) -> str:
    """A few words; never a part of what was sent."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser is None:
        return f"A browser on {system}" if system else "An unknown browser"
    return f"{browser} on {system}" if system else browser[0].upper() + browser[1:]
