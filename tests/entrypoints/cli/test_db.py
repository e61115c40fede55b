"""An operator creates a database, upgrades it, and asks how it stands."""

import pytest


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
