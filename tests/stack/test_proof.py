"""Who calls another service shows nothing to who does not prove that he is that service."""

import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from flask import Flask, request

from native.rabbitmq import free_port
from orchestrator.costs import ProxyLedger
from stack.alive import Alive
from stack.api import RunsApi, TasksApi
from stack.errors import TryAgain
from stack.ids import uuid7
from stack.proof import Prover, Stranger, _proof, ask, key_for, of_agents, prove
from stack.secret import SecretFile
from stack.sessions import session_with
from stack.tokens import Claims
from stack.web import WebServer
from tests.stack.strangers import Answer, agreeing, http, reflecting, stranger

SECRET = "not-a-secret-that-both-know"
ASKED: list[int] = []  # of each service that a test has made, how often it proved who it is
CLAIMS = Claims(run="r", task=str(uuid7()), person="p", role="x", attempt=1, budget_usd=1, expires=1e12)


@contextmanager
def serving(*known: str, server: str = "orchestrator", port: int = 0) -> Iterator[int]:
    """A service that says which token it was shown; its port."""
    app = Flask(__name__)
    app.add_url_rule("/<path:path>", view_func=lambda path: request.headers.get("Authorization", "nothing"))
    port = port or free_port()
    ASKED.append(0)

    def secrets() -> tuple[str, ...]:
        ASKED[-1] += 1
        return known

    web = WebServer(app, host="127.0.0.1", port=port, room=lambda *_: 0, prover=Prover(server, secrets))
    web.start()
    try:
        yield port
    finally:
        web.stop()


def shown(url: str, server: str = "orchestrator") -> str:
    with session_with(server, SECRET) as session:
        return session.get(f"{url}/x", headers={"Authorization": f"Bearer {SECRET}"}, timeout=5).text


