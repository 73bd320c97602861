"""Many paced streams at once, in a process of its own: sends everything, notes when each event came, then judges.

`python -m bench.gateway_bench.streams PORT COUNT FILE…`: COUNT connections, the requests of the files in turn. Prints
JSON: seconds of every gap, seconds to each first event, how many events were lost, and what was wrong.
"""

import asyncio
import gc
import json
import re
import sys
import time
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

from bench.gateway_bench.answers import EVENTS_PACED
from bench.gateway_bench.checks import Wrong, check_answer
from bench.gateway_bench.client import END, spans
from bench.gateway_bench.mock import new_event_loop

SECONDS = 60  # after which what has not come is lost


class Stream(asyncio.Protocol):
    """One caller."""

    def __init__(self) -> None:
        self.raw = b""
        self.began = 0.0
        self.reads: list[tuple[float, int]] = []  # when, and how many bytes were there then
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way to send."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def send(self, request: bytes) -> None:
        """Asks."""
        self.began = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Notes the time; what came is looked at later."""
        self.raw += data
        self.reads.append((time.perf_counter(), len(self.raw)))
        if data.endswith(b"0\r\n\r\n") and self.raw.endswith(END):
            self._end()

    def connection_lost(self, _: Exception | None) -> None:
        """Nothing more comes."""
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def close(self) -> None:
        """Hangs up."""
        self._transport.abort()

    def times(self, mark: bytes) -> list[float]:
        """When each event that begins with `mark` was there to its last byte."""
        try:
            pieces = spans(self.raw)
        except ValueError:  # broken off: `judge` says so, and what came is counted all the same
            pieces = [(0, len(self.raw))]
        body = b"".join(self.raw[start:end] for start, end in pieces)
        ends = [end for found in re.finditer(re.escape(mark), body) if (end := body.find(b"\n\n", found.end())) > 0]
        return [self._time_of(place) for place in places(pieces, ends)]

    def _time_of(self, place: int) -> float:
        """When the byte at this place was there."""
        return self.reads[bisect_right(self.reads, place, key=lambda read: read[1])][0]


def places(pieces: list[tuple[int, int]], offsets: list[int]) -> list[int]:
    """Where in what came the last byte of the empty line is that begins at these offsets of the body."""
    found, before, left = [], 0, iter(pieces)
    start, end = next(left, (0, 0))
    for offset in offsets:
        while before + end - start <= offset + 1:
            before += end - start
            start, end = next(left)
        found.append(start + offset + 1 - before)
    return found


async def play(port: int, count: int, requests: list[bytes]) -> list[Stream]:
    """All streams, from the first byte sent to the last one received; those that take too long are cut off."""
    loop = asyncio.get_running_loop()
    streams = []
    for _ in range(count):
        _, stream = await loop.create_connection(Stream, "127.0.0.1", port)
        streams.append(stream)
    for number, stream in enumerate(streams):
        stream.send(requests[number % len(requests)])
    await asyncio.wait([stream.ended for stream in streams], timeout=SECONDS)
    for stream in streams:
        stream.close()
    return streams


def judge(streams: list[Stream]) -> dict[str, object]:
    """The figures of all streams together."""
    gaps, firsts, lost, wrong = [], [], 0, set()
    for stream in streams:
        times = stream.times(b"event: content_block_delta")
        lost += EVENTS_PACED - len(times)
        gaps += [later - earlier for earlier, later in pairwise(times)]
        firsts += [first - stream.began for first in stream.times(b"event: message_start")]
        try:
            check_answer(stream.raw, "paced", transparent=False)
        except Wrong as error:
            wrong.add(str(error))
    return {"gaps": gaps, "firsts": firsts, "lost": lost, "wrong": sorted(wrong)}


def main() -> None:
    """Plays, and prints."""
    port, count, *files = sys.argv[1:]
    requests = [Path(name).read_bytes() for name in files]
    gc.disable()  # no pauses of our own
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        streams = runner.run(play(int(port), int(count), requests))
    json.dump(judge(streams), sys.stdout)


if __name__ == "__main__":
    main()
