"""The web server: it ends when it is told to, whoever is still connected; and nobody who is unknown fills it."""

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import requests
from flask import Flask, request

from native.rabbitmq import free_port
from stack.errors import Refused
from stack.web import CONNECTIONS, OF_ONE_ADDRESS, WebServer

MOST = 1000
KNOWN = {"Authorization": "Bearer known"}


@pytest.fixture
def port() -> int:
    return free_port()


def room(path: str, authorization: str) -> int:
    if authorization != KNOWN["Authorization"]:
        raise Refused("nobody knows you")
    return MOST if path == "/keep" else 0


class Shop:
    """An application with a view that takes its time."""

    def __init__(self) -> None:
        self.asked, self.released = threading.Event(), threading.Event()
        self.app = Flask(__name__)
        self.app.add_url_rule("/", view_func=lambda: "hello")
        self.app.add_url_rule("/slow", endpoint="slow", view_func=self.slow)
        self.app.add_url_rule("/keep", endpoint="keep", view_func=self.keep, methods=["POST"])

    def slow(self) -> str:
        self.asked.set()
        assert self.released.wait(20)
        return "at last"

    def keep(self) -> str:
        return str(len(request.get_data()))


@pytest.fixture
def url(port: int) -> Iterator[str]:
    """A server's address."""
    server = WebServer(Shop().app, host="127.0.0.1", port=port, room=room)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@contextmanager
def connections(count: int, port: int) -> Iterator[list[socket.socket]]:
    """Connections to a port of 127.0.0.1, each eighty from an address of their own."""
    with ExitStack() as stack:
        made = []
        for number in range(count):
            source = (f"127.0.1.{number // 80}", 0)
            made.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 5, source)))
        yield made


def web_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "web"]


def test_an_idle_connection_does_not_keep_the_server_alive(port: int) -> None:
    server = WebServer(Shop().app, host="127.0.0.1", port=port, room=room)
    server.start()
    with requests.Session() as session:
        assert session.get(f"http://127.0.0.1:{port}/", timeout=5).text == "hello"
        server.stop()
        assert web_threads() == []


def test_a_request_under_way_is_answered(port: int) -> None:
    shop, answers = Shop(), []
    server = WebServer(shop.app, host="127.0.0.1", port=port, room=room)
    server.start()
    asking = threading.Thread(
        target=lambda: answers.append(requests.get(f"http://127.0.0.1:{port}/slow", timeout=20).text)
    )
    asking.start()
    assert shop.asked.wait(5)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    shop.released.set()
    for thread in (asking, stopping):
        thread.join(20)
    assert answers == ["at last"]
    assert web_threads() == []


# --- what an unknown caller may cost ------------------------------------------------------------------


def test_more_connections_than_select_can_watch_end_nothing(url: str, port: int) -> None:
    """The 1,024th descriptor ended the server's thread, once."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with connections(CONNECTIONS + 200, port):
        pass
    assert requests.get(url, timeout=5).text == "hello"


@pytest.mark.parametrize("address", ["127.0.1.1", "127.0.0.1"])
def test_who_holds_all_connections_of_an_address_keeps_nobody_out(url: str, port: int, address: str) -> None:
    """Without containers, all callers have one address."""
    with ExitStack() as stack:
        for _ in range(2 * OF_ONE_ADDRESS):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 5, (address, 0)))
        assert requests.get(url, timeout=5).text == "hello"
        assert len(web_threads()) == 1


def test_who_says_a_byte_now_and_then_is_not_heard_for_ever(port: int) -> None:
    server = WebServer(Shop().app, host="127.0.0.1", port=port, room=room, head_seconds=0.5)
    server.start()
    said = b""
    with socket.create_connection(("127.0.0.1", port), 0.1) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        for _ in range(100):
            with suppress(TimeoutError):
                said = connection.recv(4096)
                break
            connection.sendall(b"x")
    server.stop()
    assert b" 408 " in said


def test_a_body_is_taken_from_who_is_known(url: str) -> None:
    assert requests.post(f"{url}/keep", bytes(MOST), headers=KNOWN, timeout=5).text == str(MOST)
    pieces = iter([bytes(MOST // 2)] * 2)
    assert requests.post(f"{url}/keep", pieces, headers=KNOWN, timeout=5).text == str(MOST)


@pytest.mark.parametrize("more", ["", "Expect: 100-continue\r\n"], ids=["at once", "asked first"])
@pytest.mark.parametrize(
    "length", ["Content-Length: 200000000", f"Content-Length: {1 << 30}", "Transfer-Encoding: chunked"]
)
@pytest.mark.parametrize(
    ("path", "who", "status"),
    [("/keep", "unknown", 401), ("/keep", "", 401), ("/keep", "known", 413), ("/", "known", 413)],
)
def test_a_body_is_refused_at_its_head(port: int, path: str, who: str, status: int, length: str, more: str) -> None:
    server = WebServer(Shop().app, host="127.0.0.1", port=port, room=room)
    server.start()
    with socket.create_connection(("127.0.0.1", port), 5) as caller:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {who}\r\n{more}{length}\r\n\r\n"
        caller.sendall(head.encode())
        if status == 413 and "chunked" in length:
            chunk = b"%x\r\n%b\r\n" % (MOST + 1, bytes(MOST + 1))
            caller.sendall(chunk)
        answer = b""
        while read := caller.recv(65536):
            answer += read
    server.stop()
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n") if status == 413 and "chunked" in length else answer
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b'"error"' in answer


def test_a_refused_body_is_not_read_as_the_next_request(url: str, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as caller:
        hidden = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        head = b"POST /keep HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(hidden)
        caller.sendall(head + hidden)
        answer = b""
        while read := caller.recv(65536):
            answer += read
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"hello" not in answer
