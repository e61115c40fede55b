"""The memory store keeps every promise of the unit of work."""

from datetime import timedelta

import pytest

from retender.adapters.memory.unit_of_work import MemoryUnitOfWork
from retender.tests.contracts.unit_of_work import UnitOfWorkContract


class TestMemoryStore(UnitOfWorkContract):
    @pytest.fixture
    def unit_of_work(self):
        return MemoryUnitOfWork()

    @pytest.fixture
    def impatient(self):
        return MemoryUnitOfWork(patience=timedelta(seconds=0.1))
