"""The fault dials spoil the calls they name, as often as they say."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from retender.simulators.kit.faults import AnswerLost, FaultGuard, FaultKind, Faults

pytestmark = pytest.mark.asyncio


class Gateway:
    """A gateway that counts what took effect."""

    def __init__(self) -> None:
        self.effects = 0
        self.waited: list[float] = []
        self.faults = Faults()
        self.guard = FaultGuard(
            self.faults,
            rate_limited=lambda _: JSONResponse({"code": "SLOW_DOWN"}, status_code=429),
            provider_error=lambda _, code: JSONResponse({"code": code or "UNKNOWN"}),
            sleep=self._sleep,
        )
        self.app = Starlette(routes=[Route("/{operation}", self._answer)])
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://gateway")

    async def _sleep(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def _answer(self, request: Request) -> Response:
        async def handle() -> Response:
            self.effects += 1
            return PlainTextResponse("done")

        return await self.guard(request.path_params["operation"], handle)


async def test_an_answer_lost_after_the_effect_leaves_the_effect() -> None:
    """The caller learns nothing, the gateway has acted."""
    gateway = Gateway()
    gateway.faults.set("lost_after_effect", "pay")
    with pytest.raises(AnswerLost):
        await gateway.client.get("/pay")
    assert gateway.effects == 1
    assert (await gateway.client.get("/pay")).text == "done"


async def test_an_answer_lost_before_the_effect_leaves_nothing() -> None:
    """The caller cannot tell this from the other loss; the gateway can."""
    gateway = Gateway()
    gateway.faults.set(FaultKind.LOST_BEFORE_EFFECT)
    with pytest.raises(AnswerLost):
        await gateway.client.get("/pay")
    assert gateway.effects == 0


@pytest.mark.parametrize(
    ("kind", "status", "effects"),
    [
        ("http_5xx", 502, 0),
        ("http_5xx_after_effect", 502, 1),
        ("rate_limit", 429, 0),
        ("provider_error", 200, 0),
        ("provider_error_after_effect", 200, 1),
    ],
)
async def test_each_fault_answers_and_acts_as_its_name_says(
    kind: str, status: int, effects: int
) -> None:
    """Status and effect of every fault that answers."""
    gateway = Gateway()
    gateway.faults.set(kind)
    answer = await gateway.client.get("/pay")
    assert (answer.status_code, gateway.effects) == (status, effects)


async def test_a_brand_error_bears_the_wanted_code() -> None:
    """So that a test can try every code of a table."""
    gateway = Gateway()
    gateway.faults.set("provider_error", code="ACQ.SOMETHING_NEW")
    assert (await gateway.client.get("/pay")).json() == {"code": "ACQ.SOMETHING_NEW"}


async def test_a_fault_hits_only_its_operation_and_only_so_often() -> None:
    """Two of three calls fail, others never."""
    gateway = Gateway()
    gateway.faults.set("http_5xx", "close", times=2)
    assert (await gateway.client.get("/query")).status_code == 200
    statuses = [(await gateway.client.get("/close")).status_code for _ in range(3)]
    assert statuses == [502, 502, 200]


async def test_a_delay_combines_with_another_fault() -> None:
    """Late and lost at once; without end until cleared."""
    gateway = Gateway()
    gateway.faults.set("delay", seconds=7, times=None)
    gateway.faults.set("http_5xx")
    assert (await gateway.client.get("/pay")).status_code == 502
    assert (await gateway.client.get("/pay")).status_code == 200
    assert gateway.waited == [7, 7]
    gateway.faults.clear()
    await gateway.client.get("/pay")
    assert gateway.waited == [7, 7]


async def test_dials_that_could_never_work_are_refused() -> None:
    """Unknown kinds, zero times, negative delays."""
    faults = Faults()
    with pytest.raises(ValueError, match="no_such_fault"):
        faults.set("no_such_fault")
    with pytest.raises(ValueError, match="at least once"):
        faults.set("http_5xx", times=0)
    with pytest.raises(ValueError, match="negative"):
        faults.set("delay", seconds=-1)
