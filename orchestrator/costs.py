"""What a run cost, from the proxy's ledger: the one place where model calls are counted."""

import logging
from uuid import UUID

import requests

from stack.secret import Secret, newest
from stack.sessions import session_with

log = logging.getLogger(__name__)


class ProxyLedger:
    """Asks the proxy."""

    def __init__(self, url: str, token: Secret) -> None:
        self._url = url.rstrip("/")
        self._session = session_with("proxy", token)
        self._token = token

    def of(self, run_id: UUID) -> tuple[float | None, str]:
        """Dollars (None: the proxy did not tell) and the models that answered, joined by commas."""
        try:
            headers = {"Authorization": f"Bearer {newest(self._token)}"}
            answer = self._session.get(f"{self._url}/usage/{run_id}", headers=headers, timeout=5)
            answer.raise_for_status()
            usage = answer.json()
            return float(usage["cost_usd"]), ", ".join(usage["models"])
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            log.warning("the proxy did not tell what the run cost: %s", error)
            return None, ""
