"""`python -m stack.health`: exits 0 while the service is well.

With HEARTBEAT_FILE set, the file must have been touched in the last 30 seconds; the service touches it only while its
broker connection lives and its consumer is registered. With HEALTH_URL set, that address must answer 200. Imports
nothing but the standard library, so that it can be asked every few seconds.
"""

import os
import sys
import time
from pathlib import Path

MAX_AGE_SECONDS = 30


def complaint(heartbeat_file: str | None, health_url: str | None) -> str:
    """What is wrong, or an empty text."""
    if not heartbeat_file and not health_url:
        return "neither HEARTBEAT_FILE nor HEALTH_URL is set"
    return _stale(heartbeat_file) or _silent(health_url)


def _stale(heartbeat_file: str | None) -> str:
    if not heartbeat_file:
        return ""
    try:
        age = time.time() - Path(heartbeat_file).stat().st_mtime
    except OSError:
        return "no heartbeat yet"
    return f"last heartbeat {age:.0f} s ago" if age > MAX_AGE_SECONDS else ""


def _silent(health_url: str | None) -> str:
    if not health_url:
        return ""
    from http.client import HTTPConnection, HTTPException  # only where it is needed: the file check stays cheap

    address, _, path = health_url.removeprefix("http://").partition("/")
    connection = HTTPConnection(address, timeout=3)
    try:
        connection.request("GET", f"/{path}")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"{health_url}: {error}"
    finally:
        connection.close()
    return "" if status == 200 else f"{health_url} answers {status}"


if __name__ == "__main__":
    problem = complaint(os.environ.get("HEARTBEAT_FILE"), os.environ.get("HEALTH_URL"))
    print(problem or "well")
    sys.exit(1 if problem else 0)
