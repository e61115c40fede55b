"""The app as a whole: its description, its middleware, its health, and a real server."""

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import uvicorn

from retender.domain.model.errors import SetupError
from retender.entrypoints.container import open_container
from retender.entrypoints.http import examples
from retender.entrypoints.http.app import create_app
from retender.entrypoints.http.bodies import OrderBody, PayBody, RefundBody
from retender.entrypoints.http.openapi import ProblemView
from retender.entrypoints.http.problems import PROBLEM_JSON
from retender.entrypoints.listening import LOOPBACK, address_of, listen
from retender.entrypoints.settings import Settings
from retender.entrypoints.views.explanation_view import ExplanationView
from retender.entrypoints.views.method_view import MethodsView
from retender.entrypoints.views.order_view import OrderView, ShownOrderView
from retender.entrypoints.views.page_view import AnswerPendingView, PageReadyView
from retender.entrypoints.views.refund_view import RefundView
from retender.tests.entrypoints.shop import Json, open_shop, order

pytestmark = pytest.mark.asyncio


# --- the description ------------------------------------------------------------------------

WANTED = {
    "POST /v1/orders",
    "GET /v1/orders/{order_no}",
    "GET /v1/orders/{order_no}/story",
    "POST /v1/orders/{order_no}/pay",
    "GET /v1/orders/{order_no}/methods",
    "POST /v1/orders/{order_no}/close",
    "POST /v1/orders/{order_no}/refunds",
    "GET /v1/refunds/{refund_no}",
    "POST /v1/notices/{account}",
    "GET /pages/{attempt_id}",
    "GET /v1/attention",
    "GET /v1/attention/{attention_id}",
    "GET /metrics",
    "GET /healthz",
    "GET /readyz",
}


def operations(document) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


async def test_every_operation_is_described_with_an_example_of_every_answer(shop):
    document = (await shop.http.get("/openapi.json")).json()
    found = dict(operations(document))
    assert set(found) == WANTED
    for name, operation in found.items():
        assert operation["summary"], name
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)
            for media, content in response["content"].items():
                assert "example" in content or content.get("examples"), (name, status, media)


async def test_every_error_is_described_as_a_problem_and_as_nothing_else(shop):
    document = (await shop.http.get("/openapi.json")).json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert document["components"]["schemas"]["Problem"]["required"]
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) < 400 or name == "GET /pages/{attempt_id}":
                continue
            assert set(response["content"]) == {PROBLEM_JSON}, (name, status)
            for code, example in response["content"][PROBLEM_JSON]["examples"].items():
                problem = ProblemView.model_validate(example["value"])
                assert (problem.code, problem.status) == (code, int(status))


async def test_json_routes_tell_of_wrong_forms_busy_stores_and_bugs(shop):
    document = (await shop.http.get("/openapi.json")).json()
    for name, operation in operations(document):
        if "/v1/" in name and "notices" not in name:
            assert {"422", "500", "503"} <= set(operation["responses"]), name
        if name.startswith("POST /v1/"):
            assert "413" in operation["responses"], name


@pytest.mark.parametrize(
    ("view", "example"),
    [
        (OrderView, examples.ORDER),
        (OrderView, examples.CLOSED_ORDER),
        (ShownOrderView, examples.SHOWN_ORDER),
        (ShownOrderView, examples.EXPANDED_ORDER),
        (ExplanationView, examples.EXPLANATION),
        (PageReadyView, examples.PAGE_READY),
        (AnswerPendingView, examples.ANSWER_PENDING),
        (MethodsView, examples.METHODS),
        (RefundView, examples.REFUND),
        (RefundView, examples.REFUND_DUE),
    ],
)
async def test_the_examples_are_true(view, example):
    shown = json.loads(view.model_validate(example).model_dump_json(exclude_unset=True))
    assert shown == example


@pytest.mark.parametrize("body", [OrderBody, PayBody, RefundBody])
async def test_requests_have_examples_for_all_that_must_be_given(body):
    schema = body.model_json_schema()
    for name in schema["required"]:
        field = schema["properties"][name]
        assert field.get("examples") or "$ref" in field, name


