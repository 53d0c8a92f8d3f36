"""Tests of the parts that need servers; `make test-cluster` runs them where only loopback is."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer, running_postgres
from tests.support.servers import Server, milvus_lite_server, milvus_server

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(autouse=True, scope="session")
def _isolated() -> None:
    names = [name for _, name in socket.if_nameindex()]
    assert names == ["lo"], f"these tests run by `make test-cluster`, without a network: {names}"


def _running(server: Server) -> Iterator[Server]:
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    server, address = milvus_server(tmp_path_factory.mktemp("milvus"))
    for running in _running(server):
        yield running, address


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with running_postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(scope="session")
def milvus_lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    server, address = milvus_lite_server(tmp_path_factory.mktemp("milvus-lite"))
    for running in _running(server):
        yield running, address
