"""What every stream of Anthropic's events must keep to, whoever made it; each violation begins with its row of §2.2."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

BLOCK_DELTAS = {
    "text": ("text_delta", "citations_delta"),
    "thinking": ("thinking_delta", "signature_delta"),
    "redacted_thinking": (),
    "tool_use": ("input_json_delta",),
    "server_tool_use": ("input_json_delta",),
    "mcp_tool_use": ("input_json_delta",),
}
STOPS = (
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
)
COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
ORDER, EMPTY, ARGUMENTS, FINISH = "SSE order", "Empty/spurious blocks", "tool args", "finish reason"
THINKING, USAGE, START_USAGE, ERROR = "thinking", "usage", "message_start usage", "error mid-stream"


@dataclass
class Block:
    """A block as a client puts it together. `pieces` are the texts or the JSON of its deltas."""

    index: int
    start: dict[str, Any]
    pieces: list[str] = field(default_factory=list)
    signature: str = ""
    is_closed: bool = False

    @property
    def kind(self) -> str:
        return str(self.start.get("type"))

    @property
    def text(self) -> str:
        first = self.start.get(self.kind, "")
        return (first if isinstance(first, str) else "") + "".join(self.pieces)


@dataclass
class Told:
    """What a stream told a client that obeys it."""

    message: dict[str, Any] | None = None
    blocks: list[Block] = field(default_factory=list)
    stop_reason: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    stopped: bool = False
    violations: list[str] = field(default_factory=list)

    def blame(self, row: str, what: str) -> None:
        self.violations.append(f"{row}: {what}")


def check(events: bytes, *, translated: bool = True, asked: str = "", usage: dict[str, int] | None = None) -> list[str]:
    """The violations in a whole stream, each named by its row; none for a good one.

    `translated`: it is ours, not Anthropic's own: no signature can be in it, and nothing empty. `asked`: the model that
    it must name. `usage`: what a client must have counted at the end.
    """
    told = read(events, translated=translated)
    if told.message is not None and asked and told.message.get("model") != asked:
        told.blame("model alias", f"the message names {told.message.get('model')!r}")
    if usage is not None and told.usage != usage:
        told.blame(USAGE, f"counted {told.usage}, not {usage}")
    return told.violations


def read(events: bytes, *, translated: bool = True) -> Told:
    """Reads a stream as the official SDK does: by the names of events."""
    told = Told()
    for name, data in _events(events, told):
        if told.error is not None:
            told.blame(ERROR, f"{name} after the error")
        elif told.stopped:
            told.blame(ORDER, f"{name} after message_stop")
        _take(name, data, told, translated)
    _end(told, translated)
    return told


def _events(events: bytes, told: Told) -> list[tuple[str, dict[str, Any]]]:
    try:
        text = events.decode()
    except UnicodeDecodeError as error:
        told.blame("UTF-8", str(error))
        text = events.decode(errors="replace")
    *whole, rest = text.replace("\r\n", "\n").split("\n\n")
    if rest.strip("\n"):
        told.blame(ORDER, f"half an event at the end: {rest[:60]!r}")
    found = (_event(lines.strip("\n").split("\n"), told) for lines in whole if lines.strip("\n"))
    return [event for event in found if event is not None]


def _event(lines: list[str], told: Told) -> tuple[str, dict[str, Any]] | None:
    names = [line[6:].strip() for line in lines if line.startswith("event:")]
    data = "\n".join(line[5:] for line in lines if line.startswith("data:"))
    if not names and not data:
        return None
    try:
        found = json.loads(data)
    except ValueError:
        told.blame(ORDER, f"data that is not JSON: {data[:60]!r}")
        return None
    if not isinstance(found, dict) or len(names) != 1 or found.get("type") != names[0]:
        told.blame(ORDER, f"the event's name {names} is not the type of its data: {data[:60]!r}")
        return None
    return names[0], found


def _take(name: str, data: dict[str, Any], told: Told, translated: bool) -> None:
    if name == "ping":
        return
    if name == "error":
        _error(data, told)
    elif name == "message_start":
        _start(data, told)
    elif told.message is None:
        told.blame(ORDER, f"{name} before message_start")
    elif name == "content_block_start":
        _block_start(data, told)
    elif name == "content_block_delta":
        _block_delta(data, told, translated)
    elif name == "content_block_stop":
        _block_stop(data, told, translated)
    elif name == "message_delta":
        _message_delta(data, told, translated)
    elif name == "message_stop":
        _message_stop(told)
    else:
        told.blame(ORDER, f"an event that nobody knows: {name}")


def _error(data: dict[str, Any], told: Told) -> None:
    error = data.get("error")
    told.error = error if isinstance(error, dict) else {}
    if not all(isinstance(told.error.get(name), str) and told.error[name] for name in ("type", "message")):
        told.blame(ERROR, f"not of Anthropic's shape: {data}")


def _start(data: dict[str, Any], told: Told) -> None:
    if told.message is not None:
        told.blame(ORDER, "message_start twice")
        return
    message = data.get("message")
    told.message = message if isinstance(message, dict) else {}
    wanted: dict[str, object] = {"type": "message", "role": "assistant", "content": [], "stop_reason": None}
    if any(told.message.get(name, "missing") != value for name, value in wanted.items()) or not told.message.get("id"):
        told.blame(ORDER, f"message_start is not whole: {told.message}")
    told.usage = _counts(told.message.get("usage"), told, START_USAGE)
    if not sum(count for name, count in told.usage.items() if name != "output_tokens"):
        told.blame(START_USAGE, "no input is counted")


def _counts(usage: object, told: Told, row: str) -> dict[str, int]:
    found = usage if isinstance(usage, dict) else {}
    for name in COUNTS:
        if name in found and found[name] is not None and (type(found[name]) is not int or found[name] < 0):
            told.blame(row, f"{name} is {found[name]!r}")
    return {name: found[name] for name in COUNTS if type(found.get(name)) is int}


def _block_start(data: dict[str, Any], told: Told) -> None:
    start, index = data.get("content_block"), data.get("index")
    if told.blocks and not told.blocks[-1].is_closed:
        told.blame(ORDER, f"block {index} begins while block {told.blocks[-1].index} is open")
    if index != len(told.blocks):
        told.blame(ORDER, f"block {index} is the {len(told.blocks)}th")
    if told.stop_reason is not None:
        told.blame(ORDER, "a block after message_delta")
    block = Block(len(told.blocks), start if isinstance(start, dict) else {})
    if block.kind == "tool_use":
        _tool_start(block, told)
    told.blocks.append(block)


def _tool_start(block: Block, told: Told) -> None:
    tool_id, name = block.start.get("id"), block.start.get("name")
    if not isinstance(tool_id, str) or not TOOL_ID.fullmatch(tool_id):
        told.blame("parallel tools", f"an id that Anthropic's API refuses: {tool_id!r}")
    if any(other.start.get("id") == tool_id for other in told.blocks):
        told.blame("parallel tools", f"two calls with the id {tool_id!r}")
    if not name or block.start.get("input") != {}:
        told.blame(ARGUMENTS, f"a call that does not begin as it should: {block.start}")


def _open_block(data: dict[str, Any], told: Told) -> Block | None:
    index = data.get("index")
    if isinstance(index, int) and 0 <= index < len(told.blocks) and not told.blocks[index].is_closed:
        return told.blocks[index]
    told.blame(ORDER, f"{data.get('type')} for block {index}, which is not open")
    return None


def _block_delta(data: dict[str, Any], told: Told, translated: bool) -> None:
    block, delta = _open_block(data, told), data.get("delta")
    if block is None or not isinstance(delta, dict):
        return
    kind = delta.get("type")
    if block.kind in BLOCK_DELTAS and kind not in BLOCK_DELTAS[block.kind]:
        told.blame(ORDER, f"{kind} in a block of {block.kind}")
    elif kind == "signature_delta":
        block.signature += str(delta.get("signature"))
    else:
        name = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}.get(str(kind))
        piece = delta.get(name) if name else ""
        if name and (not isinstance(piece, str) or (translated and not piece)):
            told.blame(EMPTY, f"a {kind} with nothing in it")
        block.pieces.append(piece if isinstance(piece, str) else "")


def _block_stop(data: dict[str, Any], told: Told, translated: bool) -> None:
    block = _open_block(data, told)
    if block is None:
        return
    block.is_closed = True
    if translated and (block.signature or block.start.get("signature")):
        told.blame(THINKING, "a signature that no model of Anthropic's made")
    has_text = block.text.strip() if translated else block.text
    if block.kind in ("text", "thinking") and not has_text and not block.signature:
        told.blame(EMPTY, f"block {block.index} of {block.kind} has nothing in it")


def _message_delta(data: dict[str, Any], told: Told, translated: bool) -> None:
    if told.blocks and not told.blocks[-1].is_closed:
        told.blame(ORDER, "message_delta while a block is open")
    delta, usage = data.get("delta"), data.get("usage")
    stop = delta.get("stop_reason") if isinstance(delta, dict) else None
    if told.stop_reason is not None and translated:
        told.blame(ORDER, "message_delta twice")
    if stop not in STOPS:
        told.blame("stop map", f"a stop reason that is none of Anthropic's: {stop!r}")
    told.stop_reason = stop if isinstance(stop, str) else "none"
    found = usage if isinstance(usage, dict) else {}
    if translated and (nulls := [name for name in COUNTS if name in found and found[name] is None]):
        told.blame(USAGE, f"null for {nulls}: what is not known is left out")
    counts = _counts(found, told, USAGE)
    if "output_tokens" not in counts:
        told.blame(USAGE, "output is not counted")
    told.usage |= counts
    if not sum(count for name, count in told.usage.items() if name != "output_tokens"):
        told.blame(USAGE, "the count of the input is erased")


def _message_stop(told: Told) -> None:
    if told.stop_reason is None:
        told.blame(ORDER, "message_stop without message_delta")
    told.stopped = True


def _end(told: Told, translated: bool) -> None:
    if told.error is not None:
        return
    if not told.stopped:
        told.blame("truncated upstream", "neither message_stop nor an error at the end")
        return
    tools = [block for block in told.blocks if block.kind == "tool_use"]
    if (told.stop_reason == "tool_use") != bool(tools) and told.stop_reason not in (
        "max_tokens",
        "refusal",
        *STOPS[-1:],
    ):
        told.blame(FINISH, f"{told.stop_reason} with {len(tools)} calls of tools")
    if told.stop_reason == "tool_use":
        for block in tools:
            _arguments(block, told)


def _arguments(block: Block, told: Told) -> None:
    text = "".join(block.pieces)
    try:
        found = json.loads(text or "{}")
    except ValueError:
        told.blame(ARGUMENTS, f"not JSON: {text[:80]!r}")
        return
    if not isinstance(found, dict):
        told.blame(ARGUMENTS, f"not an object: {text[:80]!r}")
