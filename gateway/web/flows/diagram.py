"""A flow as a sequence diagram: where each line, box and text stands. One for each width of screen; the template draws.

Nothing here knows colours. Texts have a halo of the ground's colour, so they may stand on lifelines; what is longer than its place is wrapped,
or shortened with the whole of it in the list beside the picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.web.flows.steps import CookieNote, Did, Lane, Mark, Step
from gateway.web.flows.times import duration

LABELS = {Lane.BROWSER: "Browser", Lane.GATEWAY: "Gateway", Lane.PROVIDER: "Provider", Lane.SESSION: "Session", Lane.UPSTREAM: "App"}
_DOT = "\N{NO-BREAK SPACE}· "  # stays at the end of a line
_BREAKS = re.compile(r"(?<= )|(?<=[^ /]/)")
_NARROW_CHARACTERS, _WIDE_CHARACTERS = frozenset(" ijlft.,:;'|!()[]/-"), frozenset("mwMW@%…→")


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `sort` is its class: `title`, `more`, `cookie`, `why`."""

    x: float
    y: float
    text: str
    sort: str
    mark: Mark = Mark.PLAIN


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one lifeline to another; `tip` is where its head ends, `side` which way it points."""

    x1: float
    x2: float
    y: float
    mark: Mark

    @property
    def side(self) -> int:
        """1 to the right, -1 to the left."""
        return 1 if self.x2 > self.x1 else -1


@dataclass(frozen=True, slots=True)
class Box:
    """Work within a lane."""

    x: float
    y: float
    width: float
    height: float
    mark: Mark


@dataclass(frozen=True, slots=True)
class Badge:
    """The number of a step, on its lifeline, or the sign of how it went."""

    x: float
    y: float
    number: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Head:
    """The name of a lane."""

    x: float
    label: str
    lane: Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the pictures differ in. Lengths are those of the drawing; text is wrapped at so many of them."""

    name: str
    width: float
    lanes: dict[Lane, float]
    head: float
    title: float
    more: float
    indent: float
    full_width: bool


WIDE = Shape(
    name="wide",
    width=940,
    lanes={Lane.BROWSER: 58, Lane.GATEWAY: 396, Lane.PROVIDER: 576, Lane.SESSION: 730, Lane.UPSTREAM: 882},
    head=108,
    title=14,
    more=12.5,
    indent=18,
    full_width=False,
)
MEDIUM = Shape(
    name="medium",
    width=720,
    lanes={Lane.BROWSER: 52, Lane.GATEWAY: 298, Lane.PROVIDER: 430, Lane.SESSION: 550, Lane.UPSTREAM: 667},
    head=100,
    title=14,
    more=12.5,
    indent=18,
    full_width=False,
)
NARROW = Shape(
    name="narrow",
    width=300,
    lanes={Lane.BROWSER: 28, Lane.GATEWAY: 89, Lane.PROVIDER: 150, Lane.SESSION: 211, Lane.UPSTREAM: 272},
    head=54,
    title=13,
    more=11.5,
    indent=0,
    full_width=True,
)


SHAPES = (WIDE, MEDIUM, NARROW)


@dataclass(slots=True)
class Diagram:
    """What is drawn, from the top."""

    shape: Shape
    y: float = 62
    heads: list[Head] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    badges: list[Badge] = field(default_factory=list)

    @property
    def height(self) -> float:
        """Of all of it."""
        return self.y + 12


def draw(steps: Sequence[Step], shape: Shape) -> Diagram:
    """Lay out the steps; lanes that nothing touches stay, so that all pictures look alike."""
    picture = Diagram(shape)
    picture.heads = [Head(x, LABELS[lane], lane) for lane, x in shape.lanes.items()]
    for number, step in enumerate(steps, 1):
        (_draw_work if step.source is step.target else _draw_arrow)(picture, step, number)
    return picture


def drawings(steps: Sequence[Step]) -> tuple[Diagram, ...]:
    """One for each width; the style sheet shows the one that fits."""
    return tuple(draw(steps, shape) for shape in SHAPES)


def _draw_arrow(picture: Diagram, step: Step, number: int) -> None:
    shape = picture.shape
    x1, x2 = shape.lanes[step.source], shape.lanes[step.target]
    left = 4.0 if shape.full_width else min(x1, x2) + shape.indent
    room = (
        shape.width - 8
        if shape.full_width
        else (shape.lanes[Lane.GATEWAY] - left - 16 if Lane.BROWSER in (step.source, step.target) else shape.width - left)
    )
    picture.y += 8
    for line in _wrapped(str(step.title), room, shape.title, most=2, bold=True):
        picture.y += shape.title + 3
        picture.texts.append(Text(left, picture.y, line, "title"))
    picture.y += 10 if not shape.full_width else 15
    picture.arrows.append(Arrow(x1, x2, picture.y, step.mark))
    picture.badges.append(Badge(x1, picture.y, number, step.mark))
    picture.y += 4 if not shape.full_width else 7
    _draw_more(picture, step, left, room)
    picture.y += 8


