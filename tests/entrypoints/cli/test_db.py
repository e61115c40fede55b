"""An operator creates a database, upgrades it, and asks how it stands."""

import sqlite3
from contextlib import closing

import pytest

from retender.adapters.sql import schema


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "retender.toml"
    file.write_text(f'database_url = "sqlite:///{tmp_path / "own.db"}"\n')
    return file


def test_a_database_that_is_not_there_has_no_tables_and_asking_makes_none(shop, file, tmp_path):
    told = shop.json("--config", str(file), "db", "current", code=1)
    assert told["schema"] is None
    assert "retender db upgrade" in told["problem"]
    assert not (tmp_path / "own.db").exists()


def test_upgrading_makes_the_tables_and_again_changes_nothing(shop, file):
    first = shop.json("--config", str(file), "db", "upgrade")
    assert shop.json("--config", str(file), "db", "upgrade") == first
    told = shop.json("--config", str(file), "db", "current")
    assert (told["schema"], told["problem"]) == (first["schema"], None)


def test_people_are_told_where_and_which(shop, file, tmp_path):
    done = shop("--config", str(file), "db", "upgrade")
    assert done.exit_code == 0
    assert str(tmp_path / "own.db") in done.stdout
    assert "has schema" in done.stdout


def test_a_folder_that_is_not_there_is_told(shop, file, tmp_path):
    file.write_text(f'database_url = "sqlite:///{tmp_path / "nowhere" / "own.db"}"\n')
    done = shop("--config", str(file), "db", "upgrade")
    assert (done.exit_code, done.stderr.partition(":")[0]) == (1, "SETUP_ERROR")
    assert "No such file or directory" in done.stderr


# --- check ----------------------------------------------------------------------------------


@pytest.fixture
def made(shop, file, tmp_path):
    """A database with all tables, and a way to change it by hand."""
    shop.json("--config", str(file), "db", "upgrade")

    def by_hand(script):
        with closing(sqlite3.connect(tmp_path / "own.db")) as connection:
            connection.executescript(script)

    return by_hand


def check(shop, file, *, code):
    return shop.json("--config", str(file), "db", "check", code=code)


@pytest.mark.usefixtures("made")
def test_a_database_as_it_should_be_passes(shop, file):
    told = check(shop, file, code=0)
    assert (told["standing"], told["differences"], told["shortcomings"]) == ("current", [], [])
    done = shop("--config", str(file), "db", "check")
    assert "as they should be" in done.stdout


def test_checking_makes_no_database_and_names_the_command_that_does(shop, file, tmp_path):
    told = check(shop, file, code=1)
    assert (told["standing"], told["schema"]) == ("none", None)
    assert not (tmp_path / "own.db").exists()
    done = shop("--config", str(file), "db", "check")
    assert (done.exit_code, "retender db upgrade" in done.stdout) == (1, True)


@pytest.mark.usefixtures("made")
def test_an_older_schema_is_named_with_the_command_that_upgrades_it(shop, file, mocker):
    mocker.patch.object(schema, "newest", return_value="0002")
    told = check(shop, file, code=1)
    assert (told["schema"], told["standing"]) == ("0001", "older")
    assert "retender db upgrade" in told["problem"]


def test_a_newer_schema_is_named_with_the_way_out(shop, file, made):
    made("UPDATE retender_schema SET version_num = '9999'")
    told = check(shop, file, code=1)
    assert (told["schema"], told["standing"]) == ("9999", "newer")
    assert "restore a backup" in told["problem"]


@pytest.mark.parametrize(
    ("by_hand", "word"),
    [
        ("DROP TABLE inbox", "table inbox is missing"),
        ("ALTER TABLE orders ADD COLUMN colour TEXT", "column orders.colour is not ours"),
        ("ALTER TABLE attempts DROP COLUMN captured_at", "column attempts.captured_at is missing"),
        ("DROP INDEX attempts_one_winner", "index attempts.attempts_one_winner is missing"),
        ("DROP INDEX refunds_by_try", "index refunds.refunds_by_try is missing"),
        (
            (
                "CREATE TABLE i (account VARCHAR(64), event_key VARCHAR(128) NOT NULL, "
                "body_hash VARCHAR(128) NOT NULL, received_at BIGINT NOT NULL, "
                "PRIMARY KEY (account, event_key)); DROP TABLE inbox; ALTER TABLE i RENAME TO inbox"
            ),
            "inbox.account: its nullable is True, and should be False",
        ),
    ],
)
def test_what_was_changed_by_hand_is_found(shop, file, made, by_hand, word):
    made(by_hand)
    told = check(shop, file, code=1)
    assert told["standing"] == "current"
    assert word in told["differences"]
    assert word in shop("--config", str(file), "db", "check").stdout


def test_a_lost_check_is_found(shop, file, made, tmp_path):
    """Alembic does not look at these."""
    with closing(sqlite3.connect(tmp_path / "own.db")) as connection:
        query = "SELECT sql FROM sqlite_master WHERE name = 'orders'"
        (sql,) = connection.execute(query).fetchone()
    lax = sql.replace("CHECK (amount_minor > 0)", "CHECK (1)").replace("amount_positive", "lax")
    assert lax != sql
    made(f"PRAGMA foreign_keys = OFF; DROP TABLE orders; {lax}")
    told = check(shop, file, code=1)
    assert "check orders.orders_amount_positive is missing" in told["differences"]


def test_the_tables_of_others_are_their_business(shop, file, made):
    made("CREATE TABLE crm_contacts (name TEXT)")
    check(shop, file, code=0)


@pytest.mark.usefixtures("made")
def test_what_would_lose_money_is_told(shop, file, mocker):
    mocker.patch(
        "retender.entrypoints.container.shortcomings",
        return_value=("synchronous is 1, not 2: a power cut could lose what was committed",),
    )
    assert "power cut" in check(shop, file, code=1)["shortcomings"][0]


def test_a_store_in_memory_is_not_to_be_relied_on(shop, file):
    file.write_text('database_url = "memory:"\n')
    told = check(shop, file, code=1)
    assert "forgotten" in told["shortcomings"][0]
