"""The picture of the rooms and of the one way in which imports may point: inward."""

from dataclasses import dataclass

from retender.entrypoints.cli.picture.canvas import Box, Canvas, Label, Point, Tone

WIDTH, HEIGHT = 1120, 570


@dataclass(frozen=True, slots=True)
class Room:
    """A room, where it stands, and a line or two about it."""

    box: Box
    note: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Arrow:
    """The sources may import the targets."""

    sources: tuple[str, ...]
    start: Point
    targets: tuple[str, ...]
    end: Point
    label: Label | None = None
    via: tuple[Point, ...] = ()


ROOMS: dict[str, Room] = {
    "entrypoints": Room(
        Box("entrypoints", 48, 128, 220, 92), "http, cli, worker,\nsettings, container", "plain"
    ),
    "domain.use_cases": Room(
        Box("domain.use_cases", 420, 128, 280, 62), "what can be done, one verb a file", "good"
    ),
    "domain.steps": Room(Box("domain.steps", 420, 214, 280, 62), "what verbs are made of", "good"),
    "ports": Room(Box("ports", 420, 300, 280, 62), "what the core needs, one role a file", "good"),
    "domain.model": Room(
        Box("domain.model", 420, 386, 280, 62), "what is true: values, rules, states", "good"
    ),
    "adapters": Room(
        Box("adapters", 872, 196, 204, 80), "how we give it:\nsql, http, clock, ids", "plain"
    ),
    "plugins": Room(
        Box("plugins", 872, 300, 204, 80), "what others bring: alipay,\nwechat_pay, yours", "plain"
    ),
    "simulators": Room(
        Box("simulators", 48, 300, 220, 92),
        "the gateways, played:\nalipay, wechat_pay, sandbox",
        "plain",
    ),
}

CORE = Box("the core: standard library alone", 396, 92, 328, 376)
OUTSIDE = Box("the technology", 852, 166, 244, 240)

_INTO_PORTS = Label(
    "implement roles", "each proved by a contract of its own", (788, 278), 18, gap=25
)

ARROWS: tuple[Arrow, ...] = (
    Arrow(
        ("entrypoints",),
        ROOMS["entrypoints"].box.port("right", 0.3913),
        ("domain.use_cases",),
        ROOMS["domain.use_cases"].box.port("left"),
        Label("run a verb", "plain arguments in, a value out", (332, 156), 17, gap=25),
    ),
    Arrow(
        ("domain.use_cases",),
        ROOMS["domain.use_cases"].box.port("bottom"),
        ("domain.steps",),
        ROOMS["domain.steps"].box.port("top"),
    ),
    Arrow(
        ("domain.steps",),
        ROOMS["domain.steps"].box.port("bottom"),
        ("ports",),
        ROOMS["ports"].box.port("top"),
    ),
    Arrow(
        ("ports",),
        ROOMS["ports"].box.port("bottom"),
        ("domain.model",),
        ROOMS["domain.model"].box.port("top"),
    ),
    Arrow(
        ("adapters", "plugins"),
        OUTSIDE.port("left"),
        ("ports",),
        ROOMS["ports"].box.port("right"),
        _INTO_PORTS,
    ),
    Arrow(
        ("entrypoints",),
        ROOMS["entrypoints"].box.port("top"),
        ("adapters", "plugins"),
        OUTSIDE.port("top"),
        Label(
            "container.py puts them together",
            "the only file that names a concrete class; the core meets them as ports",
            (560, 44),
            80,
            gap=30,
        ),
        via=((158, 54), (974, 54)),
    ),
    Arrow(
        ("entrypoints",),
        ROOMS["entrypoints"].box.port("bottom"),
        ("simulators",),
        ROOMS["simulators"].box.port("top"),
        Label("play a gateway", "for a demo or a test", (168, 254), 24, gap=17, anchor="start"),
    ),
    Arrow(
        ("simulators",),
        ROOMS["simulators"].box.port("bottom"),
        ("plugins",),
        ROOMS["plugins"].box.port("bottom"),
        Label(
            "speak the same wire formats",
            "what they share is listed; no provider knows its simulator",
            (560, 498),
            80,
            gap=30,
        ),
        via=((158, 508), (974, 508)),
    ),
)


def arrow_picture() -> str:
    """Draw the rooms; the same code gives the same text."""
    canvas = Canvas(
        WIDTH,
        HEIGHT,
        "The rooms of Retender and the arrows between them",
        "Who may import whom: every arrow points inward, to the domain.",
    )
    canvas.group(CORE, "good")
    canvas.group(OUTSIDE)
    for room in ROOMS.values():
        canvas.box(room.box, room.tone, note=room.note)
    for arrow in ARROWS:
        canvas.arrow(
            (arrow.start, *arrow.via, arrow.end),
            ROOMS[arrow.sources[0]].tone,
            label=arrow.label,
            facts=(("from", " ".join(arrow.sources)), ("to", " ".join(arrow.targets))),
        )
    canvas.remark(
        "An arrow may skip a room, but none turns round: the import contracts see to it.",
        (48, 552),
        wrap_at=100,
    )
    return canvas.svg()
