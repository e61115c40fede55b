"""A small SVG canvas: boxes, groups of boxes, arrows with labels; light and dark."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Literal, TypeAlias
from xml.sax.saxutils import escape, quoteattr

Point: TypeAlias = tuple[int, int]
Side: TypeAlias = Literal["left", "right", "top", "bottom"]
Anchor: TypeAlias = Literal["start", "middle", "end"]
Tone: TypeAlias = Literal["plain", "good", "warn", "quiet"]

_CORNER = 10
_HEAD = 8

# One row a tone: stroke and fill in light mode, then in dark mode.
_TONES: dict[Tone, tuple[str, str, str, str]] = {
    "plain": ("#3b5bdb", "#edf2ff", "#91a7ff", "#1b2444"),
    "good": ("#2b8a3e", "#ebfbee", "#69db7c", "#12301a"),
    "warn": ("#c2410c", "#fff4e6", "#ffa94d", "#3a2410"),
    "quiet": ("#6b7280", "#f3f4f6", "#9ca3af", "#24282f"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """
    A rectangle that arrows may touch: a state, a room, or a group of them.

    Attributes:
        name: what is written in it (a box), or above it (a group).
        x: left edge.
        y: upper edge.
        width: to the right.
        height: downwards.

    """

    name: str
    x: int
    y: int
    width: int = 118
    height: int = 42

    def port(self, side: Side, at: float = 0.5) -> Point:
        """Return the point on a side, ``at`` of the way from its left or upper end."""
        across, down = round(self.width * at), round(self.height * at)
        match side:
            case "left":
                return self.x, self.y + down
            case "right":
                return self.x + self.width, self.y + down
            case "top":
                return self.x + across, self.y
            case "bottom":
                return self.x + across, self.y + self.height

    def holds(self, other: "Box") -> bool:
        """Tell whether the other box lies inside this one."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )


@dataclass(frozen=True, slots=True)
class Label:
    """
    What is written beside an arrow.

    Attributes:
        text: in bold.
        note: smaller, below it, wrapped.
        at: the first line's place.
        wrap: after how many characters the note goes on in the next line.
        gap: from the first line to the note; more lets the arrow pass between.
        anchor: which end of the lines stands there.

    """

    text: str
    note: str
    at: Point
    wrap: int = 24
    gap: int = 15
    anchor: Anchor = "middle"


