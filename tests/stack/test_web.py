"""The web server ends when it is told to, whoever is still connected."""

import threading

import pytest
import requests
from flask import Flask

from native.rabbitmq import free_port
from stack.web import WebServer


class Shop:
    """An application with a view that takes its time."""

    def __init__(self) -> None:
        self.asked, self.released = threading.Event(), threading.Event()
        self.app = Flask(__name__)
        self.app.add_url_rule("/", view_func=lambda: "hello")
        self.app.add_url_rule("/slow", endpoint="slow", view_func=self.slow)

    def slow(self) -> str:
        self.asked.set()
        assert self.released.wait(20)
        return "at last"


@pytest.fixture
def port() -> int:
    return free_port()


def web_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "web"]


def test_an_idle_connection_does_not_keep_the_server_alive(port: int) -> None:
    server = WebServer(Shop().app, host="127.0.0.1", port=port)
    server.start()
    with requests.Session() as session:
        assert session.get(f"http://127.0.0.1:{port}/", timeout=5).text == "hello"
        server.stop()
        assert web_threads() == []


def test_a_request_under_way_is_answered(port: int) -> None:
    shop, answers = Shop(), []
    server = WebServer(shop.app, host="127.0.0.1", port=port)
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
