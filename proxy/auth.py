"""Who may call: a task with its token, or a reader with the read token."""

import hmac
from uuid import UUID

from werkzeug.datastructures import Headers

from proxy.errors import ApiError
from stack.errors import Refused
from stack.tokens import Claims, verify


def claims(headers: Headers, key: str) -> Claims:
    """What the caller's task token says. Raises ApiError where it has none that is good for model calls."""
    token = headers.get("x-api-key") or _bearer(headers)
    if not token:
        raise _refused("a task token is required, as x-api-key or as a bearer token")
    try:
        found = verify(key, "model", token)
        UUID(found.run)
    except (Refused, ValueError) as error:
        raise _refused(str(error)) from error
    return found


def require_reader(headers: Headers, read_token: str) -> None:
    """Raises ApiError for a caller without the read token."""
    if not hmac.compare_digest(_bearer(headers).encode(), read_token.encode()):
        raise _refused("the read token is required as a bearer token")


def _bearer(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _refused(message: str) -> ApiError:
    return ApiError(401, "authentication_error", message, final=True)
