"""The two lanes. Anthropic's wire passes through, byte for byte; OpenAI's is translated, both ways."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from proxy import headers
from proxy.errors import ApiError
from proxy.event_stream import EventStream, PassedThrough
from proxy.gateway import Provider
from proxy.request import ModelRequest, is_object, with_model, without_billing_block
from proxy.translated import TranslatedStream, translated_body, translated_message
from proxy.translation.errors import to_error

Pairs = list[tuple[str, str]]


class Lane(Protocol):
    """What one wire makes of a request and its answer. `model` is the one that the provider is asked for."""

    def path(self, path: str, query: str) -> str:
        """What follows the provider's address, where Anthropic's is `path`."""

    def body(self, asked: ModelRequest, model: str, provider: Provider) -> bytes:
        """The request's body. Raises ApiError (400) where it cannot be said on this wire."""

    def headers(self, sent: Pairs, own: Mapping[str, str]) -> Pairs:
        """The request's headers; `own` are ours."""

    def stream(self, asked: ModelRequest, model: str) -> EventStream:
        """What a stream of events goes through on its way to the caller."""

    def whole(self, asked: ModelRequest, model: str, status: int, body: bytes) -> tuple[int, bytes]:
        """The status and body of an answer that came whole. Raises ApiError (502) where it makes no sense."""


class PassThrough:
    """Anthropic's wire."""

    def path(self, path: str, query: str) -> str:
        return f"{path}?{query}" if query else path

    def body(self, asked: ModelRequest, model: str, provider: Provider) -> bytes:
        body = asked.asking_for(model)
        if provider.is_anthropic or not asked.has_billing_block:
            return body
        try:
            return without_billing_block(body)
        except ValueError as error:
            raise ApiError(400, "invalid_request_error", f"the request body is not a request: {error}") from error

    def headers(self, sent: Pairs, own: Mapping[str, str]) -> Pairs:
        return headers.to_upstream(sent, own)

    def stream(self, asked: ModelRequest, model: str) -> EventStream:
        return PassedThrough("" if model == asked.model else asked.model)

    def whole(self, asked: ModelRequest, model: str, status: int, body: bytes) -> tuple[int, bytes]:
        if status >= 400:
            return status, body
        if not is_object(body):
            raise ApiError(502, "api_error", "the provider's answer is not a message")
        return status, body if model == asked.model else with_model(body, asked.model)


class Translation:
    """OpenAI's chat completions."""

    def path(self, path: str, query: str) -> str:
        return "/chat/completions"

    def body(self, asked: ModelRequest, model: str, provider: Provider) -> bytes:
        return translated_body(asked, model, provider)

    def headers(self, sent: Pairs, own: Mapping[str, str]) -> Pairs:
        return headers.to_translated(sent, own)

    def stream(self, asked: ModelRequest, model: str) -> EventStream:
        return TranslatedStream(asked)

    def whole(self, asked: ModelRequest, model: str, status: int, body: bytes) -> tuple[int, bytes]:
        if status >= 400:
            return to_error(status, body)
        try:
            return status, translated_message(asked, body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ApiError(502, "api_error", "the provider's answer is not JSON") from error


LANES: dict[str, Lane] = {"anthropic": PassThrough(), "openai": Translation()}
