"""Errors in Anthropic's shape, which clients match on.

ApiError            the caller gets it as status, type and message
├── UpstreamFailed  the provider gave no answer, or not all of it
└── Restarting      the gateway itself ends
HungUp              the caller is gone: nobody is left to answer
"""

import logging

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from proxy.ledger.records import LedgerAway

log = logging.getLogger(__name__)

CALLER_HUNG_UP = 499  # nginx's number for it; only the ledger sees it
KINDS = {404: "not_found_error", 413: "request_too_large"}


class ApiError(Exception):
    """What the caller did or got wrong. `final`: the client must not try again; `retry_after`: not before so many
    seconds."""

    def __init__(self, status: int, kind: str, message: str, *, final: bool = False, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.final = final
        self.retry_after = retry_after

    def headers(self) -> list[tuple[str, str]]:
        """What tells clients when to try again."""
        retry = [("retry-after", str(self.retry_after))] if self.retry_after else []
        return [*retry, ("x-should-retry", "false")] if self.final else retry


class UpstreamFailed(ApiError):
    """The provider gave no answer, or not all of it. `billable`: it may have worked, and charge for it."""

    def __init__(self, status: int, kind: str, message: str, *, billable: bool) -> None:
        super().__init__(status, kind, message)
        self.billable = billable


class Restarting(ApiError):
    """The gateway is told to stop, and this call took too long to wait for."""

    def __init__(self) -> None:
        super().__init__(503, "api_error", "the gateway restarts; try again")


class HungUp(Exception):
    """The caller closed its connection."""


def register(app: Flask) -> None:
    """Makes every error of `app` an answer in Anthropic's shape."""
    app.register_error_handler(ApiError, _own)
    app.register_error_handler(HungUp, _nobody_listens)
    app.register_error_handler(LedgerAway, lambda away: _own(ledger_away(away)))
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unforeseen)


def ledger_away(away: LedgerAway) -> ApiError:
    """What callers are told while the ledger cannot be read or written: without it nothing is done."""
    log.warning("the ledger is away: %s", away)
    return ApiError(503, "api_error", "the gateway's ledger is away: nothing is done that cannot be counted")


def content(kind: str, message: str) -> dict[str, object]:
    """The body of an error, and the data of an error event."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def _answer(status: int, kind: str, message: str) -> Response:
    response = jsonify(content(kind, message))
    response.status_code = status
    return response


def _own(error: ApiError) -> Response:
    response = _answer(error.status, error.kind, str(error))
    response.headers.extend(error.headers())
    return response


def _nobody_listens(_: HungUp) -> Response:
    return Response(status=CALLER_HUNG_UP)


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    return _answer(status, KINDS.get(status, "invalid_request_error"), error.description or error.name)


def _unforeseen(error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return _answer(500, "api_error", "the proxy failed; its log says why")
