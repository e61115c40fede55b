"""The picture of the states: the transition table, laid out by hand, drawn from the code."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from retender.domain.model.transition import (
    ASKED_AFTER,
    CAPTURED,
    ENDING,
    LIVE,
    PAYABLE,
    TABLE,
    AttemptEvent,
    AttemptState,
    OrderEvent,
    OrderState,
    RefundEvent,
    RefundState,
    State,
    Transition,
    TransitionEvent,
)
from retender.entrypoints.cli.picture.canvas import (
    Anchor,
    Box,
    Canvas,
    Label,
    Point,
    Side,
    Tone,
)

WIDTH, HEIGHT = 1140, 1344
_O, _A, _R = OrderState, AttemptState, RefundState


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame around states: an arrow that leaves it leaves each of them."""

    states: frozenset[State]
    box: Box


@dataclass(frozen=True, slots=True)
class Route:
    """
    How one row of the table is drawn.

    Attributes:
        leaves: the side of the source, or of the frame around all sources, and
            how far along it.
        enters: the same of the target.
        label: where its words stand; the words themselves come from the table.
        via: corners on the way.

    """

    leaves: tuple[Side, float] = ("right", 0.5)
    enters: tuple[Side, float] = ("left", 0.5)
    label: Label | None = None
    via: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """
    Where everything of one state machine stands.

    Attributes:
        title: its name, with what it is and where that is written.
        first: the state in which it begins.
        boxes: a place for each of its states.
        frames: around several of them, the outer before the inner.
        routes: a way for each of its events; an event without one goes straight.

    """

    title: tuple[str, str, Point]
    first: State
    boxes: Mapping[State, Box]
    frames: tuple[Frame, ...]
    routes: Mapping[TransitionEvent, Route] = field(default_factory=dict)


def _level(x: int, y: int, wrap: int = 24) -> Label:
    """Write the name above a level arrow at height y, and the note below it."""
    return Label("", "", (x, y - 8), wrap, gap=25)


def _at(x: int, y: int, wrap: int = 24, anchor: Anchor = "middle") -> Label:
    """Write the name here, and the note right below it."""
    return Label("", "", (x, y), wrap, anchor=anchor)


ORDER = Machine(
    title=("Order", "what is owed", (60, 42)),
    first=_O.NEW,
    boxes={
        _O.NEW: Box("NEW", 112, 150),
        _O.EXPIRING: Box("EXPIRING", 470, 150),
        _O.CANCELLING: Box("CANCELLING", 465, 280, width=128),
        _O.PAID: Box("PAID", 968, 150),
        _O.CLOSED: Box("CLOSED", 968, 280),
    },
    frames=(
        Frame(frozenset({_O.NEW, _O.EXPIRING}), Box("not paid yet", 60, 64, 560, 160)),
        Frame(frozenset(ENDING), Box("ending", 440, 120, 206, 226)),
    ),
    routes={
        OrderEvent.CAPTURED: Route(("right", 0.66875), label=_level(806, 171, 46)),
        OrderEvent.DEADLINE_PASSED: Route(label=_level(335, 171, 30)),
        OrderEvent.GIVEN_UP: Route(("top", 0.8375), ("top", 0.5), _at(518, 86, 70, "end")),
        OrderEvent.CANCELLED: Route(("bottom", 0.8375), ("top", 0.5), _at(425, 252, 40, "end")),
        OrderEvent.NOTHING_LIVE: Route(("right", 0.80088), label=_level(806, 301, 50)),
    },
)

ATTEMPT = Machine(
    title=(
        "Attempt",
        "one try to pay it, at one provider account, under one number",
        (60, 392),
    ),
    first=_A.CREATING,
    boxes={
        _A.CREATING: Box("CREATING", 112, 556),
        _A.OPEN: Box("OPEN", 380, 556),
        _A.CLOSING: Box("CLOSING", 666, 556),
        _A.CLOSED: Box("CLOSED", 952, 556),
        _A.SUCCEEDED: Box("SUCCEEDED", 112, 830),
        _A.REFUNDING: Box("REFUNDING", 384, 830),
        _A.REFUND_STUCK: Box("REFUND_STUCK", 650, 830, width=140),
        _A.REFUNDED: Box("REFUNDED", 968, 830),
    },
    frames=(
        Frame(
            frozenset(_A) - frozenset(CAPTURED),
            Box("no money seen; if it comes, it is taken in, closed or not", 60, 414, 1026, 310),
        ),
        Frame(frozenset(LIVE), Box("live: may still take money", 76, 444, 726, 220)),
        Frame(frozenset(PAYABLE), Box("payable: its page may be handed out", 94, 518, 422, 102)),
        Frame(
            frozenset({_A.REFUNDING, _A.REFUND_STUCK}),
            Box("to be given back", 366, 778, 440, 164),
        ),
    ),
    routes={
        AttemptEvent.PAGE_RECEIVED: Route(label=_level(305, 577, 21)),
        AttemptEvent.CLOSE_WANTED: Route(("right", 0.58), label=_level(590, 577, 21)),
        AttemptEvent.TAKEN_BACK: Route(
            ("top", 0.5),
            ("top", 0.5),
            _level(582, 490, 76),
            ((725, 490), (439, 490)),
        ),
        AttemptEvent.PROVEN_DEAD: Route(("right", 0.60455), label=_level(877, 577, 22)),
        AttemptEvent.REFUSED: Route(
            ("bottom", 0.5),
            ("bottom", 0.5),
            _level(590, 686, 70),
            ((171, 686), (1011, 686)),
        ),
        AttemptEvent.WON: Route(("bottom", 0.1082), ("top", 0.5), _at(184, 754, 28, "start")),
        AttemptEvent.SURPLUS: Route(("bottom", 0.4191), ("top", 0.898), _at(503, 750, 70, "start")),
        AttemptEvent.REFUND_FAILED: Route(("right", 0.3), ("left", 0.3), _at(576, 795, 22)),
        AttemptEvent.REFUND_RETRIED: Route(("left", 0.7), ("right", 0.7), _at(576, 880, 22)),
        AttemptEvent.REFUND_DOUBTED: Route(
            ("bottom", 0.5),
            ("bottom", 0.5),
            _level(735, 970, 70),
            ((1027, 970), (443, 970)),
        ),
        AttemptEvent.REFUND_CONFIRMED: Route(("right", 0.4451), label=_level(887, 851, 22)),
    },
)