def recorded(port: int) -> bytes:
    """A proof as it went over the wire."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        seen: list[bytes] = []

        class Wire(socket.socket):
            def recv_into(self, buffer: memoryview, size: int = 0, flags: int = 0) -> int:  # type: ignore[override]
                count = super().recv_into(buffer, size, flags)
                seen.append(bytes(buffer[:count]))
                return count

        with Wire(fileno=connection.detach()) as wire:
            prove(wire, "orchestrator", SECRET)
        return b"".join(seen)


# --- the genuine one ----------------------------------------------------------------------------------


def test_who_proves_it_is_shown_the_token_on_the_same_connection() -> None:
    with serving("another", SECRET) as port:
        assert shown(f"http://127.0.0.1:{port}") == f"Bearer {SECRET}"


def test_it_is_asked_once_a_connection() -> None:
    with serving(SECRET) as port, session_with("orchestrator", SECRET) as session:
        assert [session.get(f"http://127.0.0.1:{port}/x", timeout=5).status_code for _ in range(3)] == [200] * 3
        assert ASKED == [1]


@pytest.fixture(autouse=True)
def _nothing_was_asked() -> None:
    ASKED.clear()


@pytest.mark.parametrize("query", ["", "secret=x", "nonce=" + "0" * 64, "secret=%00&nonce=x", "secret=é&nonce=é"])
def test_who_does_not_know_a_secret_learns_nothing(query: str) -> None:
    with serving(SECRET) as port:
        answer = requests.get(f"http://127.0.0.1:{port}/proof?{query}", timeout=5)
        assert (answer.status_code, answer.content) == (404, b"")


def test_a_renewed_secret_is_proven_with_too(tmp_path: Path) -> None:
    (tmp_path / "KEY").write_text(f"not-the-newest\n{SECRET}")
    with serving("not-the-newest", SECRET) as port:
        for secret in (SecretFile(tmp_path / "KEY"), SECRET):
            ask(f"http://127.0.0.1:{port}", "orchestrator", secret)


def test_what_two_agents_have_in_common_with_a_server_is_not_the_same() -> None:
    assert key_for(SECRET, "one") != key_for(SECRET, "other")
    assert all(key not in SECRET and len(key) == 64 for key in of_agents(SECRET))


# --- strangers ----------------------------------------------------------------------------------------


def relaying(port: int) -> Answer:
    """What the one that listens on another port says to the same question."""

    def answer(heard: bytes) -> bytes:
        if b"nonce" not in heard or not heard.endswith(b"\r\n\r\n"):
            return b""
        path = heard.split(b" ")[1].decode()
        return http(requests.get(f"http://127.0.0.1:{port}{path}", timeout=5).content)

    return answer


def one_who(answers: Callable[[int], Answer]) -> None:
    """He is told nothing, though he may ask a genuine service on another port."""
    with serving(SECRET) as port, stranger(answers(port)) as other:
        with pytest.raises(requests.ConnectionError):
            shown(other.url)
        assert other.was_called()
        assert other.opens(SECRET) == []


@pytest.mark.parametrize(
    "answer",
    [
        agreeing,
        reflecting,
        lambda _heard: http(b""),
        lambda _heard: http(b"0" * 64, "302 Found"),
        lambda _heard: http(b"0" * 64, "404 Not Found"),
        lambda _heard: http(b"\xff" * 64),
        lambda _heard: b"HTTP/1.1 200 OK\r\n\r\n" + b"0" * 64,
        lambda _heard: b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        lambda _heard: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        lambda _heard: b"AMQP\0\0\x09\x01",
        lambda _heard: b"\xff" * 100_000,
    ],
)
def test_who_makes_something_up_is_told_nothing(answer: Answer) -> None:
    one_who(lambda _port: answer)


def test_who_replays_a_proof_is_told_nothing() -> None:
    """On the same port, once the genuine one that he has heard is dead."""
    with serving(SECRET) as port:
        said = recorded(port)
    with stranger(lambda heard: said if heard.endswith(b"\r\n\r\n") else b"", port=port) as other:
        with pytest.raises(requests.ConnectionError):
            shown(other.url)
        assert other.opens(SECRET) == []


def test_who_knows_how_it_is_made_but_no_secret_is_told_nothing() -> None:
    port = free_port()

    def guess(heard: bytes) -> bytes:
        nonce = re.search(rb"nonce=(\w+)", heard)
        at = "127.0.0.1", port
        return http(_proof("a-guess", "orchestrator", at, nonce[1].decode()).encode()) if nonce else agreeing(heard)

    with stranger(guess, port=port) as other:
        with pytest.raises(requests.ConnectionError):
            shown(other.url)
        assert other.opens(SECRET) == []


def test_who_hands_the_question_on_to_the_genuine_one_is_told_nothing() -> None:
    """That one proves that it is at another address."""
    one_who(relaying)


def test_who_hands_the_question_on_from_another_address_of_the_same_port_is_told_nothing() -> None:
    with serving(SECRET) as port:
        app = Flask(__name__)
        heard: list[str] = []

        @app.get("/<path:path>")
        def relay(path: str) -> bytes:
            heard.append(f"{request.headers} {request.url}")
            return requests.get(f"http://127.0.0.1:{port}/{path}", request.args.to_dict(), timeout=5).content

        web = WebServer(app, host="127.0.0.2", port=port, room=lambda *_: 0)
        web.start()
        with pytest.raises(requests.ConnectionError):
            shown(f"http://127.0.0.2:{port}")
        web.stop()
        assert heard
        assert "Authorization" not in "".join(heard)


def test_another_service_that_knows_the_secret_is_told_nothing() -> None:
    with serving(SECRET, server="forge") as port, pytest.raises(requests.ConnectionError):
        shown(f"http://127.0.0.1:{port}")


def test_who_says_nothing_keeps_nobody_for_long() -> None:
    with stranger(lambda _: b"") as other:
        began = time.monotonic()
        with pytest.raises(requests.RequestException):
            shown(other.url)
        assert time.monotonic() - began < 10
        assert other.opens(SECRET) == []


def test_the_genuine_one_is_reached_again_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    with session_with("orchestrator", SECRET) as session:

        def said(port: int) -> str:
            headers = {"Authorization": f"Bearer {SECRET}"}
            return session.get(f"http://127.0.0.1:{port}/x", headers=headers, timeout=5).text

        with serving(SECRET) as port:
            assert said(port) == f"Bearer {SECRET}"
        with stranger(port=port) as other, caplog.at_level(logging.WARNING):
            for _ in range(3):
                with pytest.raises(requests.ConnectionError):
                    said(port)
            assert other.opens(SECRET) == []
        with serving(SECRET, port=port):
            assert said(port) == f"Bearer {SECRET}"
    assert "does not prove that it is the orchestrator" in caplog.text
    assert not re.search(SECRET, caplog.text)


# --- each who calls -----------------------------------------------------------------------------------


def no_answer(call: Callable[[], object]) -> None:
    with pytest.raises(TryAgain):
        call()


CALLERS: dict[str, Callable[[str], object]] = {
    "bot": lambda url: no_answer(RunsApi(url, SECRET).runs),
    "file": lambda url: no_answer(lambda: RunsApi(url, SECRET).keep("x", b"y")),
    "worker": lambda url: no_answer(lambda: TasksApi(url, SECRET, name="x").claim(uuid7())),
    "verifier": lambda url: Alive(url, SECRET).check(CLAIMS),
    "costs": lambda url: ProxyLedger(url, SECRET).of(uuid7()),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("answer", [agreeing, reflecting])
def test_a_caller_shows_nothing_to_a_stranger(caller: str, answer: Answer) -> None:
    with stranger(answer) as other:
        CALLERS[caller](other.url)
        assert other.was_called()
        assert other.opens(SECRET) == []


def test_who_asks_on_a_connection_of_its_own_is_told_of_a_stranger() -> None:
    with stranger() as other, pytest.raises(Stranger):
        ask(other.url, "forge", SECRET)
