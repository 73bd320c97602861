"""The upstream of all contenders: the Messages API, as cheap as asyncio can be. Run alone: `python -m … PORT`.

`POST …/v1/messages` answers streamed or whole, as the body asks; below `/paced` it answers with one piece of text every
20 ms. `GET /seen` hands out what arrived last, head and body.
"""

import asyncio
import re
import sys
from importlib import import_module

from bench.gateway_bench import answers
from bench.gateway_bench.client import CHUNKED, LENGTH, spans

BACKLOG = 2048
END = b"0\r\n\r\n"
STREAM = re.compile(rb'"stream": ?true')
TAIL = 100  # where Claude Code's body says that it wants a stream


def chunk(data: bytes) -> bytes:
    """A piece of a body of unknown length."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def head(content_type: str, length: int | None = None, status: str = "200 OK") -> bytes:
    """The head of an answer; no length: chunked."""
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    lines = (f"HTTP/1.1 {status}", f"content-type: {content_type}", framing, "request-id: req_invented")
    return "\r\n".join((*lines, "\r\n")).encode()


def in_a_few_writes() -> tuple[bytes, ...]:
    """The streamed answer in three writes, each of them one chunk: the least work for who passes it on."""
    events = answers.events("streamed")
    opening, middle, ending = (chunk(b"".join(part)) for part in (events[:4], events[4:18], events[18:]))
    return head(EVENT_STREAM) + opening, middle, ending + END


def in_many_writes() -> tuple[bytes, ...]:
    """The paced answer, each write one chunk: what opens it goes with the first text, what ends it with the last."""
    events = answers.events("paced")
    first, last = len(events) - 3 - answers.EVENTS_PACED, len(events) - 4
    opening, ending = (chunk(b"".join(part)) for part in (events[: first + 1], events[last:]))
    return head(EVENT_STREAM) + opening, *map(chunk, events[first + 1 : last]), ending + END


EVENT_STREAM = "text/event-stream; charset=utf-8"
STREAMED, PACED = in_a_few_writes(), in_many_writes()
WHOLE = head("application/json", len(answers.whole())) + answers.whole()
NOTHING = head("text/plain", 0, "404 Not Found")


class Connection(asyncio.Protocol):
    """A caller, which sends its next request only when it has its answer."""

    seen = bytearray()  # the last call of all connections, as it came

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._request = bytearray()
        self._size: int | None = None  # of the request, once its head is here; 0: not known before its end
        self._next: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way back."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, _: Exception | None) -> None:
        """Stops a paced answer."""
        if self._next:
            self._next.cancel()

    def data_received(self, data: bytes) -> None:
        """Answers when the request is whole."""
        self._request += data
        if self._size is None:
            self._size = size_of(self._request)
        if self._size is None or len(self._request) < self._size:
            return
        if self._size == 0 and not self._request.endswith(END):
            return
        request = unchunked(self._request) if self._size == 0 else self._request
        self._request, self._size = bytearray(), None
        self._answer(request)

    def _answer(self, request: bytearray) -> None:
        if request.startswith(b"GET /seen "):
            self._transport.write(head("application/octet-stream", len(Connection.seen)) + Connection.seen)
            return
        Connection.seen = request
        line = request[: request.find(b"\r\n")]
        if not line.startswith(b"POST ") or b"/v1/messages" not in line:
            self._transport.write(NOTHING)
        elif not (STREAM.search(request, max(0, len(request) - TAIL)) or STREAM.search(request)):
            self._transport.write(WHOLE)
        elif b"/paced/" in line:
            self._write(PACED, 0, self._loop.time())
        else:
            self._write(STREAMED, 0, 0.0)

    def _write(self, writes: tuple[bytes, ...], number: int, began: float) -> None:
        """Writes one piece and sees to the next: paced if there is a `began`, else as soon as the loop comes round."""
        self._transport.write(writes[number])
        number += 1
        if number == len(writes):
            self._next = None
        elif began:
            at = began + number * answers.GAP_SECONDS
            self._next = self._loop.call_at(at, self._write, writes, number, began)
        else:
            self._next = self._loop.call_soon(self._write, writes, number, began)


def size_of(request: bytearray) -> int | None:
    """The bytes of a request, its head included; 0 if its body is chunked, None while its head is not whole."""
    end = request.find(b"\r\n\r\n")
    if end < 0:
        return None
    if CHUNKED.search(request, 0, end):
        return 0
    length = LENGTH.search(request, 0, end + 1)
    return end + 4 + (int(length[1]) if length else 0)


def unchunked(request: bytearray) -> bytearray:
    """A request with its body in one piece."""
    raw = bytes(request)
    return request[: raw.find(b"\r\n\r\n") + 4] + b"".join(raw[start:end] for start, end in spans(raw))


async def serve(port: int) -> None:
    """Serves until it is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(loop), "127.0.0.1", port, backlog=BACKLOG)
    await server.serve_forever()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The fastest loop that is installed."""
    try:
        uvloop = import_module("uvloop")  # not one of the project's own dependencies
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
