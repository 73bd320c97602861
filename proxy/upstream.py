"""Calls a tier's provider over HTTP and hands back the answer as it comes."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from urllib3 import BaseHTTPResponse, Timeout, connection_from_url
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError
from urllib3.util import parse_url

from proxy import hang_up
from proxy.errors import UpstreamFailed
from proxy.headers import Pairs, to_caller, to_upstream
from proxy.tiers import Tier

CONNECT_SECONDS = 10
SILENCE_SECONDS = 600  # Claude Code's own limit for a request
KEPT_CONNECTIONS = 256


class Answer:
    """A provider's answer, whose headers are here and whose body is still to come."""

    def __init__(self, response: BaseHTTPResponse, tier: Tier, caller: socket.socket) -> None:
        self.status = response.status
        self.headers = to_caller(response.headers.iteritems())
        self.is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        self._response = response
        self._tier = tier
        self._caller = caller

    def read(self) -> bytes:
        """The whole body. Raises UpstreamFailed where it breaks off, HungUp where the caller does."""
        with self._receiving():
            return self._response.read(decode_content=False)

    def __iter__(self) -> Iterator[bytes]:
        """The body in the pieces in which it comes. Raises as `read` does."""
        while chunk := self._next():
            yield chunk

    def close(self) -> None:
        """Ends the connection where something may still come. Idempotent."""
        self._response.close()

    def _next(self) -> bytes:
        with self._receiving():
            return self._response.read1(decode_content=False)

    @contextmanager
    def _receiving(self) -> Iterator[None]:
        try:
            with hang_up.noticed(self._caller):
                yield
        except HTTPError as error:
            raise _broken(error, self._tier, billable=self.status < 400) from error


class Upstream:
    """A tier's provider, behind a pool of connections."""

    def __init__(self, tier: Tier) -> None:
        self.tier = tier
        self._path = (parse_url(tier.base_url).path or "").rstrip("/")
        self._pool = connection_from_url(
            tier.base_url, maxsize=KEPT_CONNECTIONS, timeout=Timeout(connect=CONNECT_SECONDS, read=SILENCE_SECONDS)
        )

    def send(self, method: str, target: str, *, headers: Pairs, body: bytes | None, caller: socket.socket) -> Answer:
        """Sends a request on and waits for the head of the answer.

        Never tries twice: clients do. Raises ApiError without a key, UpstreamFailed where no answer comes, and HungUp
        where the caller did not wait for it.
        """
        sent = to_upstream(headers, self.tier.credentials())
        try:
            with hang_up.noticed(caller):
                response = self._pool.urlopen(
                    method, self._path + target, body, sent,
                    retries=False, preload_content=False, decode_content=False,
                )  # fmt: skip
        except HTTPError as error:
            raise _broken(error, self.tier, billable=False) from error
        return Answer(response, self.tier, caller)


def _broken(error: HTTPError, tier: Tier, *, billable: bool) -> UpstreamFailed:
    # 502 and not 529 for a provider that is away: clients try both again, but 529 has them say that the provider is
    # overloaded, hides our text, and after three of them changes the model
    who = f"the provider of the {tier.name} tier ({tier.provider})"
    if isinstance(error, ReadTimeoutError):
        return UpstreamFailed(504, "timeout_error", f"{who} was silent for {SILENCE_SECONDS} s", billable=True)
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return UpstreamFailed(502, "api_error", f"{who} cannot be reached", billable=False)
    return UpstreamFailed(502, "api_error", f"{who} broke off", billable=billable)
