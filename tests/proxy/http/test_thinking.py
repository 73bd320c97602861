"""Thoughts of one provider's model that another refuses: left out, and asked once more."""

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.proxy.http.lanes import HELLO, rows
from tests.proxy.http.routes import ANTHROPIC, Case, other
from tests.proxy.running import a_task
from tests.proxy.upstream import Exchange, answering, streaming

SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "invented-signature"}
HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": [SIGNED, {"type": "text", "text": "Hello."}]},
    {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "invented"}]},
    {"role": "user", "content": "And?"},
]
REFUSED = "messages.1.content.0: Invalid `signature` in `thinking` block"


def refusing_thoughts(exchange: Exchange, answer: Callable[[Exchange], None]) -> None:
    if "thinking" in json.dumps(json.loads(exchange.received.body)["messages"]):
        answering(ANTHROPIC.error("invalid_request_error", REFUSED), 400)(exchange)
    else:
        answer(exchange)


@pytest.mark.parametrize("streamed", [True, False])
def test_thoughts_that_a_provider_refuses_are_left_out_once(streamed: bool, case: Case) -> None:
    """§2.2 tier switch: the same target is asked again, without the thinking of another."""
    events = ANTHROPIC.events(HELLO, model=case.model)
    answer = streaming(*events) if streamed else answering(ANTHROPIC.message(HELLO, model=case.model))
    case.first.script = lambda exchange: refusing_thoughts(exchange, answer)
    reply = case.call(messages=HISTORY, thinking={"type": "adaptive"}, stream=streamed)
    assert (reply.status, case.by(reply), case.asked) == (200, "first", (2, 0))
    first, second = (json.loads(received.body) for received in case.first.received)
    assert first["messages"] == HISTORY
    assert second["messages"] == [HISTORY[0], {"role": "assistant", "content": HISTORY[1]["content"][1:]}, HISTORY[3]]
    assert {**first, "messages": []} == {**second, "messages": []}


def test_a_provider_that_refuses_again_is_heard(case: Case) -> None:
    body = ANTHROPIC.error("invalid_request_error", REFUSED)
    case.first.script = answering(body, 400)
    reply = case.call(messages=HISTORY)
    assert (reply.status, reply.body, case.asked) == (400, body, (2, 0))


@pytest.mark.parametrize("messages", [["hi"], {"role": "user"}, "hi", [{"role": "user", "content": ["hi"]}], None, 7])
def test_messages_that_are_none_and_an_error_about_a_signature(messages: Any, case: Case) -> None:
    case.first.script = answering(ANTHROPIC.error("invalid_request_error", REFUSED), 400)
    assert case.call(messages=messages).error == (400, "invalid_request_error")


def test_a_provider_that_goes_away_between_the_two_tries_is_replaced(case: Case, leaving: socket.socket) -> None:
    body = ANTHROPIC.error("invalid_request_error", REFUSED)

    def refuse_and_leave() -> None:
        connection, _ = leaving.accept()
        leaving.close()
        with connection:
            connection.recv(65536)
            head = f"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)

    thread = threading.Thread(target=refuse_and_leave)
    thread.start()
    claims = a_task()
    reply = other(case, "leaving-first").call(messages=HISTORY, claims=claims)
    thread.join()
    assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "last-a")
    assert rows(case.gateway, claims.run, 1)[0]["tried"] == "leaving away"
