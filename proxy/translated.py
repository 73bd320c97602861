"""Lane 2 at work: the pure translation of `proxy.translation`, applied to the bytes of a call."""

from typing import Any

import msgspec

from proxy.errors import ApiError, content
from proxy.gateway import Provider
from proxy.request import ModelRequest
from proxy.translation import estimate, message, request
from proxy.translation.stream import StreamTranslator
from proxy.usage import StreamReader


class TranslatedStream:
    """An OpenAI stream as Anthropic's events."""

    def __init__(self, asked: ModelRequest) -> None:
        self.reader = StreamReader()
        self._translator = StreamTranslator(asked=asked.model, input_estimate=estimate.tokens(asked.decoded()))
        self._opened = False

    @property
    def opening_error(self) -> tuple[int, bytes] | None:
        error = self._translator.error
        if self._opened or error is None:
            return None
        status, kind, said = error
        return status, msgspec.json.encode(content(kind, said))

    def feed(self, chunk: bytes) -> bytes:
        return self._read(self._translator.feed(chunk))

    def end(self) -> bytes:
        return self._read(self._translator.end())

    def _read(self, events: bytes) -> bytes:
        if events:
            self.reader.feed(events)
            self._opened = self._opened or self._translator.error is None
        return events


def translated_body(asked: ModelRequest, model: str, provider: Provider) -> bytes:
    """The request as the provider gets it. Raises ApiError (400) for what cannot be said there."""
    try:
        return msgspec.json.encode(request.to_openai(asked.decoded(), model=model, provider=provider))
    except RecursionError as error:
        raise ApiError(400, "invalid_request_error", "the request is nested too deeply") from error


def translated_message(asked: ModelRequest, body: bytes) -> bytes:
    """The answer as the caller gets it. Raises ApiError (502), msgspec.DecodeError."""
    completion: Any = msgspec.json.decode(body)
    if not isinstance(completion, dict):
        raise ApiError(502, "api_error", "the provider's answer is not an object")
    found = message.to_message(completion, asked=asked.model, input_estimate=estimate.tokens(asked.decoded()))
    return msgspec.json.encode(found)
