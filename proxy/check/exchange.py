"""One request over HTTP, and its answer in pieces as they come, each within a time."""

import json
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from proxy.check.outcomes import Silent

WHOLE_TIMES = 4  # an answer may take so many times the time-out, as long as it is never silent for one
LARGEST_ANSWER = 4 * 1024 * 1024
HEADERS = {"anthropic-version": "2023-06-01", "accept-encoding": "identity", "content-type": "application/json"}


class Endpoint(NamedTuple):
    """Where a gateway listens, such as `http://127.0.0.1:8003`, and a token that it takes."""

    url: str
    token: str


class Exchange:
    """A request that was sent, and an answer that has begun. `began`: seconds, as time.monotonic counts them."""

    def __init__(self, to: Endpoint, path: str, body: object, headers: Mapping[str, str], timeout: float) -> None:
        """Sends. Raises Silent where no answer begins within `timeout` seconds."""
        self.began = time.monotonic()
        self._timeout = timeout
        self._connection = HTTPConnection(urlsplit(to.url).netloc, timeout=timeout)
        whole = {**HEADERS, "authorization": f"Bearer {to.token}", **headers}
        try:
            self._connection.request("POST", path, json.dumps(body).encode(), whole)
            self._response = self._connection.getresponse()
        except TimeoutError as error:
            self._connection.close()
            raise Silent(f"no answer in {timeout:g} s") from error
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise Silent("it hung up without an answer, or is not there") from error

    def __enter__(self) -> "Exchange":
        return self

    def __exit__(self, *_: Any) -> None:
        self._response.close()
        self._connection.close()

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def is_stream(self) -> bool:
        """Whether the answer calls itself a stream of events."""
        return self._response.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def retry_after(self) -> str:
        """For how long the provider wants to be left alone, as it says it."""
        return self._response.headers.get("retry-after", "")

    def chunks(self) -> Iterator[bytes]:
        """The body. Raises TimeoutError where it is silent or has no end, ConnectionError where it breaks off."""
        size, latest = 0, self.began + WHOLE_TIMES * self._timeout
        while size <= LARGEST_ANSWER and time.monotonic() < latest:
            chunk = self._chunk()
            if not chunk:
                return
            size += len(chunk)
            yield chunk
        raise TimeoutError("it has no end")

    def _chunk(self) -> bytes:
        try:
            return self._response.read1(65536)
        except TimeoutError as error:
            raise TimeoutError(f"silent for {self._timeout:g} s") from error
        except (OSError, HTTPException) as error:
            raise ConnectionError("it broke off") from error
