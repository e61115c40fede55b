"""What waits for a human, over HTTP: to look at, and as numbers for an alarm."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from retender.domain.model.attention import AttentionCode, Resolution
from retender.domain.model.backlog import OPEN_ATTEMPTS, OPEN_ORDERS, OPEN_REFUNDS
from retender.domain.model.errors import ProviderUncertain
from retender.entrypoints.http import examples
from retender.entrypoints.views.attention_item_view import AttentionItemView
from retender.entrypoints.views.attention_view import AttentionCaseView, AttentionView
from retender.tests.entrypoints.shop import CANARY, open_shop, settings_in

pytestmark = pytest.mark.asyncio


async def silent(shop, mocker):
    """Have a page made, no answer ever after, and a worker that tries for two hours."""
    await shop.place()
    page = await shop.page(page_kind="qr")
    provider = type(shop.container.accounts().get("sandbox").provider)
    for verb in ("query", "close"):
        mocker.patch.object(provider, verb, side_effect=ProviderUncertain("read time-out"))
    for _ in range(8):
        shop.clock.pass_by(minutes=15)
        await shop.container.worker().run_once()
    return page["attempt_id"]


async def gauges(shop):
    """Return every number that Prometheus would read, by name and label."""
    answer = await shop.http.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_what_stays_unknown_is_listed_by_the_worker_itself(shop, mocker):
    attempt_id = await silent(shop, mocker)
    answer = (await shop.http.get("/v1/attention")).json()
    assert (answer["count"], len(answer["items"])) == (1, 1)
    (item,) = answer["items"]
    assert (item["code"], item["subject"]) == ("UNKNOWN_TOO_LONG", attempt_id)
    assert (item["about"], item["order_no"]) == ("attempt", "o-1")
    assert answer["waiting"][0]["code"] == "UNKNOWN_TOO_LONG"


async def test_a_case_comes_with_its_order_explained(shop, mocker):
    await silent(shop, mocker)
    (item,) = (await shop.http.get("/v1/attention")).json()["items"]
    case = (await shop.http.get(f"/v1/attention/{item['attention_id']}")).json()
    assert case["item"] == item
    assert [option["resolution"] for option in case["options"]] == ["dead", "noted"]
    assert case["order"]["attention"] == [item]
    kinds = {line["kind"] for a in case["order"]["attempts"] for line in a["lines"]}
    assert {"provider.no_answer", "attention.opened"} <= kinds


async def test_it_is_over_for_everybody_when_the_provider_answers(shop, mocker):
    await silent(shop, mocker)
    mocker.stopall()
    worker = shop.container.worker()
    for _ in range(3):
        shop.clock.pass_by(hours=1)
        await worker.run_once()
    assert (await shop.http.get("/v1/attention")).json()["count"] == 0
    assert (await shop.story())["order"]["state"] == "CLOSED"
    assert (await gauges(shop))["retender_attention_open", "UNKNOWN_TOO_LONG"] == 0


async def test_there_is_no_way_to_end_it_without_knowing_who_asks(shop, mocker):
    await silent(shop, mocker)
    (item,) = (await shop.http.get("/v1/attention")).json()["items"]
    address = f"/v1/attention/{item['attention_id']}"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await shop.http.request(method, address)).status_code == 405
    assert (await shop.http.post(f"{address}/resolve")).status_code == 404


async def test_an_unknown_one_is_a_problem_with_a_code(shop):
    answer = await shop.http.get("/v1/attention/nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "ATTENTION_NOT_EXIST")


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1"])
async def test_a_list_has_bounds(shop, limit):
    answer = await shop.http.get(f"/v1/attention?limit={limit}")
    assert (answer.status_code, answer.json()["code"]) == (422, "INPUT_INVALID")


async def test_of_a_quiet_shop_every_number_is_there_and_zero(shop):
    found = await gauges(shop)
    assert set(found.values()) == {0}
    assert set(found) == {
        *(("retender_attention_open", code) for code in AttentionCode),
        ("retender_attention_oldest_seconds",),
        *(("retender_orders", state) for state in OPEN_ORDERS),
        *(("retender_attempts", state) for state in OPEN_ATTEMPTS),
        *(("retender_refunds", state) for state in OPEN_REFUNDS),
        ("retender_events_untold",),
        ("retender_work_overdue_seconds",),
        ("retender_gateway_circuit_open", "sandbox"),
        ("retender_gateway_circuit_open", "other"),
    }


async def test_the_numbers_are_those_of_the_database(shop, mocker):
    await silent(shop, mocker)
    (item,) = (await shop.container.list_attention()()).items
    shop.clock.now = item.at
    shop.clock.pass_by(minutes=10)
    await shop.place("o-2")
    await shop.pay_for_real("o-2")
    found = await gauges(shop)
    assert found["retender_attention_open", "UNKNOWN_TOO_LONG"] == 1
    assert found["retender_attention_oldest_seconds",] == 600
    assert found["retender_orders", "EXPIRING"] == 1
    assert found["retender_attempts", "CLOSING"] == 1
    assert found["retender_events_untold",] == 1
    shop.clock.pass_by(days=1)
    assert (await gauges(shop))["retender_work_overdue_seconds",] > 23 * 3600


async def test_of_a_gateway_that_answered_the_clock_is_shown(shop):
    """Of this server's own calls; one that never answered is not shown, rather than as zero."""
    clock, now = shop.container.gateway_clocks().of("sandbox"), shop.clock.now
    clock.learn(format_datetime(now - timedelta(seconds=70), usegmt=True), asked_at=now)
    found = await gauges(shop)
    assert found["retender_gateway_clock_offset_seconds", "sandbox"] == -69.5
    assert ("retender_gateway_clock_offset_seconds", "other") not in found


