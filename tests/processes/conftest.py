"""Scenes for the tests: real processes, on clocks that run five times as fast."""

import sys
from contextlib import asynccontextmanager

import pytest

from retender.tests.processes.play import Run
from retender.tests.processes.postgresql import NoPostgreSQL, a_cluster
from retender.tests.processes.scene import set_scene

SPEED = 5


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'retender.db'}"


@pytest.fixture
def set_quick_scene(tmp_path):
    """Set a scene in which a minute takes twelve seconds."""
    return lambda url, **options: set_scene(tmp_path, url, speed=SPEED, **options)


@pytest.fixture
def own_cluster():
    """A PostgreSQL that a test may stop as it likes; skips aloud where there is none."""

    @asynccontextmanager
    async def cluster():
        try:
            opening = a_cluster()
            opened = await opening.__aenter__()
        except NoPostgreSQL as missing:
            pytest.skip(str(missing))
        try:
            yield opened
        finally:
            await opening.__aexit__(None, None, None)

    return cluster


@pytest.fixture
def run(request):
    """What a run found; shown if the test fails."""
    found = Run(request.node.name)
    yield found
    sys.stdout.write(f"{found.report()}\n")