async def test_no_page_of_ours_loads_scripts_of_strangers(shop):
    assert (await shop.http.get("/docs")).status_code == 404
    assert (await shop.http.get("/redoc")).status_code == 404


# --- the outermost layer --------------------------------------------------------------------


async def test_every_answer_has_a_name_and_is_not_kept(shop):
    for path in ("/healthz", "/nowhere", "/v1/orders/none", "/pages/none"):
        answer = await shop.http.get(path)
        assert len(answer.headers["Correlation-Id"]) == 26, path
        assert answer.headers["Cache-Control"] == "no-store", path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path


@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ("shop-request-0042", True),
        ("x" * 64, True),
        ("short", False),
        ("x" * 65, False),
        ("two words", False),
        ("semi;colon", False),
    ],
)
async def test_a_caller_may_name_the_request_in_plain_letters(shop, offered, kept):
    answer = await shop.http.get("/healthz", headers={"Correlation-Id": offered})
    assert (answer.headers["Correlation-Id"] == offered) is kept


async def test_the_access_log_has_no_query_no_body_and_no_page(shop, caplog):
    caplog.set_level(logging.INFO, "retender.http")
    await shop.place(subject="secret-subject")
    page = await shop.page()
    await shop.http.get("/v1/orders/o-1/methods?user_id=user-7&client_type=pc")
    await shop.http.get(f"/pages/{page['attempt_id']}")
    lines = [record for record in caplog.records if record.name == "retender.http"]
    told = [(r.method, r.route, r.status) for r in lines]
    assert told == [
        ("POST", "/v1/orders", 201),
        ("POST", "/v1/orders/{order_no}/pay", 200),
        ("GET", "/v1/orders/{order_no}/methods", 200),
        ("GET", "/pages/{attempt_id}", 200),
    ]
    everything = " ".join(str(vars(record)) for record in lines)
    for word in ("secret-subject", "user-7", page["attempt_id"], page["page"]["action"]):
        assert word not in everything


# --- health -----------------------------------------------------------------------------------


async def test_a_whole_system_is_ready(shop):
    assert (await shop.http.get("/healthz")).json() == {"status": "alive"}
    assert (await shop.http.get("/readyz")).json() == {"status": "ready"}


async def test_without_tables_it_is_alive_but_not_ready(tmp_path, caplog):
    url = f"sqlite+aiosqlite:///{tmp_path}/none.db"
    async with open_shop(Settings(database_url=url, page_key="0f" * 32)) as shop:
        assert (await shop.http.get("/healthz")).status_code == 200
        answer = await shop.http.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "NOT_READY")
        assert str(tmp_path) not in answer.text
        assert "db upgrade" in caplog.text
        placing = await shop.http.post("/v1/orders", json=order())
        assert (placing.status_code, placing.json()["code"]) == (500, SetupError.code)


async def test_what_is_wrong_with_the_set_up_ends_the_start_and_no_request():
    settings = Settings.model_validate(
        {"database_url": "memory:", "accounts": {"tea": {"provider": "sandbox"}}}
    )
    async with open_container(settings) as container:
        with pytest.raises(SetupError, match="secret"):
            create_app(container)


# --- a real server ----------------------------------------------------------------------------


async def test_a_real_server_takes_orders_and_refuses_floods(shop):
    listener = listen(LOOPBACK, 0)
    config = uvicorn.Config(create_app(shop.container), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    address = address_of(listener)
    try:
        async with httpx.AsyncClient(base_url=address, timeout=10) as http:
            # The socket listens already: a request that comes early waits for the server.
            placed = await http.post("/v1/orders", json=order())
            assert placed.status_code == 201
            paid = await http.post(
                "/v1/orders/o-1/pay",
                json={"user_id": "user-7", "account": "sandbox"},
                headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Firefox/127.0"},
            )
            assert paid.json()["client_type"] == "pc"
            page = await http.get(f"/pages/{paid.json()['attempt_id']}")
            assert "Content-Security-Policy" in page.headers
            flood = await http.post("/v1/notices/sandbox", content=b"x" * 5 * 1024 * 1024)
            assert flood.json()["code"] == "NOTICE_TOO_LARGE"
            assert (await http.get("/healthz")).status_code == 200
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, timedelta(seconds=10).total_seconds())
        listener.close()
