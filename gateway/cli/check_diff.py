"""What `gateway check --diff` prints: the requests that open or close, for whom and why, and how many there were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

import click

from gateway.cli.access_diff import Change, changes
from gateway.cli.asked import Requests, samples_of
from gateway.cli.output import plain, print_json
from gateway.cli.problems import count
from gateway.settings.policy import policy_of

if TYPE_CHECKING:
    from gateway.settings.model import Settings


def show_diff(before: Settings, after: Settings, logs: Sequence[IO[str]], *, as_json: bool) -> bool:
    """Print it; True if anybody's access changes."""
    requests = _read(logs) if logs else samples_of([*policy_of(before).routes.ordered, *policy_of(after).routes.ordered])
    found = list(changes(before, after, requests, now=datetime.now(UTC)))
    if as_json:
        print_json(_as_json(found, requests))
        return bool(found)
    for change in found:
        _show(change, "opens", "red", change.opens_for)
        _show(change, "closes", "yellow", change.closes_for)
    asked = f"{count(len(requests.counts), 'different request')}, {'from the log' if logs else 'made up from the routes'}"
    told = f"{sum(bool(change.opens_for) for change in found)} open, {sum(bool(change.closes_for) for change in found)} close"
    click.secho(f"{asked}: {told}", fg=None if found else "green", bold=True)
    if requests.unread:
        click.echo(f"  {count(requests.unread, 'line')} with no request in it")
    if requests.left_out:
        click.echo(f"  {count(requests.left_out, 'line')} left out: there were too many different requests")
    return bool(found)


def _read(logs: Iterable[IO[str]]) -> Requests:
    requests = Requests()
    for log in logs:
        for line in log:
            requests.add(line)
    return requests


def _show(change: Change, verb: str, colour: str, people: Sequence[str]) -> None:
    if not people:
        return
    asked = f"{change.asked.method} {change.asked.host}{change.asked.target}"
    times = f"  ({change.count} times)" if change.count > 1 else ""
    click.echo(f"{click.style(f'{verb:<6}', fg=colour, bold=True)}  {plain(asked)}{times}")
    for who in people:
        was, is_ = change.reasons[who]
        click.echo(f"        for {plain(who)}: {was} → {is_}")


def _as_json(found: Iterable[Change], requests: Requests) -> dict[str, object]:
    return {
        "requests": len(requests.counts),
        "unread": requests.unread,
        "left_out": requests.left_out,
        "changes": [
            {
                "method": change.asked.method,
                "host": change.asked.host or None,
                "path": change.asked.target,
                "count": change.count,
                "opens_for": list(change.opens_for),
                "closes_for": list(change.closes_for),
                "reasons": {who: [was.value, is_.value] for who, (was, is_) in change.reasons.items()},
            }
            for change in found
        ],
    }
