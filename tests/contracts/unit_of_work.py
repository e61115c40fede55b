"""
UnitOfWorkContract: what every store proves, ours and strangers'.

A store of your own is proved by one class, with the fixtures that make it::

    import pytest
    from retender.tests.contracts.unit_of_work import UnitOfWorkContract

    class TestMyStore(UnitOfWorkContract):
        @pytest.fixture
        def unit_of_work(self):
            return MyUnitOfWork(...)

        @pytest.fixture
        def impatient(self):
            return MyUnitOfWork(..., patience=timedelta(seconds=0.1))

It needs pytest and pytest-asyncio: ``pip install '.[test]'`` in a clone of Retender.
"""

from retender.tests.contracts.kit import Contract
from retender.tests.contracts.store.aside import SetAsideContract
from retender.tests.contracts.store.attempts import AttemptsContract
from retender.tests.contracts.store.attention import AttentionContract
from retender.tests.contracts.store.backlog import BacklogContract
from retender.tests.contracts.store.coming_back import ComingBackContract
from retender.tests.contracts.store.leases import LeasesContract
from retender.tests.contracts.store.moves import MovesContract
from retender.tests.contracts.store.neighbours import NeighboursContract
from retender.tests.contracts.store.orders import OrdersContract
from retender.tests.contracts.store.races import RacesContract
from retender.tests.contracts.store.records import RecordsContract
from retender.tests.contracts.store.references import ReferencesContract
from retender.tests.contracts.store.refunds import RefundsContract
from retender.tests.contracts.store.transactions import TransactionsContract


class UnitOfWorkContract(
    OrdersContract,
    AttemptsContract,
    ReferencesContract,
    ComingBackContract,
    RefundsContract,
    RecordsContract,
    AttentionContract,
    BacklogContract,
    SetAsideContract,
    LeasesContract,
    MovesContract,
    NeighboursContract,
    TransactionsContract,
    RacesContract,
    Contract,
):
    """
    Inherit it in a class whose name begins with ``Test``, and give three fixtures.

    ``unit_of_work`` is an empty store for each test. ``impatient`` is another
    one, whose writers wait for one another for 0.1 s or so. ``rival`` is a
    second way into the first one, as another process would take it; without
    it, only tasks of one process are set against each other. A behaviour that
    the store cannot keep is overridden, and named in ``weaker`` with the reason.
    """
