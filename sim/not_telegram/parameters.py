"""The parameters of a Bot API call, wherever they came from: query, form, multipart or JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from sim.not_telegram.refusals import Refusal, bad_request


@dataclass(frozen=True)
class Parameters:
    values: Mapping[str, Any]
    files: Mapping[str, FileStorage]

    @classmethod
    def of(cls, request: Request) -> "Parameters":
        try:
            values = request.values.to_dict()
        except RequestEntityTooLarge as error:
            raise Refusal(413, error.name) from None
        if request.is_json:
            body = request.get_json(silent=True)
            if not isinstance(body, dict):
                raise bad_request("can't parse request: object expected")
            values |= body
        return cls(values, request.files)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        text = "" if value is None else str(value)
        if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
            raise bad_request("strings must be encoded in UTF-8")
        return text

    def number(self, name: str, default: int | None = None) -> int | None:
        value = self.values.get(name)
        if value in (None, ""):
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_request(f'parameter "{name}" must be an integer') from None

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "1", "yes")

    def structure(self, name: str) -> Any:
        """What forms carry as JSON text; None where the parameter is missing."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None
