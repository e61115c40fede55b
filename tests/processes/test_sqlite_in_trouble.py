"""SQLite under a writer that is killed, on a full disk, and where nothing may be written."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retender.adapters.sql.schema import upgrade
from retender.domain.model.money import Money
from retender.entrypoints.container import open_container
from retender.entrypoints.settings import Settings
from retender.tests.processes.disk import NoMount, a_disk
from retender.tests.processes.people import chance_of
from retender.tests.processes.play import play
from retender.tests.processes.scene import a_client, write_settings
from retender.tests.processes.shop import USER

KILLS = 20


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mounted = a_disk(folder, 8)
        with mounted as disk:
            yield disk
    except NoMount as refused:
        pytest.skip(f"this machine lets us mount no small disk: {refused}")


# --- kill -9 in the middle of commits ------------------------------------------------------


async def write_without_end(url, life, pipe):
    """Place orders as fast as it goes, and say of each that it is done, once it is."""
    async with open_container(Settings(database_url=url), upgrade=False) as container:
        place, n = container.place_order(), 0
        while True:
            n += 1
            order_no = f"A-{life}-{n}"
            amount = Money(n, "CNY")
            await place(order_no=order_no, user_id=USER, subject="tea", amount=amount)
            os.write(pipe, f"{order_no}\n".encode())


def live_and_die(url, life, seconds):
    """Fork a writer, kill it in mid-sentence, and return what it had said was done."""
    heard, said = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(heard)
            asyncio.run(write_without_end(url, life, said))
        finally:
            os._exit(1)
    os.close(said)
    with os.fdopen(heard, encoding="utf-8") as lines:
        first = lines.readline()
        time.sleep(seconds)  # somewhere in a commit; where, nobody chooses
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        rest = lines.read()
    return [line for line in (first + rest).split("\n") if line]


def test_a_writer_killed_in_the_middle_of_commits_loses_nothing(tmp_path):
    file = tmp_path / "retender.db"
    asyncio.run(upgrade(f"sqlite:///{file}"))
    chance, done = chance_of(3), []
    for life in range(KILLS):
        done += live_and_die(f"sqlite:///{file}", life, chance.uniform(0, 0.15))
    with sqlite3.connect(file) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = [no for (no,) in database.execute("SELECT order_no FROM orders")]
        # An order and its first line are one transaction: never one without the other.
        lines = database.execute("SELECT count(*) FROM story").fetchone()[0]
    database.close()
    assert set(done) <= set(kept)
    assert len(kept) == lines
    # At most the one in hand had been kept when its writer died unheard.
    assert len(done) <= len(kept) <= len(done) + KILLS
    assert len(done) > 2 * KILLS


# --- a full disk ---------------------------------------------------------------------------


async def place(http, server, order_no, **more):
    body = {
        "order_no": order_no,
        "user_id": USER,
        "subject": "Jasmine tea",
        "amount": {"amount": "88.80", "currency": "CNY"},
        **more,
    }
    return await http.post(f"{server}/v1/orders", json=body)


async def until_refused(http, server):
    """Place orders until one is refused; return its number and the answer."""
    for n in range(2000):
        answer = await place(http, server, f"F-{n}")
        if not answer.is_success:
            return f"F-{n}", answer
    pytest.fail("2,000 orders fit on a full disk")


@pytest.mark.asyncio
async def test_a_full_disk_loses_nothing_says_so_and_goes_on(set_quick_scene, disk, run):
    url = f"sqlite:///{disk.folder / 'retender.db'}"
    async with set_quick_scene(url, accounts=("sandbox",)) as scene, a_client() as http:
        server = scene.servers["server-1"]
        gateway = f"{scene.gateways['sandbox']}/_simulator/act"

        async def trouble(_):
            assert (await place(http, server, "E-1", pay_within_seconds=3600)).is_success
            pay = {"user_id": USER, "account": "sandbox", "client_type": "pc"}
            page = (await http.post(f"{server}/v1/orders/E-1/pay", json=pay)).json()["page"]
            disk.fill()
            order_no, refused = await until_refused(http, server)
            # The payer pays; the notice cannot be kept, so it must not be called heard.
            assert (await http.post(gateway, json={"action": "pay", "page": page})).json()["ok"]
            assert refused.status_code == 503
            assert refused.json()["code"] == "STORE_FULL"
            assert refused.headers["Retry-After"] == "60"
            assert "disk" not in refused.json().get("details", {})
            # What is there can be read.
            shown = (await http.get(f"{server}/v1/orders/E-1")).json()
            assert shown["order"]["state"] in {"NEW", "PAID"}
            assert (await http.get(f"{server}/v1/orders/{order_no}")).status_code == 404
            disk.free()
            assert (await place(http, server, order_no)).status_code == 201

        await play(scene, run, trouble, seed=4, at_once=0, at_least=0)
        shown = (await http.get(f"{server}/v1/orders/E-1")).json()
        assert shown["order"]["state"] == "PAID"
        refusals = [
            line
            for line in scene.family.log("worker-1").read_text().splitlines()
            if "STORE" in line
        ]
        assert all("STORE_FULL" in line for line in refusals)
    assert run.problems == []
    with sqlite3.connect(disk.folder / "retender.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


# --- nothing may be written ----------------------------------------------------------------


def retender(settings, *arguments):
    command = [Path(sys.executable).with_name("retender"), "--config", settings, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_where_nothing_may_be_written_that_is_said(disk, tmp_path):
    url = f"sqlite:///{disk.folder / 'retender.db'}"
    settings = tmp_path / "retender.toml"
    sandbox = {"provider": "sandbox", "secret": "0123456789abcdef"}
    write_settings(settings, url, "http://127.0.0.1:8000", {"sandbox": sandbox})
    order = ("order", "place", "A-1", "--user", USER, "--amount", "88.80", "--subject", "tea")
    assert retender(settings, *order).returncode == 0
    disk.make_read_only()
    for arguments in (
        ("order", "place", "A-2", *order[3:], "--json"),
        ("serve", "--port", "0"),
        ("worker", "--once", "--json"),
    ):
        done = retender(settings, *arguments)
        assert done.returncode == 1
        assert "SETUP_ERROR" in done.stderr
        assert str(disk.folder / "retender.db") in done.stderr
        assert "writ" in done.stderr
        if "--json" in arguments:
            assert json.loads(done.stdout)["error"]["code"] == "SETUP_ERROR"
