"""Messages of earlier versions, as the present one has them: what still lay in a queue when the stack was updated."""

import json
from typing import Any

Json = dict[str, Any]


def brought_up(body: bytes) -> bytes | None:
    """A message of an earlier version as one of the present; None where that is not to be had."""
    try:
        message = json.loads(body)
        if message["version"] in (1, 2) and message["version"] is not True:
            two = _from_1(message) if message["version"] == 1 else message
            # version 3 has more kinds of work, and says the same of those that there were
            return json.dumps({**two, "version": 3}).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # it is no message of any version
    return None


def _from_1(message: Json) -> Json:
    """Version 2 knows people by their standing, tells people and not chats, and a brief says who does it."""
    match message.get("type"):
        case "request":
            message["person"] = {"id": message.get("person"), "standing": "requester"}
        case "notification":
            message["person"] = f"telegram:{message['chat']['chat_id']}"
        case "task":
            message.pop("role", None)
    return message
