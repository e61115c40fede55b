"""The JSON control API does to a simulator what a test in the same process could."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette

from retender.domain.model.page import FormPage, JsapiPage, QrPage, page_to_json
from retender.simulators.kit.clock import SimulatorClock
from retender.simulators.kit.control import control_routes
from retender.simulators.kit.delivery import Dressing, NoticeDelivery, RenderedNotice
from retender.simulators.kit.faults import Faults
from retender.simulators.kit.payer import (
    DEFAULT_BUYER,
    ActResult,
    Book,
    FilledForm,
    PageInHand,
    PageMaterial,
    PayerAction,
    in_hand,
)
from retender.simulators.kit.switches import switch

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@dataclass
class ToySwitches:
    """Two unconfirmed facts."""

    closes_twice: bool = switch(default=False, doc="whether closing twice works")
    counts: tuple[int, ...] = switch(default=(3, 6), doc="instalment counts")


class Toy:
    """The smallest simulator there can be."""

    brand = "toy"

    def __init__(self) -> None:
        self.clock = SimulatorClock(lambda: NOON)
        self.faults = Faults()
        self.delivery = NoticeDelivery(self.clock, (timedelta(minutes=1),), lambda *_: True)
        self.switches = ToySwitches()
        self.acts: list[tuple[str, PageInHand, str]] = []

    def act(
        self, action: PayerAction | str, page: PageMaterial, *, buyer: str = DEFAULT_BUYER
    ) -> ActResult:
        self.acts.append((PayerAction(action), in_hand(page), buyer))
        return ActResult(ok=True, number="T1")

    def books(self) -> Mapping[str, Book]:
        return {"T1": Book("T1", 8888, {"R1": 2000, "R2": 500})}

    def state(self) -> Mapping[str, object]:
        return {"trades": []}


@pytest.fixture
def toy() -> Toy:
    """Return a fresh simulator."""
    return Toy()


@pytest.fixture
def control(toy: Toy) -> httpx.AsyncClient:
    """Return a client of its control API."""
    transport = httpx.ASGITransport(Starlette(routes=control_routes(toy)))
    return httpx.AsyncClient(transport=transport, base_url="http://toy/_simulator/")


@pytest.mark.asyncio
async def test_the_clock_is_moved_frozen_and_reset(toy: Toy, control: httpx.AsyncClient) -> None:
    """All three by JSON, seen by the simulator."""
    await control.post("clock", json={"advance_seconds": 90})
    assert toy.clock.now() == NOON + timedelta(seconds=90)
    await control.post("clock", json={"freeze_at": "2026-02-01T00:00:00+08:00"})
    assert toy.clock.now() == datetime(2026, 1, 31, 16, tzinfo=UTC)
    assert (await control.post("clock", json={"reset": True})).json() == {"now": NOON.isoformat()}


@pytest.mark.asyncio
async def test_faults_are_set_shown_and_cleared(toy: Toy, control: httpx.AsyncClient) -> None:
    """A dial without ``times`` works once."""
    await control.post("faults", json={"kind": "lost_after_effect", "operation": "close"})
    shown = (await control.get("faults")).json()["faults"]
    assert shown == [
        {
            "kind": "lost_after_effect",
            "operation": "close",
            "times": 1,
            "seconds": 0,
            "code": None,
        }
    ]
    await control.delete("faults")
    assert toy.faults.waiting() == []


@pytest.mark.asyncio
async def test_notice_dials_and_history(toy: Toy, control: httpx.AsyncClient) -> None:
    """Dials are turned one by one; what was told is there to read."""
    await control.post("notices", json={"hold": True})
    dials = (await control.post("notices", json={"duplicate": 2})).json()["dials"]
    assert (dials["hold"], dials["duplicate"]) == (True, 2)

    def render(_: Dressing) -> RenderedNotice:
        return RenderedNotice({}, b"hello")

    toy.delivery.queue("T1", "paid", "http://shop/notify", render)
    assert (await control.get("notices")).json()["pending"][0]["reference"] == "T1"
    toy.delivery.reset()

    async def shop(_url: str, _headers: Mapping[str, str], _body: bytes) -> tuple[int, bytes]:
        return 204, b""

    await toy.delivery.deliver_due(shop)
    [row] = (await control.get("notices")).json()["history"]
    assert (row["body"], row["status"], row["accepted"]) == ("hello", 204, True)


@pytest.mark.asyncio
async def test_switches_are_explained_and_turned_all_or_none(
    toy: Toy, control: httpx.AsyncClient
) -> None:
    """A wrong name among right ones changes nothing."""
    shown = (await control.get("switches")).json()
    assert shown["closes_twice"] == {
        "value": False,
        "default": False,
        "doc": "whether closing twice works",
    }
    refused = await control.post("switches", json={"closes_twice": True, "nonsense": True})
    assert refused.status_code == 400
    assert not toy.switches.closes_twice
    await control.post("switches", json={"closes_twice": True, "counts": [12]})
    assert (toy.switches.closes_twice, toy.switches.counts) == (True, (12,))


@pytest.mark.asyncio
async def test_a_payer_acts_on_the_page_the_shop_was_answered(
    toy: Toy, control: httpx.AsyncClient
) -> None:
    """The API's own JSON goes in as it came out."""
    page = FormPage("http://gw/pay?a=1", (("biz_content", '{"subject":"<&>"}'),))
    answer = await control.post(
        "act", json={"action": "enter_password", "page": page_to_json(page), "buyer": "bob"}
    )
    assert answer.json() == {"ok": True, "code": "OK", "message": "", "number": "T1"}
    form = FilledForm("http://gw/pay?a=1", {"biz_content": '{"subject":"<&>"}'})
    assert toy.acts == [("enter_password", form, "bob")]


@pytest.mark.asyncio
async def test_books_are_readable_from_outside(control: httpx.AsyncClient) -> None:
    """For audits: what was captured, what went back."""
    books = (await control.get("books")).json()
    assert books["T1"]["captured_minor"] == 8888
    assert books["T1"]["refunded_minor"] == 2500


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", b'{"advance_seconds": "soon"}'),
        ("clock", b'{"advance": 3}'),
        ("clock", b'{"freeze_at": "2026-01-01T00:00:00"}'),
        ("faults", b'{"kind": "meteor"}'),
        ("faults", b'{"kind": "delay", "seconds": -3}'),
        ("notices", b'{"forge": "well"}'),
        ("notices", b'{"drop": true}'),
        ("switches", b'{"closes_twice": 1}'),
        ("switches", b'{"counts": 3}'),
        ("act", b'{"action": "steal", "page": "x"}'),
        ("act", b'{"action": "pay"}'),
        ("act", b'{"action": "pay", "page": {"amount": 3}}'),
        ("act", b'["pay"]'),
        ("act", b"not json"),
    ],
)
async def test_a_senseless_request_is_refused_with_a_reason(
    control: httpx.AsyncClient, path: str, body: bytes
) -> None:
    """Status 400 and words, never a traceback."""
    answer = await control.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BAD_CONTROL"
    assert answer.json()["error"]["message"]


def test_a_page_is_stripped_to_what_the_device_acts_on() -> None:
    """Our pages and their JSON are the same in the payer's hand."""
    assert in_hand(QrPage("https://qr/1")) == "https://qr/1"
    assert in_hand("https://qr/1") == "https://qr/1"
    jsapi = JsapiPage((("package", "prepay_id=1"), ("nonceStr", "n")))
    assert in_hand(jsapi) == in_hand(page_to_json(jsapi)) == in_hand(dict(jsapi.parameters))
