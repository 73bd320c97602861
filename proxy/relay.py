"""Passes a provider's answer on to the caller, byte for byte, and has the meter count it."""

import json
from collections.abc import Iterator

from flask import Response

from proxy.errors import CALLER_HUNG_UP, HungUp, UpstreamFailed, content
from proxy.meter import Meter
from proxy.upstream import Answer
from proxy.usage import Reading, StreamReader, of_body


def passed_on(answer: Answer) -> Response:
    """The answer as it is, read to its end first: one that breaks off becomes a clear error."""
    return Response(answer.read(), answer.status, answer.headers)


def metered(answer: Answer, meter: Meter) -> Response:
    """The answer as it is: a stream while it comes, anything else whole."""
    if answer.is_stream:
        headers = [*answer.headers, ("x-accel-buffering", "no")]
        return Response(MeteredStream(answer, meter), answer.status, headers)
    response = passed_on(answer)
    succeeded = answer.status < 400
    reading = of_body(response.get_data())
    meter.settle(answer.status, "ok" if succeeded else "error", reading, billable=succeeded)
    return response


class MeteredStream:
    """A stream on its way to the caller. It is settled before its last event leaves, or when it is closed."""

    def __init__(self, answer: Answer, meter: Meter) -> None:
        self._answer = answer
        self._meter = meter
        self._reader = StreamReader()

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._answer:
                self._take(chunk)
                yield chunk
            reason = "the provider's stream ended before its message did"
        except HungUp:
            return
        except UpstreamFailed as failure:
            reason = f"{failure} in the middle of a message"
        if not self._reader.ended:
            self._settle_as_error(reason)
            yield error_event(reason)

    def close(self) -> None:
        """Ends the provider's work where the caller left before its end. The server calls this last."""
        self._answer.close()
        self._meter.settle(CALLER_HUNG_UP, "aborted", self._reader.reading, billable=True)

    def _take(self, chunk: bytes) -> None:
        self._reader.feed(chunk)
        if self._reader.finished:
            self._meter.settle(self._answer.status, "ok", self._reader.reading, billable=True)
        elif self._reader.failed:
            self._settle_as_error("the provider sent an error event")

    def _settle_as_error(self, reason: str) -> None:
        self._meter.settle(self._answer.status, "error", self._reader.reading, billable=True, detail=reason)


def error_event(message: str) -> bytes:
    """An error event that can follow a stream broken off anywhere.

    Its first byte ends a line that was cut. No empty line follows it, so that half an event is not dispatched: the
    half becomes a part of the error, which clients raise all the same.
    """
    return b"\nevent: error\ndata: " + json.dumps(content("api_error", message)).encode() + b"\n\n"


def settle_failure(meter: Meter, failure: UpstreamFailed | HungUp) -> None:
    """Counts a call whose answer never reached the caller."""
    if isinstance(failure, HungUp):
        meter.settle(CALLER_HUNG_UP, "aborted", Reading(), billable=True)
    else:
        meter.settle(failure.status, "error", Reading(), billable=failure.billable, detail=str(failure))
