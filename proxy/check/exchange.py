"""One request over HTTP, and its answer in pieces as they come, each within a time."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import requests
import urllib3

from proxy.check.outcomes import Silent

CONNECT_SECONDS = 5.0  # to a gateway on this machine
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
        self._session = requests.Session()
        self._session.trust_env = False  # neither a proxy nor a netrc of this machine
        try:
            self._response = self._session.post(
                to.url + path,
                data=json.dumps(body).encode(),
                headers={**HEADERS, "authorization": f"Bearer {to.token}", **headers},
                stream=True,
                timeout=(CONNECT_SECONDS, timeout),
                allow_redirects=False,
            )
        except requests.Timeout as error:
            self._session.close()
            raise Silent(f"no answer in {timeout:g} s") from error
        except requests.RequestException as error:
            self._session.close()
            raise Silent("it hung up without an answer, or is not there") from error

    def __enter__(self) -> "Exchange":
        return self

    def __exit__(self, *_: Any) -> None:
        self._response.close()
        self._session.close()

    @property
    def status(self) -> int:
        return self._response.status_code

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
            chunk: bytes = self._response.raw.read1(65536)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise TimeoutError(f"silent for {self._timeout:g} s") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ConnectionError("it broke off") from error
        return chunk
