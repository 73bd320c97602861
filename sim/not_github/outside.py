"""What stands around the application: faults on demand, a log of requests, and the headers on every answer."""

import json
import re
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from waitress.channel import ClientDisconnected

from sim.not_github.hub import Hub
from sim.not_github.refusals import refusal
from sim.not_github.rows import now

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL = "/_sim/"


@dataclass
class Fault:
    """What happens to the next `count` requests of that kind. Without `status` only the delay does."""

    path_regex: re.Pattern[str]
    method: str | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None
    count: int = 1
    when: Literal["before", "after"] = "before"
    delay_seconds: float = 0
    drop: bool = False

    def meets(self, method: str, path: str) -> bool:
        return self.count > 0 and self.method in (None, method) and bool(self.path_regex.search(path))


FIELDS: dict[str, type | tuple[type, ...]] = {
    "path_regex": str,
    "method": str,
    "status": int,
    "headers": dict,
    "body": object,
    "count": int,
    "when": str,
    "delay_seconds": (int, float),
    "drop": bool,
    "like": str,
    "retry_after": int,
}


def read_fault(sent: dict[str, Any]) -> Fault:
    """Raises `ValueError` with what is wrong."""
    for name, value in sent.items():
        if name not in FIELDS or not isinstance(value, FIELDS[name]):
            raise ValueError(f"{name} = {value!r} is not understood; there are {', '.join(FIELDS)}")
    if sent.get("when", "before") not in ("before", "after"):
        raise ValueError("when is before or after")
    try:
        pattern = re.compile(sent.get("path_regex", ""))
    except re.error as problem:
        raise ValueError(f"path_regex: {problem}") from None
    like, after = sent.get("like"), sent.get("retry_after")
    said: dict[str, Any] = {"headers": {"retry-after": str(after)}} if after is not None else {}
    if like:
        said = refusal(like, status=sent.get("status"), retry_after=after)
    headers = {**said.get("headers", {}), **sent.get("headers", {})}
    own = {name: value for name, value in sent.items() if name not in ("like", "retry_after")}
    return Fault(**{**said, **own, "headers": headers, "path_regex": pattern})


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The first that meets the request, counted down."""
        with self._lock:
            for fault in self._waiting:
                if fault.meets(method, path):
                    fault.count -= 1
                    return fault
        return None


class Outside:
    """A WSGI application around another. What passes under /_sim/ is neither hurt nor logged."""

    def __init__(self, inside: "WSGIApplication", hub: Hub, faults: Faults) -> None:
        self._inside = inside
        self._hub = hub
        self._faults = faults

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], _path(environ)
        if path.startswith(CONTROL):
            return self._inside(environ, start_response)
        answer = self._logged(method, path, self._with_headers(path, start_response))
        fault = self._faults.take(method, path)
        if fault is None:
            return self._inside(environ, answer)
        return self._hurt(fault, environ, answer)

    def _hurt(self, fault: Fault, environ: "WSGIEnvironment", answer: "StartResponse") -> Iterable[bytes]:
        time.sleep(fault.delay_seconds)
        if not fault.drop and fault.status is None:
            return self._inside(environ, answer)
        if fault.when == "after":
            self._run_unheard(environ)
        if fault.drop:
            answer("0 no answer", [])
            raise ClientDisconnected  # waitress then closes the connection without a word
        return _injected(fault, answer)

    def _run_unheard(self, environ: "WSGIEnvironment") -> None:
        parts = self._inside(environ, lambda *_: lambda _: None)
        for _ in parts:
            pass
        if hasattr(parts, "close"):
            parts.close()

    def _logged(self, method: str, path: str, start_response: "StartResponse") -> "StartResponse":
        def logging(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            entry = {"method": method, "path": path, "status": int(status.split()[0]), "at": now()}
            self._hub.requests.append(entry)
            return start_response(status, headers, *more)

        return logging

    def _with_headers(self, path: str, start_response: "StartResponse") -> "StartResponse":
        rate = self._hub.rate.count(int(path != "/rate_limit"))
        every = {f"x-ratelimit-{name}": str(value) for name, value in rate.items()}
        every |= {"x-ratelimit-resource": "core", "x-github-request-id": uuid.uuid4().hex[:24].upper()}

        def with_headers(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            own = {name.lower() for name, _ in headers}
            added = [(name, value) for name, value in every.items() if name not in own]
            return start_response(status, headers + added, *more)

        return with_headers


def _path(environ: "WSGIEnvironment") -> str:
    text: str = environ.get("PATH_INFO", "")
    return text.encode("latin-1").decode(errors="replace")


def _injected(fault: Fault, start_response: "StartResponse") -> Iterable[bytes]:
    status = HTTPStatus(fault.status or 500)
    body = fault.body if fault.body is not None else {"message": status.phrase, "status": str(status.value)}
    payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", **fault.headers}
    start_response(f"{status.value} {status.phrase}", list({**headers, "Content-Length": str(len(payload))}.items()))
    return [payload]
