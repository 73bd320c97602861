"""Whether an answer is right: every event in its place, every piece of text in order, nothing lost, nothing added."""

import json
from typing import Any

from bench.gateway_bench import answers
from bench.gateway_bench.answers import Kind
from bench.gateway_bench.client import unpacked

DELTA = "content_block_delta"
EXPECTED = ("message_start", "content_block_start", DELTA, "content_block_stop", "message_delta", "message_stop")


class Wrong(Exception):
    """An answer, or what arrived upstream, is not what it should be."""


def check_answer(raw: bytes, kind: Kind, *, transparent: bool) -> None:
    """Raises Wrong unless it is the whole answer; one that is passed on untouched must be it to the byte."""
    try:
        status, body = unpacked(raw)
    except ValueError as error:
        raise Wrong(str(error)) from error
    if status != 200:
        raise Wrong(f"status {status}: {body[:200].decode(errors='replace').strip()}")
    if transparent and body != answers.body(kind):
        raise Wrong("the bytes are not the upstream's")
    if kind == "whole":
        _check_whole(body)
    else:
        _check_events(parsed(body), kind)


def parsed(body: bytes) -> list[dict[str, Any]]:
    """The events of a stream. Raises Wrong where it is not one."""
    *blocks, rest = body.replace(b"\r\n", b"\n").split(b"\n\n")
    if rest.strip():
        raise Wrong("the stream ends within an event")
    return [_event(block) for block in blocks if block.strip() and not block.startswith(b":")]


def _event(block: bytes) -> dict[str, Any]:
    lines = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
    try:
        event = json.loads(lines[b"data"])
        name = lines[b"event"].decode()
    except (KeyError, ValueError) as error:
        raise Wrong(f"no event: {block[:100]!r}") from error
    if not isinstance(event, dict) or event.get("type") != name:
        raise Wrong(f"an event of no type or two: {block[:100]!r}")
    return event


def _check_events(events: list[dict[str, Any]], kind: Kind) -> None:
    events = [event for event in events if event["type"] != "ping"]
    names = [event["type"] for event in events]
    if tuple(dict.fromkeys(names)) != EXPECTED or any(names.count(n) != 1 for n in EXPECTED if n != DELTA):
        raise Wrong(f"the events are {', '.join(dict.fromkeys(names)) or 'none'}")
    found = [event["delta"].get("text") for event in events if event["type"] == DELTA]
    if found != answers.texts(kind):
        raise Wrong(f"{len(found)} pieces of text, not the {len(answers.texts(kind))} that were sent, in their order")
    _check_end(events[-2]["delta"].get("stop_reason"), events[-2].get("usage") or {})


def _check_whole(body: bytes) -> None:
    try:
        message = json.loads(body)
        text = message["content"][0]["text"]
    except (ValueError, LookupError, TypeError) as error:
        raise Wrong(f"no message: {body[:100]!r}") from error
    if text != "".join(answers.texts("whole")):
        raise Wrong("the text is another one")
    _check_end(message.get("stop_reason"), message.get("usage") or {})


def _check_end(reason: object, usage: dict[str, Any]) -> None:
    if reason != "end_turn":
        raise Wrong(f"the message ends for another reason: {reason}")
    if usage.get("output_tokens") != answers.OUTPUT_TOKENS:
        raise Wrong(f"another usage: {usage}")


def check_arrival(seen: bytes, sent: bytes, *, transparent: bool, key: str) -> None:
    """Raises Wrong unless what arrived upstream is what was sent, with the provider's key in place of the caller's."""
    head, _, body = seen.partition(b"\r\n\r\n")
    wanted = sent.partition(b"\r\n\r\n")[2]
    if transparent and body != wanted:
        raise Wrong("the request did not arrive as it was sent")
    if key.encode() not in head:
        raise Wrong("the request arrived without the provider's key")
    arrived, said = json.loads(body), json.loads(wanted)
    for name in ("messages", "tools", "max_tokens", "stream"):
        if (arrived.get(name) or None) != said.get(name):  # `"stream": false` is as good as none
            raise Wrong(f"{name}: not as it was sent")