@dataclass(slots=True)
class Canvas:
    """
    Collects shapes and writes them as one self-contained SVG.

    It brings its own background, so that it can be read on any page, and
    follows the reader's choice of light or dark.
    """

    width: int
    height: int
    title: str
    description: str
    _parts: list[str] = field(default_factory=list)

    def heading(self, text: str, note: str, at: Point) -> None:
        """Write a section's name with a quiet note beside it."""
        x, y = at
        self._parts.append(
            f'<text class="heading" x="{x}" y="{y}">{escape(text)}'
            f'<tspan class="note" dx="10">{escape(note)}</tspan></text>'
        )

    def remark(self, text: str, at: Point, wrap_at: int = 40) -> None:
        """Write a quiet paragraph."""
        for index, line in enumerate(wrap(text, wrap_at)):
            y = at[1] + 17 * index
            self._parts.append(f'<text class="note" x="{at[0]}" y="{y}">{escape(line)}</text>')

    def group(self, box: Box, tone: Tone = "quiet") -> None:
        """Draw a dashed frame with its name in the upper left corner."""
        self._parts.append(
            f'<g class="group {tone}"><rect {_rect(box)} rx="14"/>'
            f'<text x="{box.x + 12}" y="{box.y + 17}">{escape(box.name)}</text></g>'
        )

    def box(self, box: Box, tone: Tone = "plain", *, note: str = "", final: bool = False) -> None:
        """Draw a box with its name; a final one has a double frame."""
        x, y = box.x + box.width // 2, box.y + box.height // 2
        notes = note.splitlines()
        name_at = y + 5 - 8 * len(notes)
        inner = Box("", box.x + 4, box.y + 4, box.width - 8, box.height - 8)
        frame = f'<rect {_rect(inner)} rx="6" class="inner"/>' if final else ""
        lines = f'<text class="name" x="{x}" y="{name_at}">{escape(box.name)}</text>'
        for index, line in enumerate(notes, start=1):
            lines += f'<text class="note" x="{x}" y="{name_at + 17 * index}">{escape(line)}</text>'
        self._parts.append(f'<g class="box {tone}"><rect {_rect(box)} rx="9"/>{frame}{lines}</g>')

    def start(self, at: Point, to: Point) -> None:
        """Draw the dot from which everything begins."""
        x, y = at
        self._parts.append(
            f'<g class="edge quiet"><circle cx="{x}" cy="{y}" r="6"/>'
            f'<path d="{_path([at, to])}"/><polygon points="{_head([at, to])}"/></g>'
        )

    def arrow(
        self,
        points: Sequence[Point],
        tone: Tone = "plain",
        *,
        label: Label | None = None,
        facts: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Draw an arrow along the points; ``facts`` say in ``data-`` attributes what it means."""
        data = "".join(f" data-{name}={quoteattr(value)}" for name, value in facts)
        text = _label(label) if label else ""
        self._parts.append(
            f'<g class="edge {tone}"{data}><path d="{_path(points)}"/>'
            f'<polygon points="{_head(points)}"/>{text}</g>'
        )

    def svg(self) -> str:
        """Return the whole picture."""
        size = f'width="{self.width}" height="{self.height}"'
        lines = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"',
            f'     {size} role="img" aria-labelledby="title description">',
            f'<title id="title">{escape(self.title)}</title>',
            f'<desc id="description">{escape(self.description)}</desc>',
            f"<style>{_style()}</style>",
            f'<rect class="card" {size} rx="16"/>',
            *self._parts,
            "</svg>",
        )
        return "".join(f"{line}\n" for line in lines)


def _rect(box: Box) -> str:
    return f'x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"'


def _label(label: Label) -> str:
    x, y = label.at
    lines = [("event", y, label.text)]
    for index, line in enumerate(wrap(label.note, label.wrap)):
        lines.append(("note", y + label.gap + 14 * index, line))
    return "".join(
        f'<text class="{kind}" x="{x}" y="{at}" text-anchor="{label.anchor}">{escape(line)}</text>'
        for kind, at, line in lines
    )


def _towards(start: Point, end: Point, distance: int) -> Point:
    """Go from start towards end, at most half of the way."""
    length = max(1, round(((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5))
    step = min(distance, length // 2)
    return (
        start[0] + round((end[0] - start[0]) * step / length),
        start[1] + round((end[1] - start[1]) * step / length),
    )


def _path(points: Sequence[Point]) -> str:
    """Return the line with rounded corners, ending where the arrow's head begins."""
    *_, before, last = points
    ends = [*points[:-1], _towards(last, before, _HEAD - 1)]
    steps = [f"M{ends[0][0]} {ends[0][1]}"]
    for index in range(1, len(ends) - 1):
        corner = ends[index]
        arrive = _towards(corner, ends[index - 1], _CORNER)
        leave = _towards(corner, ends[index + 1], _CORNER)
        steps.append(f"L{arrive[0]} {arrive[1]}Q{corner[0]} {corner[1]} {leave[0]} {leave[1]}")
    steps.append(f"L{ends[-1][0]} {ends[-1][1]}")
    return "".join(steps)


def _head(points: Sequence[Point]) -> str:
    *_, before, (x, y) = points
    length = max(1.0, ((before[0] - x) ** 2 + (before[1] - y) ** 2) ** 0.5)
    back_x, back_y = (before[0] - x) / length, (before[1] - y) / length
    foot_x, foot_y = x + back_x * _HEAD, y + back_y * _HEAD
    half = _HEAD * 0.55
    corners = (
        (x, y),
        (foot_x - back_y * half, foot_y + back_x * half),
        (foot_x + back_y * half, foot_y - back_x * half),
    )
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)


def _tones(stroke_at: int, fill_at: int) -> str:
    rules = []
    for tone, colours in _TONES.items():
        stroke, fill = colours[stroke_at], colours[fill_at]
        rules.append(
            f".box.{tone} rect{{stroke:{stroke};fill:{fill}}}"
            f".box.{tone} .name,.group.{tone} text,.edge.{tone} .event{{fill:{stroke}}}"
            f".group.{tone} rect,.edge.{tone} path{{stroke:{stroke}}}"
            f".edge.{tone} polygon,.edge.{tone} circle{{fill:{stroke}}}"
        )
    return "".join(rules)


def _style() -> str:
    fixed = (
        'text{font:13px system-ui,-apple-system,"Segoe UI","DejaVu Sans",Arial,sans-serif}'
        ".heading{font-size:19px;font-weight:700}"
        ".heading .note{font-size:13px;font-weight:400}"
        ".box rect{stroke-width:1.6}.box .inner{fill:none!important;stroke-width:1}"
        ".box .name{font-weight:700;text-anchor:middle;letter-spacing:.02em}"
        ".box .note{text-anchor:middle}"
        ".group rect{fill:none;stroke-width:1.2;stroke-dasharray:5 4}"
        ".group text{font-size:12px;font-style:italic}"
        ".edge path{fill:none;stroke-width:1.7}"
        ".event,.edge .note{paint-order:stroke;stroke-width:5px;stroke-linejoin:round}"
        ".event{font-weight:600}.note{font-size:12px}"
    )
    light = (
        ".card{fill:#fff}.heading{fill:#111827}.note,.heading .note{fill:#4b5563}"
        ".event,.edge .note{stroke:#fff}" + _tones(0, 1)
    )
    dark = (
        ".card{fill:#12161d}.heading{fill:#f3f4f6}.note,.heading .note{fill:#b6bdc9}"
        ".event,.edge .note{stroke:#12161d}" + _tones(2, 3)
    )
    return f"{fixed}{light}@media (prefers-color-scheme:dark){{{dark}}}"
