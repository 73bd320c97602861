"""A model that does what a test has written down: each request gets the next answer. It may keep a ledger, as our proxy
does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sim.not_anthropic.wire import Answer, Block, Text, ToolUse, message, stream

Reply = tuple[Block, ...]


class Scripted:
    """What it is to say, and what it was asked. `share` of the budget is spent; None: it keeps no ledger."""

    def __init__(self) -> None:
        self.url = ""
        self.script: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.share: float | None = None
        self.asked = 0  # how often what was spent

    def says(self, *answers: Reply | Block) -> None:
        """Writes down the next answers; after the last one it says that it is done."""
        self.script = [answer if isinstance(answer, tuple) else (answer,) for answer in answers]

    def results(self, request: int) -> list[tuple[bool, str]]:
        """What tools answered, as a request shows it that came after: whether that was an error, and its text."""
        blocks = [
            block
            for said in self.requests[request]["messages"]
            if said["role"] == "user" and isinstance(said["content"], list)
            for block in said["content"]
            if block["type"] == "tool_result"
        ]
        return [(bool(block.get("is_error")), _text(block["content"])) for block in blocks]

    def words(self, request: int) -> list[str]:
        """What the client said beside results of tools, in order."""
        return [
            block if isinstance(block, str) else block["text"]
            for said in self.requests[request]["messages"]
            if said["role"] != "assistant"
            for block in ([said["content"]] if isinstance(said["content"], str) else said["content"])
            if isinstance(block, str) or block["type"] == "text"
        ]


def use(tool: str, **given: Any) -> ToolUse:
    """A call of a tool."""
    return ToolUse(tool, given)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(block["text"] for block in content)


@contextmanager
def running() -> Iterator[Scripted]:
    """A scripted model on a port of its own."""
    scripted = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            number = len(scripted.requests)
            scripted.requests.append(body)
            blocks = scripted.script[number] if number < len(scripted.script) else (Text("Done."),)
            said = message(Answer(blocks), model=body["model"], request_bytes=400)
            self._answer(b"".join(stream(said)), "text/event-stream")

        def do_GET(self) -> None:
            if self.path != "/task" or scripted.share is None:
                return self.send_error(404)
            scripted.asked += 1
            spent = {"spent_usd": 2 * scripted.share, "budget_usd": 2}
            self._answer(json.dumps(spent).encode(), "application/json")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scripted.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield scripted
    server.shutdown()
    thread.join()
    server.server_close()
