"""A repository by its id: `/repositories/ID/...` is answered as `/repos/OWNER/NAME/...`, where a redirect leads."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sim.not_github.hub import Hub

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BY_ID = re.compile(r"/repositories/(\d{1,18})(/.*)?", re.DOTALL)


class ById:
    """A WSGI application around another."""

    def __init__(self, inside: "WSGIApplication", hub: Hub) -> None:
        self._inside = inside
        self._hub = hub

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        found = BY_ID.fullmatch(environ.get("PATH_INFO", ""))
        repository = self._hub.store.repository_by_id(int(found[1])) if found else None
        if found and repository:
            environ = {**environ, "PATH_INFO": f"/repos/{repository.owner}/{repository.name}{found[2] or ''}"}
        return self._inside(environ, start_response)
