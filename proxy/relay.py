"""Passes an answer on to the caller as it comes, keeps the line alive in silence, and settles the call at its end."""

import json
import time

from proxy.attempt import Attempt
from proxy.dispatch import Dispatch
from proxy.errors import CALLER_HUNG_UP, ApiError, HungUp, UpstreamFailed
from proxy.event_stream import PING, error_event
from proxy.hang_up import Line
from proxy.ledger.records import Outcome
from proxy.metering import Meter
from proxy.request import ModelRequest
from proxy.usage import error_type
from proxy.writer import Writer

PING_SECONDS = 10.0  # Claude Code tells its user that it waits after 20 seconds without a word
SILENCE_SECONDS = 300.0  # after which Claude Code itself gives a stream up
DRAIN_SECONDS = 0.05  # for the provider to end its answer, so that its connection can be used again
EVENTS = ("content-type", "text/event-stream; charset=utf-8")
FOR_STREAMS = [("cache-control", "no-store"), ("x-accel-buffering", "no")]


class Relay:
    """One call's answer."""

    def __init__(self, dispatch: Dispatch, meter: Meter, line: Line, request: ModelRequest) -> None:
        self._dispatch = dispatch
        self._meter = meter
        self._line = line
        self._request = request
        self._attempt: Attempt | None = None
        self._settled = False
        self._request_id = meter.request_id

    def run(self, writer: Writer) -> None:
        """Waits for an answer and writes it. Raises ApiError where there is none and nothing was written; HungUp."""
        try:
            self._run(writer)
        except ApiError as error:
            if self._attempt:
                self._settle("error", error.status, billable=True, reason="cut off")
            self._settle_failure(error)
            raise
        finally:
            self._line.forget()
            self._settle("aborted", CALLER_HUNG_UP, billable=True)
            self._dispatch.close()

    def _run(self, writer: Writer) -> None:
        attempt = self._opened(writer)
        self._attempt = attempt
        self._request.release()
        self._meter.answering()
        if attempt.stream is None:
            self._settle_whole(attempt)
            if writer.began:
                writer.end(_as_event(attempt))
            else:
                writer.whole(attempt.status, [*attempt.headers, *self._said_of(attempt)], attempt.first)
            return
        if not writer.began:
            writer.begin(200, [*attempt.headers, *FOR_STREAMS, *self._said_of(attempt)])
        self._pass_on(attempt, attempt.first, writer)

    def _opened(self, writer: Writer) -> Attempt:
        """The attempt whose answer begins. In silence, pings of ours keep a stream's line alive."""
        # what the call waited for before counts as silence too
        seconds = max(PING_SECONDS - (time.time() - self._meter.began), 0.0)
        while True:
            try:
                attempt = self._dispatch.wait(seconds)
            except ApiError as error:
                if not writer.began:
                    raise
                self._settle_failure(error)
                writer.end(error_event(error.kind, str(error)))
                raise HungUp from error
            if attempt:
                return attempt
            if self._request.stream:
                if not writer.began:
                    writer.begin(200, [EVENTS, *FOR_STREAMS])
                writer.send(PING)
            seconds = PING_SECONDS

    def _pass_on(self, attempt: Attempt, events: bytes, writer: Writer) -> None:
        """Writes events until the message ends, with pings in silence."""
        while events:
            self._note_end(attempt)
            if self._settled:
                writer.end(events)
                attempt.drain(DRAIN_SECONDS)
                return
            writer.send(events)
            try:
                events = attempt.read(PING_SECONDS)
            except TimeoutError:
                is_alive = attempt.silence < SILENCE_SECONDS
                events = PING if is_alive else self._cut_off(attempt, "the provider fell silent")
            except UpstreamFailed as failure:
                events = self._cut_off(attempt, f"the provider {failure}")
            except ApiError as error:
                events = self._cut_off(attempt, str(error))
        last = attempt.end()
        self._note_end(attempt)
        self._settle("error", attempt.status, billable=True, reason="cut off")
        writer.end(last)

    def _cut_off(self, attempt: Attempt, reason: str) -> bytes:
        self._settle("error", attempt.status, billable=True, reason="cut off")
        return error_event("api_error", reason)

    def _said_of(self, attempt: Attempt) -> list[tuple[str, str]]:
        """Which provider answers, and the model that it was asked for; an id, where the provider gave none."""
        said = [("x-gateway-provider", attempt.target.provider.name), ("x-gateway-model", _printable(attempt.model))]
        has_id = any(name == "request-id" for name, _ in attempt.headers)
        return said if has_id else [*said, ("request-id", self._request_id)]

    def _note_end(self, attempt: Attempt) -> None:
        """Settles the call as soon as its message is whole, or was ended by an error."""
        if attempt.reader.finished:
            self._settle("ok", attempt.status, billable=True)
        elif error := attempt.reader.error:
            self._settle("error", attempt.status, billable=True, reason=error)

    def _settle_whole(self, attempt: Attempt) -> None:
        ok = attempt.status < 400
        reason = "" if ok else _reason(attempt.first)
        self._settle("ok" if ok else "error", attempt.status, billable=ok, reason=reason)

    def _settle_failure(self, error: ApiError) -> None:
        """No provider answered; what those that broke off may charge for is counted by the dispatch. One that was
        still at work, when the gateway had to stop, may charge for that."""
        self._attempt = None
        self._settle("error", error.status, billable=self._dispatch.attempt is not None, reason=error.kind)

    def _settle(self, outcome: Outcome, status: int, *, billable: bool, reason: str = "") -> None:
        if self._settled:
            return
        self._settled = True
        dispatch = self._dispatch
        attempt = self._attempt or dispatch.attempt
        self._meter.settle(
            outcome, status, attempt, tried=dispatch.tried, unpaid=dispatch.unpaid, billable=billable,
            streamed=bool(attempt and attempt.stream), reason=reason,
        )  # fmt: skip


def _printable(text: str) -> str:
    return "".join(c if " " < c < "\x7f" else "?" for c in text)[:200]


def _reason(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return error_type(found) if isinstance(found, dict) else ""


def _as_event(attempt: Attempt) -> bytes:
    """An answer that should have been a stream, but came whole after we had begun one: an error, in all likelihood."""
    if attempt.status >= 400 and b"\n" not in attempt.first and _reason(attempt.first):
        return b"event: error\ndata: " + attempt.first + b"\n\n"
    return error_event("api_error", f"the provider answered {attempt.status} without a stream")