def _draw_work(picture: Diagram, step: Step, number: int) -> None:
    shape = picture.shape
    took = "" if step.took_us is None else duration(step.took_us / 1e6)
    side = width_of(took, shape.more) + 12 if took else 0.0
    x = 3.0 if shape.full_width else shape.lanes[step.source] - 14
    if not shape.full_width:  # the last lanes have little room to their right, and some to their left
        needed = width_of(str(step.title), shape.title, bold=True) + 42 + side
        x = min(x, max(shape.lanes[Lane.GATEWAY] - 14, shape.width - 3 - needed))
    most = shape.width - x - 3
    lines = _wrapped(str(step.title), most - 40 - side, shape.title, most=2, bold=True)
    height = len(lines) * (shape.title + 4) + 9
    width = most if shape.full_width else min(most, max(width_of(line, shape.title, bold=True) for line in lines) + 42 + side)
    picture.y += 7
    picture.boxes.append(Box(x, picture.y, width, height, step.mark))
    picture.badges.append(Badge(x + 14, picture.y + height / 2, number, step.mark))
    for index, line in enumerate(lines):
        picture.texts.append(Text(x + 30, picture.y + shape.title + 3.5 + index * (shape.title + 4), line, "title", step.mark))
    if took:
        picture.texts.append(Text(x + width - 10, picture.y + shape.title + 3.5, took, "took"))
    picture.y += height
    _draw_more(picture, step, x + (3 if shape.full_width else 30), shape.width - x - (8 if shape.full_width else 34), took=False)
    picture.y += 7


def _draw_more(picture: Diagram, step: Step, x: float, room: float, *, took: bool = True) -> None:
    """What stands below an arrow or a box: the reason and the time, what went in and came out, cookies."""
    size = picture.shape.more
    for sort, text in lines_of(step, took=took):
        indent = 18 if sort == "cookie" else 0
        for index, line in enumerate(_wrapped(text, room - indent, size, most=4)):
            picture.y += size + 4.5
            picture.texts.append(Text(x + indent, picture.y, line, sort if index == 0 else f"{sort} on", step.mark))


def lines_of(step: Step, *, took: bool = True) -> Iterable[tuple[str, str]]:
    """What stands below a step in the picture, shortest first."""
    time = "" if step.took_us is None or not took else duration(step.took_us / 1e6)
    why = "" if step.why is None else str(step.why)
    if why or time:
        yield "why", _DOT.join(filter(None, (why, time)))
    facts = [(str(fact.label), str(fact.value)) for fact in step.facts if str(fact.label) != "values"]
    if len(facts) > 1 and all(len(label) + len(value) < 30 for label, value in facts):
        yield "more", _DOT.join(f"{label} {value}" for label, value in facts)
    else:
        yield from (("more", f"{label}: {value}") for label, value in facts)
    yield from (("cookie", cookie_line(note)) for note in step.cookies)


def cookie_line(note: CookieNote) -> str:
    """A cookie in one line."""
    verb = {Did.SENT: "brings", Did.SET: "sets", Did.CLEARED: "clears"}[note.did]
    parts = [f"{verb} {note.name}"]
    if note.did is not Did.CLEARED:
        parts.append(f"{note.size} bytes" + (f" in {note.chunks} cookies" if note.chunks > 1 else ""))
    if note.age_s is not None:
        parts += [f"{duration(note.age_s)} old"] if note.age_s else []
    if note.did is Did.SET:
        parts += [str(text) for text in note.attributes if not str(text).startswith("Path=")]
        parts.append(f"ends in {duration(note.ends_s)}" if note.ends_s is not None else "ends with the browser")
    return _DOT.join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a text is; rather too wide than too narrow."""
    units = 0.0
    for char in text:
        units += (
            0.34
            if char in _NARROW_CHARACTERS
            else 0.92
            if char in _WIDE_CHARACTERS
            else 0.69
            if char.isupper()
            else 1.0
            if ord(char) > 0x2E80
            else 0.57
        )
    return units * size * (1.13 if bold else 1.03)


def _wrapped(text: str, room: float, size: float, *, most: int, bold: bool = False) -> list[str]:
    """The text in lines that fit, at most so many; the last one is shortened. Addresses are broken behind a slash."""
    lines = [""]
    for piece in (part for word in _BREAKS.split(text) for part in _fitting(word, room, size, bold=bold)):
        if lines[-1] and width_of((lines[-1] + piece).rstrip(), size, bold=bold) > room:
            lines.append("")
        lines[-1] += piece
    lines = [line.strip() for line in lines]
    if len(lines) <= most:
        return lines
    last = f"{lines[most - 1]} {lines[most]}"
    while last and width_of(f"{last}…", size, bold=bold) > room:
        last = last[:-1]
    return [*lines[: most - 1], f"{last.rstrip()}…"]


def _fitting(word: str, room: float, size: float, *, bold: bool) -> Iterator[str]:
    """A word in parts that are no wider than the room."""
    while width_of(word, size, bold=bold) > room and len(word) > 1:
        end = next(end for end in range(len(word) - 1, 0, -1) if end == 1 or width_of(word[:end], size, bold=bold) <= room)
        yield word[:end]
        word = word[end:]
    yield word
