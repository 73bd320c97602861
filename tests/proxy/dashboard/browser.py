"""A headless Chromium, driven over its DevTools pipe: JSON messages, each ended by a NUL byte."""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

SILENCE_SECONDS = 30
ENTER = {"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13}
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip


class Page:
    """A tab. `complaints` are the errors, warnings and violations of policies that the browser reported."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to = to_browser
        self._from = from_browser
        self._unread = b""
        self._number = 0
        self._session = ""
        self.complaints: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command and gives its result. Raises AssertionError where the browser refuses it."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            got = self._next()
            if got.get("id") == self._number:
                assert "error" not in got, f"{method}: {got['error']}"
                result: dict[str, Any] = got["result"]
                return result

    def open(self, url: str, width: int, height: int, scheme: str = "light") -> None:
        """Goes to a page, in a window of this size: a phone's if narrow."""
        self.look(width, height, scheme)
        self.ask("Page.navigate", url=url)

    def look(self, width: int, height: int, scheme: str = "light") -> None:
        """Makes the window another size, and prefers light or dark."""
        phone = width < 700
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def leave(self) -> None:
        """Leaves the page, so that its server may end without the browser missing it."""
        self.ask("Page.navigate", url="about:blank")

    def run(self, script: str) -> Any:
        """The value of an expression."""
        got = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def wait(self, condition: str, seconds: float = 15) -> None:
        """Waits until an expression is true. A page that is being left counts as not yet."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(AssertionError):
                if self.run(f"!!({condition})"):
                    return
            time.sleep(0.05)
        text = self.run("document.body.innerText")
        raise AssertionError(f"never true: {condition}\n{text}\n{self.complaints}")

    def type(self, text: str) -> None:
        """Types into what has the focus, and presses Enter."""
        self.ask("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, **ENTER)

    def press(self, key: str) -> None:
        """Presses a key with a name, such as ArrowLeft."""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def save(self, path: Path) -> None:
        """Saves a picture of the whole page, below the fold too."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            readable, _, _ = select.select([self._from], [], [], SILENCE_SECONDS)
            assert readable, "the browser does not answer"
            chunk = os.read(self._from, 1 << 20)
            assert chunk, "the browser is gone"
            self._unread += chunk
        raw, self._unread = self._unread.split(b"\0", 1)
        message: dict[str, Any] = json.loads(raw)
        self._notice(message.get("method", ""), message.get("params", {}))
        return message

    def _notice(self, method: str, said: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(said["exceptionDetails"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("warning", "error"):
            self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("warning", "error", "assert"):
            self.complaints.append(json.dumps(said["args"]))


@contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A tab in a Chromium of its own, with its profile in `folder`. Raises AssertionError where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "Chromium is missing: apt-get install chromium (scripts/setup does)"
    its_input, ours_out = _high(*os.pipe())
    ours_in, its_output = _high(*os.pipe())
    log = os.fspath(folder / "chromium.log")
    process = os.posix_spawn(
        program,
        [program, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
        {"PATH": os.environ["PATH"], "HOME": os.fspath(folder)},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, its_input, 3),
            (os.POSIX_SPAWN_DUP2, its_output, 4),
            (os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT, 0o600),
        ],
        setpgroup=0,
    )
    os.close(its_input)
    os.close(its_output)
    try:
        yield Page(ours_out, ours_in)
    finally:
        os.close(ours_out)
        os.close(ours_in)
        _end(process)


def _high(*ends: int) -> tuple[int, int]:
    """The same two ends under numbers above those that the browser wants for itself."""
    first, second = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return first, second


def _end(process: int) -> None:
    """Ends a process and all of its group."""
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
