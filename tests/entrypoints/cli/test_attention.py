"""An operator is told what waits, sees the evidence, and ends it with a reason."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest

from retender.domain.model.attention import AttentionCode, AttentionItem
from retender.entrypoints.cli.output import OK, REFUSED, UNKNOWN, USAGE
from retender.entrypoints.container import open_container
from retender.entrypoints.settings_file import load_settings

NUMBERS = count(1)


@pytest.fixture
def empty(shop, tmp_path):
    """Settings of a shop in which nothing has happened yet."""
    file = tmp_path / "new.toml"
    file.write_text(f'database_url = "sqlite:///{tmp_path / "new.db"}"\n')
    return lambda *words: shop("--config", str(file), *words)


@asynccontextmanager
async def later(shop, **duration):
    """Open the shop as it will be."""
    clock = lambda: datetime.now(UTC) + timedelta(**duration)  # noqa: E731 - handed on
    async with open_container(load_settings(shop.file), clock=clock) as container:
        yield container


@pytest.fixture
def unknown(shop):
    """An order of whose attempt nobody has said what became of it, long after."""
    order_no = f"W-{next(NUMBERS)}"
    shop.place(order_no)
    shop.pay(order_no, "--page", "qr")

    async def escalate() -> None:
        async with later(shop, hours=3) as container:
            await container.escalate()(limit=1000)

    asyncio.run(escalate())
    found = shop.json("attention", "--limit", "1000")["items"]
    return next(one for one in found if one["order_no"] == order_no)


def test_when_nothing_needs_you_it_says_so(empty):
    done = empty("attention")
    assert (done.exit_code, done.stdout) == (OK, "Nothing needs you.\n")
    data = json.loads(empty("attention", "--json").stdout)
    assert (data["count"], data["waiting"], data["items"]) == (0, [], [])


def test_what_waits_is_listed_and_counted(shop, unknown):
    done = shop("attention", "--limit", "1000")
    assert done.exit_code == OK
    for words in ("UNKNOWN_TOO_LONG", unknown["order_no"], unknown["attention_id"]):
        assert words in done.stdout
    data = shop.json("attention", "--limit", "1")
    assert len(data["items"]) == 1
    assert data["count"] >= 1
    assert sum(one["count"] for one in data["waiting"]) == data["count"]


def test_a_case_shows_the_evidence_and_the_ways_to_end_it(shop, unknown):
    done = shop("attention", "show", unknown["attention_id"])
    assert done.exit_code == OK
    for words in ("UNKNOWN_TOO_LONG", "Jasmine tea", "attempt CREATING -> OPEN", "noted", "dead"):
        assert words in done.stdout
    assert f"recheck {unknown['attention_id']}" in done.stdout
    case = shop.json("attention", "show", unknown["attention_id"])
    assert case["item"] == unknown
    assert case["order"]["order"]["order_no"] == unknown["order_no"]
    assert case["order"]["attention"] == [unknown]
    options = {option["resolution"]: option["why_not"] for option in case["options"]}
    assert options["noted"] is None
    assert "may take money until" in options["dead"]  # by this clock it is not over yet


@pytest.mark.parametrize("command", [("order", "show"), ("explain",)])
def test_an_order_says_that_it_waits_for_a_human(shop, unknown, command):
    done = shop(*command, unknown["order_no"])
    assert "waits for a human" in done.stdout
    assert f"retender attention show {unknown['attention_id']}" in done.stdout


def test_it_ends_with_a_reason_that_stays(shop, unknown):
    words = ("--as", "noted", "--reason", "ticket 7: [bold]asked them[/bold]", "--by", "olga")
    done = shop("attention", "resolve", unknown["attention_id"], *words)
    assert done.exit_code == OK
    assert "ended" in done.stdout
    assert "olga: ticket 7: [bold]asked them[/bold]" in done.stdout
    story = shop.json("explain", unknown["order_no"])
    assert story["attention"] == []
    (line,) = [
        line
        for attempt in story["attempts"]
        for line in attempt["lines"]
        if line["kind"] == "attention.ended"
    ]
    assert line["why"] == "olga: ticket 7: [bold]asked them[/bold]"
    again = shop("attention", "resolve", unknown["attention_id"], *words)
    assert (again.exit_code, again.stderr.partition(":")[0]) == (REFUSED, "ATTENTION_ENDED")
    (past,) = [
        one
        for one in shop.json("attention", "history", "--limit", "1000")
        if one["attention_id"] == unknown["attention_id"]
    ]
    assert past["ending"]["resolution"] == "noted"
    assert "noted, olga" in shop("attention", "history", "--limit", "1000").stdout


def test_the_login_is_who_decides_unless_told(shop, unknown, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ivan")
    ended = shop.json(
        "attention", "resolve", unknown["attention_id"], "--as", "noted", "--reason", "seen"
    )
    assert ended["ending"]["by"] == "ivan"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--as", "dead", "--reason", "x"), "RESOLUTION_REFUSED"),
        (("--as", "settled", "--reason", "x"), "RESOLUTION_REFUSED"),
        (("--as", "paid", "--reason", "x"), "RESOLUTION_UNKNOWN"),
        (("--as", "noted", "--reason", " "), "TEXT_INVALID"),
        (("--as", "noted", "--reason", "x" * 501), "TEXT_INVALID"),
        (("--as", "noted", "--reason", "x", "--by", "y" * 65), "TEXT_INVALID"),
    ],
)
def test_what_cannot_be_is_refused_with_a_code(shop, unknown, words, code):
    done = shop("attention", "resolve", unknown["attention_id"], *words)
    assert (done.exit_code, done.stderr.partition(":")[0]) == (REFUSED, code)
    assert shop.json("attention", "show", unknown["attention_id"])["item"]["ending"] is None


def test_there_is_no_way_without_a_reason(shop, unknown):
    done = shop("attention", "resolve", unknown["attention_id"], "--as", "noted")
    assert done.exit_code == USAGE
    assert "--reason" in done.stderr


@pytest.mark.parametrize("verb", ["show", "recheck"])
def test_what_is_not_there_is_told_by_code(shop, verb):
    done = shop("attention", verb, "nobody")
    assert (done.exit_code, done.stderr.partition(":")[0]) == (REFUSED, "ATTENTION_NOT_EXIST")


def test_asking_again_may_leave_it_unknown(shop, unknown):
    """The sandbox says that the page is open still."""
    done = shop("attention", "recheck", unknown["attention_id"])
    assert done.exit_code == UNKNOWN
    assert "UNKNOWN_TOO_LONG" in done.stdout


def test_asking_again_settles_what_is_known_then(shop, unknown):
    page = shop.pay(unknown["order_no"], "--page", "qr")["page"]
    body = {"action": "pay", "page": page}
    assert httpx.post(f"{shop.sandbox}/_simulator/act", json=body, trust_env=False).json()["ok"]
    ended = shop.json("attention", "recheck", unknown["attention_id"])
    assert ended["ending"]["resolution"] == "settled"
    assert shop.json("order", "show", unknown["order_no"])["order"]["state"] == "PAID"


def test_a_stranger_is_shown_without_an_order(shop):
    item = AttentionItem(
        attention_id=f"stranger-{next(NUMBERS)}",
        code=AttentionCode.FOREIGN,
        account="sandbox",
        number="[red]N[/red]",
        at=datetime(2026, 7, 1, 8, tzinfo=UTC),
        source="notice",
        data={"foreign": "another merchant"},
    )

    async def keep() -> None:
        async with later(shop) as container, container.unit_of_work()() as work:
            await work.attention.add(item)
            await work.commit()

    asyncio.run(keep())
    done = shop("attention", "show", item.attention_id)
    assert done.exit_code == OK
    for words in ("another merchant", "[red]N[/red]", "noted"):
        assert words in done.stdout
    assert "recheck" not in done.stdout
    done = shop("attention", "recheck", item.attention_id)
    assert (done.exit_code, done.stderr.partition(":")[0]) == (REFUSED, "RESOLUTION_REFUSED")


def test_help_says_how_with_examples(shop):
    for words in ((), ("show",), ("recheck",), ("resolve",)):
        done = shop("attention", *words, "--help")
        assert done.exit_code == OK
        assert "retender attention" in done.stdout
