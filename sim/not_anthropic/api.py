"""The routes of the Messages API."""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sim.not_anthropic import wire
from sim.not_anthropic.conversation import Conversation
from sim.not_anthropic.reviewer import answer, noted, with_findings
from sim.not_anthropic.scenario import CHECK, FAULTS, Scenario, aloud, words
from sim.not_anthropic.simulator import Refusal, this_simulator

LONGEST_HANG = 3_600  # seconds
MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")

routes = Blueprint("api", __name__)


@routes.before_request
def _authorise() -> None:
    """Lets in who has the key, as `x-api-key` or as a bearer's token. The probes of a client need none."""
    key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
    _log(key)
    if request.method != "HEAD" and not hmac.compare_digest(key.encode(), this_simulator().key.encode()):
        raise Refusal(401, "invalid x-api-key")


def _log(key: str) -> None:
    body = request.get_json(silent=True)
    body = body if isinstance(body, dict) else {}
    messages = body.get("messages")
    call = {
        "at": time.time(),
        "path": request.full_path.removesuffix("?"),
        "model": body.get("model"),
        "stream": body.get("stream") is True,
        "messages": len(messages) if isinstance(messages, list) else 0,
        "key": hashlib.sha256(key.encode()).hexdigest()[:12],
    }
    this_simulator().calls.append(call)


@routes.get("/")
@routes.get("/api/hello")
def probe() -> Response:
    return jsonify(name="not-anthropic")


@routes.get("/v1/models")
def models() -> Response:
    limit = request.args.get("limit", 20, type=int)
    listed = [
        {"type": "model", "id": name, "display_name": f"{name} (simulated)", "created_at": "2026-01-01T00:00:00Z"}
        for name in MODELS[:limit]
    ]
    last = listed[-1]["id"] if listed else None
    return jsonify(data=listed, has_more=len(listed) < len(MODELS), first_id=MODELS[0], last_id=last)


@routes.post("/v1/messages/count_tokens")
def count_tokens() -> Response:
    _body("model", "messages")
    return jsonify(input_tokens=wire.tokens(len(request.data)))


@routes.post("/v1/messages")
def messages() -> Response:
    body = _body("model", "messages", "max_tokens")
    conversation = Conversation(body)
    scenario = this_simulator().stage.take()
    if scenario and scenario.waits and noted(conversation) >= scenario.findings:
        scenario = scenario.then
    if scenario and scenario.kind == "error":
        raise Refusal(scenario.status, "not-anthropic was told to fail", retry_after=scenario.retry_after)
    message = wire.message(_answer(conversation, scenario), model=body["model"], request_bytes=len(request.data))
    stream = body.get("stream") is True
    pieces = list(wire.stream(message)) if stream else [wire.encode(message)]
    kind = "text/event-stream; charset=utf-8" if stream else "application/json"
    played = _played(pieces, scenario, _wait()) if scenario else iter(pieces)
    return Response(played, content_type=kind, headers={"cache-control": "no-cache"})


def _answer(conversation: Conversation, scenario: Scenario | None) -> wire.Answer:
    if scenario is None or scenario.kind in FAULTS:
        said = answer(conversation)
        return aloud(said, int(scenario.pieces)) if scenario and scenario.kind == "drip" else said
    if scenario.waits:
        return with_findings(answer(conversation), scenario.findings - noted(conversation))
    if scenario.kind == CHECK:
        return answer(conversation, scenario.verdicts)
    return words(scenario, conversation.report_schema)


def _played(pieces: list[bytes], scenario: Scenario, wait: Callable[[float], None]) -> Iterator[bytes]:
    """The answer as it leaves in a scenario. The server drops the connection where this raises."""
    if scenario.kind == "slow":
        wait(scenario.delay_seconds)
    if scenario.kind == "drip":
        for piece in pieces[: int(scenario.pieces)]:
            yield piece
            wait(scenario.delay_seconds)
        pieces = pieces[int(scenario.pieces) :]
    if scenario.kind not in ("hang", "hang_mid_stream", "cut"):
        yield from pieces
        return
    if scenario.kind != "hang":
        yield from pieces[: len(pieces) // 2]
    if scenario.kind != "cut":
        wait(LONGEST_HANG)
    raise ConnectionAbortedError


def _wait() -> Callable[[float], None]:
    """A wait of some seconds that ends when the client goes or the server closes."""
    gone: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
    closing = this_simulator().closing

    def wait(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not gone():
            if closing.wait(min(left, 0.2)):
                return

    return wait


def _body(*required: str) -> dict[str, Any]:
    """The request's JSON. Raises Refusal as the API would for what is missing or malformed."""
    body = request.get_json(silent=True, force=True)
    if not isinstance(body, dict):
        raise Refusal(400, "The request body is not valid JSON")
    for name in required:
        if body.get(name) in (None, "", []):
            raise Refusal(400, f"{name}: Field required")
    _check_messages(body["messages"])
    return body


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list):
        raise Refusal(400, "messages: Input should be a valid list")
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
            raise Refusal(400, f"messages.{index}.role: Input should be 'user', 'assistant' or 'system'")
        if not isinstance(message.get("content"), str | list):
            raise Refusal(400, f"messages.{index}.content: Field required")
