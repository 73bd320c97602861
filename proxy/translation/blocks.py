"""The blocks of an answer while it streams: one is open at a time, as Anthropic's clients need it; the others wait."""

from collections import deque

import msgspec

from proxy.translation import events
from proxy.translation.tool_ids import ToolIds


class Block:
    """Text or thoughts. `pieces` are what has not been sent yet."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.pieces: list[str] = []
        self.is_open = False
        self.is_closed = False

    def add(self, text: str) -> None:
        self.pieces.append(text)

    def can_open(self, chunk: int) -> bool:
        """White space alone makes no block: Anthropic's API would refuse it when it comes back."""
        return any(piece.strip() for piece in self.pieces)

    def can_close(self) -> bool:
        """Whether nothing can follow that belongs into this block rather than a new one."""
        return True

    def start(self) -> dict[str, object]:
        """What `content_block_start` shows."""
        if self.kind == "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        return {"type": "text", "text": ""}


class ToolBlock(Block):
    """A call of a tool. `born` is the number of the chunk that began it; `settled`: no more is to be known of its id.

    Gemini numbers no calls, and may send the signature of one behind it: such a call waits for the next chunk.
    """

    def __init__(self, born: int, ids: ToolIds) -> None:
        super().__init__("tool_use")
        self.id = self.name = ""
        self.extra: dict[str, object] | None = None
        self.arguments: list[str] = []
        self.length = 0
        self.settled = False
        self._born = born
        self._ids = ids
        self._checked = 0
        self._whole = False

    def add(self, text: str) -> None:
        self.arguments.append(text)
        self.length += len(text)
        self.pieces.append(text)

    def can_open(self, chunk: int) -> bool:
        return bool(self.name) and (self.settled or self.extra is not None or chunk > self._born)

    def can_close(self) -> bool:
        """Whether the arguments are a whole JSON object."""
        if self._checked != len(self.arguments):
            self._checked = len(self.arguments)
            self._whole = self.arguments[-1].rstrip().endswith("}") and _is_object("".join(self.arguments))
        return self._whole

    def start(self) -> dict[str, object]:
        return {"type": "tool_use", "id": self._ids.given(self.id, self.extra), "name": self.name, "input": {}}


class Blocks:
    """Puts blocks and their pieces in order."""

    def __init__(self) -> None:
        self.chunk = 0
        self.has_tool = False
        self.characters = 0
        self._waiting: deque[Block] = deque()
        self._next = 0

    def say(self, kind: str, text: str) -> bytes:
        """The events for a piece of text or thought."""
        tail = self._waiting[-1] if self._waiting else None
        if tail is None or tail.kind != kind:
            tail = Block(kind)
            self._waiting.append(tail)
        tail.add(text)
        return self.advance()

    def begin(self, block: ToolBlock) -> None:
        """Puts a call of a tool behind the other blocks."""
        self._waiting.append(block)

    def advance(self) -> bytes:
        """The events that can be sent now."""
        sent: list[bytes] = []
        while self._waiting:
            block = self._waiting[0]
            is_last = len(self._waiting) == 1
            if not block.is_open and not block.can_open(self.chunk):
                if is_last or isinstance(block, ToolBlock):
                    break
                self._waiting.popleft()
                continue
            self._send(block, sent)
            if is_last or not block.can_close():
                break
            self._close(sent)
        return b"".join(sent)

    def finish(self) -> bytes:
        """The events for all that is left. Raises ValueError where a call has no name."""
        self.chunk += 1
        sent: list[bytes] = []
        while self._waiting:
            block = self._waiting[0]
            if block.is_open or block.can_open(self.chunk):
                self._send(block, sent)
                self._close(sent)
            elif isinstance(block, ToolBlock):
                raise ValueError("the provider called a tool and did not say which")
            else:
                self._waiting.popleft()
        return b"".join(sent)

    def _send(self, block: Block, sent: list[bytes]) -> None:
        if not block.is_open:
            block.is_open = True
            self.has_tool = self.has_tool or isinstance(block, ToolBlock)
            sent.append(events.block_start(self._next, block.start()))
        for piece in block.pieces:
            self.characters += len(piece)
            sent.append(events.delta(self._next, block.kind, piece))
        block.pieces.clear()

    def _close(self, sent: list[bytes]) -> None:
        sent.append(events.block_stop(self._next))
        self._next += 1
        self._waiting.popleft().is_closed = True


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (ValueError, RecursionError):
        return False
