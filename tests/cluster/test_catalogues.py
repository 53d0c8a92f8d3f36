"""The contract of a library whose catalogue is in PostgreSQL: that of one with a file."""

from collections.abc import Iterator

import pytest

from tests.support.library_contract import LabelsContract, LibraryContract
from tests.support.postgres import SCHEMAS, PostgresServer


@pytest.fixture
def database(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    url = postgres.new_database()
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", url)
    yield
    assert postgres.run(SCHEMAS, url=url), "the test made its catalogue elsewhere"


class TestALibraryInPostgreSQL(LibraryContract):
    @pytest.fixture(autouse=True)
    def catalogue(self, database: None) -> None:
        """In a database of its own."""


class TestLabelsInPostgreSQL(LabelsContract):
    @pytest.fixture(autouse=True)
    def catalogue(self, database: None) -> None:
        """In a database of its own."""
