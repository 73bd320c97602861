"""Finds the call of a tool that a piece belongs to, however the provider numbers its calls."""

from typing import Any

import msgspec

from proxy.translation.answers import signed_content
from proxy.translation.blocks import Blocks, ToolBlock
from proxy.translation.tool_ids import ToolIds


class ToolCalls:
    """OpenAI numbers calls by `index` and names the id once. Gemini leaves the index out, Ollama gives 0 to all, some
    repeat id and name in every piece, some give one id to several calls or a new id to every piece of one."""

    def __init__(self, blocks: Blocks, ids: ToolIds) -> None:
        self._blocks = blocks
        self._ids = ids
        self._by_key: dict[tuple[object, str], ToolBlock] = {}
        self._by_index: dict[object, ToolBlock] = {}
        self._last: ToolBlock | None = None

    @property
    def any(self) -> bool:
        """Whether there was a call at all."""
        return self._last is not None

    def take(self, piece: dict[str, Any]) -> bytes:
        """The events for a piece of a call. Raises ValueError where it belongs to a call that is complete."""
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        name, call_id = _string(function, "name"), _string(piece, "id")
        index = piece.get("index") if isinstance(piece.get("index"), int) else None
        arguments = _arguments(function.get("arguments"))
        block = self._find(index, call_id, name, arguments)
        if block is None:
            if not (call_id or name or arguments):
                return b""
            block = ToolBlock(self._blocks.chunk, self._ids)
            self._blocks.begin(block)
        elif _is_told_again(block, arguments):
            return b""
        self._learn(block, piece, call_id, name, index)
        if arguments:
            self._add(block, arguments)
        return self._blocks.advance()

    def _find(self, index: int | None, call_id: str, name: str, arguments: str) -> ToolBlock | None:
        """The call that goes on; None where the piece begins one."""
        says = bool(arguments.strip())
        same_id = self._by_key.get((index, call_id)) if call_id else None
        if same_id:
            is_same = _is_told_again(same_id, arguments) or not _is_another(same_id, name, says=says)
            return same_id if is_same else None
        before = self._last if index is None else self._by_index.get(index)
        if before is None:
            return None if call_id or name else self._last
        if call_id and before.id and (name or before.can_close()):
            return None
        return None if _is_another(before, name, says=says or index is None) else before

    def _learn(self, block: ToolBlock, piece: dict[str, Any], call_id: str, name: str, index: int | None) -> None:
        block.id = block.id or call_id
        block.name = block.name or name
        block.extra = block.extra or signed_content(piece)
        block.settled = block.settled or index is not None
        if block.id:
            self._by_key[index, block.id] = block
        if index is not None:
            self._by_index[index] = block
        self._last = block

    def _add(self, block: ToolBlock, arguments: str) -> None:
        if not block.length and arguments.strip() == "null":
            return  # some say so that there are none; no object begins like this
        if not block.is_closed:
            block.add(arguments)
        elif arguments.strip():
            raise ValueError("the provider went on with a call of a tool that was complete")


def _is_another(block: ToolBlock, name: str, *, says: bool) -> bool:
    """Whether a piece begins another call than that of `block`: it has a name, and the same one only after the end.

    `says`: there is something in the piece; some repeat the name with nothing behind it.
    """
    if not name or not block.name:
        return False
    return name != block.name or (says and block.can_close())


def _is_told_again(block: ToolBlock, arguments: str) -> bool:
    """Whether a piece repeats all of a call that is complete, as some providers do at its end."""
    same = len(arguments) == block.length > 0 and arguments == "".join(block.arguments)
    return same and block.can_close()


def _arguments(found: object) -> str:
    """Arguments as text; some send them as an object."""
    if isinstance(found, str):
        return found
    return msgspec.json.encode(found).decode() if isinstance(found, dict) else ""


def _string(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""
