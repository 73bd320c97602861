"""One `git fetch` from GitHub, which may take long and can be stopped."""

import base64
import contextlib
import os
import signal
import subprocess
from pathlib import Path

from stack.assignment import Stop
from stack.errors import TryAgain
from stack.git import clean_environment
from stack.roles import ROLES

FETCH_TIMEOUT_SECONDS = ROLES["forge"].minutes * 60 - 600  # ten minutes of a task's time are for what comes after
ENDING_SECONDS = 10  # in which git removes what it has begun

# What git's check finds in the history of well-known repositories and harms nobody.
_HARMLESS = (
    "badTimezone", "missingSpaceBeforeDate", "zeroPaddedDate", "zeroPaddedFilemode",
    "missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeEmail", "badEmail", "badFilemode", "nullSha1",
)  # fmt: skip
_FETCHING = {
    "http.lowSpeedLimit": "1000",  # bytes a second
    "http.lowSpeedTime": "60",
    **{f"fetch.fsck.{kind}": "ignore" for kind in _HARMLESS},
}


class Remote:
    """The repositories at `url`. The token reaches git by its environment alone."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        self._configuration = {**_FETCHING, f"http.{url}/.extraHeader": f"Authorization: Basic {basic}"}

    def fetch(self, repository: str, into: Path, *refspecs: str, stop: Stop) -> str:
        """What git complained of, where it failed. Raises Stopped where `stop` was set, TryAgain after the time-out."""
        process = subprocess.Popen(
            [
                "git", "fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head",
                "--", f"{self._url}/{repository}.git", *refspecs,
            ],
            env=clean_environment(self._configuration) | {"GIT_DIR": str(into)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # git's own children end with it
        )  # fmt: skip
        stop.arm(lambda: _signal(process, signal.SIGTERM))
        try:
            _, printed = process.communicate(timeout=FETCH_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise TryAgain(f"{repository} could not be fetched in {FETCH_TIMEOUT_SECONDS // 60} minutes") from None
        finally:
            stop.arm(None)
            _end(process)
        stop.check()
        return printed.decode(errors="replace") if process.returncode else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leaves nothing of it running."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        try:
            process.communicate(timeout=ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.communicate()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