async def test_of_a_gateway_that_does_not_answer_it_is_shown_that_it_is_left_alone(shop):
    """Until it answers again, to a probe; another account is not touched by that."""
    await shop.place()
    circuit = shop.container.guards().circuits["sandbox"]
    for _ in range(5):
        circuit.leave(circuit.enter(), answered=False)
    found = await gauges(shop)
    assert found["retender_gateway_circuit_open", "sandbox"] == 1
    assert found["retender_gateway_circuit_open", "other"] == 0
    shop.clock.pass_by(seconds=6)
    assert (await gauges(shop))["retender_gateway_circuit_open", "sandbox"] == 1, "not yet probed"
    await shop.page()
    assert (await gauges(shop))["retender_gateway_circuit_open", "sandbox"] == 0


async def test_no_number_tells_a_secret(shop_folder):
    """Nor whose orders there are."""
    account = {"provider": "sandbox", "secret": CANARY, "gateway": "http://sandbox.test"}
    async with open_shop(settings_in(shop_folder, accounts={"sandbox": account})) as shop:
        await shop.place("order-of-somebody")
        text = (await shop.http.get("/metrics")).text
    assert CANARY not in text
    assert "somebody" not in text
    assert "user-7" not in text


async def test_the_documents_show_both_and_their_examples_are_true(shop):
    paths = (await shop.http.get("/openapi.json")).json()["paths"]
    for path in ("/v1/attention", "/v1/attention/{attention_id}"):
        assert list(paths[path]) == ["get"]
        responses = paths[path]["get"]["responses"]
        assert "example" in responses["200"]["content"]["application/json"]
        assert "503" in responses
    assert "text/plain" in paths["/metrics"]["get"]["responses"]["200"]["content"]
    for view, example in (
        (AttentionItemView, examples.ATTENTION_ITEM),
        (AttentionView, examples.ATTENTION),
        (AttentionCaseView, examples.ATTENTION_CASE),
    ):
        assert view.model_validate(example).model_dump(mode="json") == example


async def test_who_decides_is_seen_in_the_case(shop, mocker):
    await silent(shop, mocker)
    (item,) = (await shop.container.list_attention()()).items
    await shop.container.resolve_attention()(
        attention_id=item.attention_id,
        resolution=Resolution.DEAD,
        reason="their support says so",
        by="olga",
    )
    case = (await shop.http.get(f"/v1/attention/{item.attention_id}")).json()
    ending = case["item"]["ending"]
    assert (ending["resolution"], ending["by"]) == ("dead", "olga")
    assert case["options"] == []
