"""Every database keeps every promise of the unit of work, by every driver."""

import secrets

import pytest

from retender.adapters.sql.unit_of_work import SqlUnitOfWork
from retender.tests.adapters.databases import SHORT
from retender.tests.contracts.unit_of_work import UnitOfWorkContract

PAGE_KEY = secrets.token_bytes(32)


class SqlStoreContract(UnitOfWorkContract):
    """``rival`` is what another process would have: connections and a line of its own."""

    @pytest.fixture
    def unit_of_work(self, engine):
        return SqlUnitOfWork(engine, page_key=PAGE_KEY)

    @pytest.fixture
    def rival(self, another_engine):
        return SqlUnitOfWork(another_engine, page_key=PAGE_KEY)

    @pytest.fixture
    def impatient(self, impatient_engine):
        return SqlUnitOfWork(impatient_engine, page_key=PAGE_KEY, patience=SHORT)


class TestSqliteStore(SqlStoreContract):
    """In a real file."""


class TestPostgreSQLStore(SqlStoreContract):
    @pytest.fixture
    def url(self, psycopg_url):
        return psycopg_url


class TestPostgreSQLStoreByAsyncpg(SqlStoreContract):
    @pytest.fixture
    def url(self, asyncpg_url):
        return asyncpg_url


class TestMariaDBStore(SqlStoreContract):
    @pytest.fixture
    def url(self, mariadb_url):
        return mariadb_url
