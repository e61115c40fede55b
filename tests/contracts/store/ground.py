"""What every part of ``UnitOfWorkContract`` stands on: the implementer's fixtures."""

import pytest

from retender.ports.unit_of_work import UnitOfWork
from retender.tests.contracts.kit import Contract


class StoreContract(Contract):
    """The fixtures that the implementer supplies; see ``UnitOfWorkContract``."""

    @pytest.fixture
    def unit_of_work(self) -> UnitOfWork:
        """An empty store of its own for each test."""
        raise NotImplementedError("give a fixture `unit_of_work`: an empty store for each test")

    @pytest.fixture
    def rival(self, unit_of_work: UnitOfWork) -> UnitOfWork:
        """The same store as another process would reach it, if there is such a way."""
        return unit_of_work

    @pytest.fixture
    def impatient(self) -> UnitOfWork:
        """An empty store whose writers wait for one another for 0.1 s or so, not longer."""
        raise NotImplementedError("give a fixture `impatient`: as unit_of_work, with a short wait")
