"""The proxy proves who it is to the orchestrator and to agents, before they show it a token; and no more than that."""

import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from orchestrator.costs import ProxyLedger
from stack.proof import ask, of_agents, prove
from tests.proxy.http.raw import answers, exchange, received, sized
from tests.proxy.running import READ_TOKEN, RunningProxy, a_task, request, running_proxy, token

PROOF_KEY = "invented-proof-key"
ASK = b"GET /proof?secret=x&nonce=" + b"0" * 64 + b" HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    with running_proxy(tmp_path_factory.mktemp("proxy"), PROOF_KEY=PROOF_KEY) as running:
        yield running


def test_an_agent_has_its_model_called_on_a_connection_that_was_proven(proxy: RunningProxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
        prove(connection, "proxy", of_agents(PROOF_KEY)[0])
        connection.sendall(sized(request("no-such-model"), key=token(a_task())))
        assert [answer.status for answer in answers(received(connection))] == [404]


def test_the_orchestrator_reads_costs_on_a_connection_that_was_proven(proxy: RunningProxy) -> None:
    assert ProxyLedger(proxy.url, READ_TOKEN).of(uuid4()) == (0.0, "")


def test_who_knows_no_secret_learns_nothing_and_may_go_on(proxy: RunningProxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
        for question, status in ((ASK, 404), (b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", 200)):
            connection.sendall(question)
            (answer,) = answers(received(connection))
            assert answer.status == status


def test_a_question_may_come_in_pieces(proxy: RunningProxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
        for piece in (ASK[:3], ASK[3:12], ASK[12:40], ASK[40:]):
            connection.sendall(piece)
        assert [answer.status for answer in answers(received(connection))] == [404]


@pytest.mark.parametrize("question", [ASK + b"GET / HTTP/1.1\r\n\r\n", ASK[:20] + b"x" * 5000, ASK[:-4] + b"\n\n"])
def test_what_is_no_question_is_hung_up_on(proxy: RunningProxy, question: bytes) -> None:
    assert exchange(proxy, question) == []


def test_a_gateway_that_stands_alone_proves_nothing_to_agents(tmp_path: Path) -> None:
    with running_proxy(tmp_path) as alone, pytest.raises(OSError, match="does not prove"):
        ask(alone.url, "proxy", of_agents("")[0])