REFUND = Machine(
    title=("Refund", "money on its way back, under a number that never changes", (60, 1028)),
    first=_R.DUE,
    boxes={
        _R.DUE: Box("DUE", 112, 1140),
        _R.SENT: Box("SENT", 412, 1140),
        _R.DOUBTED: Box("DOUBTED", 412, 1208),
        _R.STUCK: Box("STUCK", 672, 1174, width=128),
        _R.DONE: Box("DONE", 968, 1098),
        _R.OVERTAKEN: Box("OVERTAKEN", 968, 1196, width=120),
    },
    frames=(
        Frame(
            frozenset({*ASKED_AFTER, _R.STUCK}),
            Box("sent before: a late yes still counts", 382, 1090, 430, 182),
        ),
        Frame(frozenset(ASKED_AFTER), Box("asked after", 396, 1116, 150, 146)),
    ),
    routes={
        RefundEvent.SENT: Route(("right", 0.3), ("left", 0.3), _at(306, 1117, 20)),
        RefundEvent.TRY_AGAIN: Route(("left", 0.7), ("right", 0.7), _at(306, 1188, 20)),
        RefundEvent.FAILED: Route(("right", 0.54110), label=_level(609, 1195, 20)),
        RefundEvent.RETRIED: Route(
            ("top", 0.5),
            ("top", 0.5),
            _level(447, 1062, 70),
            ((736, 1062), (171, 1062)),
        ),
        RefundEvent.CONFIRMED: Route(("right", 0.15934), label=_level(890, 1119, 22)),
        RefundEvent.DOUBTED: Route(
            ("right", 0.5),
            ("bottom", 0.5),
            _level(760, 1306, 70),
            ((1110, 1119), (1110, 1306), (471, 1306)),
        ),
        RefundEvent.OVERTAKEN: Route(("right", 0.69780), label=_level(890, 1217, 22)),
    },
)

MACHINES: Mapping[type[State], Machine] = {
    OrderState: ORDER,
    AttemptState: ATTEMPT,
    RefundState: REFUND,
}

_GOOD: tuple[State, ...] = (_O.PAID, _A.SUCCEEDED, _A.REFUNDED, _R.DONE)
_WARN: tuple[State, ...] = (_A.REFUNDING, _A.REFUND_STUCK, _R.DOUBTED, _R.STUCK)
_QUIET: tuple[State, ...] = (_O.CLOSED, _A.CLOSED, _R.OVERTAKEN)


def state_picture() -> str:
    """
    Draw the table; the same table gives the same text.

    A row with several sources is one arrow from the frame around exactly them,
    or, where there is no such frame, one arrow from each.
    """
    canvas = Canvas(
        WIDTH,
        HEIGHT,
        "The states of orders, attempts and refunds",
        "Drawn from the table in domain/model/transition.py by the command: retender states",
    )
    for kind, machine in MACHINES.items():
        rows = [row for row in TABLE if isinstance(row.target, kind)]
        _draw_states(canvas, machine, rows)
        for row in rows:
            _draw_row(canvas, machine, row)
    return canvas.svg()


def _draw_states(canvas: Canvas, machine: Machine, rows: list[Transition]) -> None:
    canvas.heading(*machine.title)
    for frame in machine.frames:
        canvas.group(frame.box)
    into = machine.boxes[machine.first].port("left")
    canvas.start((36, into[1]), into)
    left_again = {source for row in rows for source in row.sources}
    for state, box in machine.boxes.items():
        canvas.box(box, _tone(state), final=state not in left_again)


def _draw_row(canvas: Canvas, machine: Machine, row: Transition) -> None:
    route = machine.routes.get(row.event, Route())
    frames = [frame.box for frame in machine.frames if frame.states == frozenset(row.sources)]
    for source in frames or [machine.boxes[state] for state in row.sources]:
        start = source.port(*route.leaves)
        end = machine.boxes[row.target].port(*route.enters)
        place = route.label or _at((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
        canvas.arrow(
            (start, *route.via, end),
            _tone(row.target),
            label=replace(place, text=str(row.event), note=row.because),
            facts=(
                ("machine", type(row.target).__name__),
                ("event", str(row.event)),
                ("from", " ".join(row.sources)),
                ("to", str(row.target)),
            ),
        )


def _tone(state: State) -> Tone:
    # By identity: states of two machines may bear the same name, and be equal.
    if any(state is each for each in _GOOD):
        return "good"
    if any(state is each for each in _WARN):
        return "warn"
    return "quiet" if any(state is each for each in _QUIET) else "plain"
