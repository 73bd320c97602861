"""Asks for messages as Claude Code does, and keeps count of what that used."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proxy import usage
from proxy.check.assembly import Assembly
from proxy.check.events import EventReader
from proxy.check.exchange import Endpoint, Exchange
from proxy.check.message import Message, read_whole
from proxy.check.outcomes import BUSY, Exhausted, Silent, Unusable, in_the_stream, parsed, refusal
from proxy.usage import Usage

MAX_TOKENS = 1024  # of an answer: models that think without being asked need some room
FAILED = 500
BUSY_RETRIES, RETRIES_OF_A_CALL = 5, 2  # in all; of one
BUSY_SECONDS, LONGEST_BUSY_SECONDS = 2.0, 15.0


@dataclass(slots=True)
class Pace:
    """Of a streamed answer, in seconds: until its first piece, and the longest silence. Pings do not count."""

    first: float = 0.0
    silence: float = 0.0


@dataclass
class MessagesApi:
    """The Messages API at an endpoint.

    `timeout`: seconds of silence after which an answer is given up. `streams`: what `message` asks for, if it is not
    said. `calls`, `used` and `paces` are of what was asked so far.
    """

    endpoint: Endpoint
    model: str
    timeout: float
    sleep: Callable[[float], None] = time.sleep
    streams: bool = True
    calls: int = 0
    used: list[Usage] = field(default_factory=list)
    paces: list[Pace] = field(default_factory=list)
    _retries: int = BUSY_RETRIES

    def message(self, *, beta: str = "", stream: bool | None = None, **body: Any) -> Message:
        """The answer to a request, whose model and max_tokens need not be said. Raises NoMessage."""
        stream = self.streams if stream is None else stream
        whole = {"model": self.model, "max_tokens": MAX_TOKENS, "stream": stream, **body}
        with self._answered("/v1/messages?beta=true", whole, beta) as exchange:
            try:
                message = self._streamed(exchange) if stream else read_whole(parsed(_body(exchange)))
            except Unusable:
                self.used.append(_least(whole))
                raise
        counted = usage.of_body(json.dumps({"usage": message.usage}).encode()).usage
        self.used.append(counted if counted and counted != Usage() else _least(whole))
        if message.stop_reason == "max_tokens" and not (message.text or message.calls):
            raise Exhausted(f"it used up {whole['max_tokens']} tokens before it came to an answer")
        return message

    def count(self, **body: Any) -> object:
        """What count_tokens answers. Raises NoMessage."""
        with self._answered("/v1/messages/count_tokens?beta=true", {"model": self.model, **body}, "") as exchange:
            return parsed(_body(exchange))

    def _answered(self, path: str, body: object, beta: str) -> Exchange:
        """An answer with the status 200. A provider that is busy or fails is asked again, a few times in all."""
        headers = {"anthropic-beta": beta} if beta else {}
        for left in range(RETRIES_OF_A_CALL, -1, -1):
            self.calls += 1
            exchange = Exchange(self.endpoint, path, body, headers, self.timeout)
            if exchange.status == 200:
                return exchange
            with exchange:
                found = refusal(exchange.status, _body(exchange))
            if found.status not in (*BUSY, FAILED) or not left or not self._retries:
                break
            self._retries -= 1
            self._wait(exchange.retry_after)
        raise Silent(str(found)) if found.status in BUSY else found

    def _wait(self, retry_after: str) -> None:
        asked = float(retry_after) if retry_after.isdecimal() else BUSY_SECONDS
        self.sleep(min(asked, LONGEST_BUSY_SECONDS))

    def _streamed(self, exchange: Exchange) -> Message:
        """The message that a stream of events carries."""
        if not exchange.is_stream:
            read_whole(parsed(_body(exchange)))  # it may have worse faults
            raise Unusable("it came in one piece where a stream was asked for")
        reader, assembly, pace = EventReader(), Assembly(), Pace()
        try:
            self._follow(exchange, reader, assembly, pace)
        except TimeoutError as error:
            if assembly.message or assembly.nameless:
                raise Unusable(f"it fell silent for {self.timeout:g} s in the middle of its answer") from error
            raise Silent(f"no answer in {self.timeout:g} s") from error
        except ConnectionError as error:
            raise Unusable("it broke off in the middle of its answer") from error
        message = assembly.result()
        if reader.garbled:
            raise Unusable("the stream is not UTF-8")
        self.paces.append(pace)
        return message

    def _follow(self, exchange: Exchange, reader: EventReader, assembly: Assembly, pace: Pace) -> None:
        """Takes events until the stream ends. Raises TimeoutError where only pings come."""
        last = exchange.began
        for chunk in exchange.chunks():
            events = [event for event in reader.feed(chunk) if event.name != "ping"]
            now = time.monotonic()
            pace.silence = max(pace.silence, now - last)
            if not events and now - last > self.timeout:
                raise TimeoutError
            last = now if events else last
            for event in events:
                assembly.take(event)
                if event.name == "content_block_delta" and not pace.first:
                    pace.first = now - exchange.began
            if assembly.error:
                raise in_the_stream(assembly.error, begun=assembly.message is not None)


def _least(body: object) -> Usage:
    """What a request must have used at the least, where the provider does not say."""
    return Usage(input=len(json.dumps(body)) // usage.CHARACTERS_PER_TOKEN)


def _body(exchange: Exchange) -> bytes:
    try:
        return b"".join(exchange.chunks())
    except TimeoutError as error:
        raise Silent("the answer did not come to an end") from error
    except ConnectionError as error:
        raise Unusable("it broke off in the middle of its answer") from error
