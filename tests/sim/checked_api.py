"""A client of not-github that knows GitHub's OpenAPI description."""

from typing import Any

import requests

from tests.sim.not_github import Api
from tests.sim.openapi import Contract


class CheckedApi(Api):
    """Holds each request and each answer against the contract."""

    def __init__(self, url: str, contract: Contract, **more: Any) -> None:
        super().__init__(url, **more)
        self.contract = contract

    def get(self, path: str, **more: Any) -> requests.Response:
        self.contract.check_request("GET", path)
        answer = super().get(path, **more)
        self.contract.check_response("GET", path, answer.status_code, answer.json())
        return answer

    def post(self, path: str, body: object) -> requests.Response:
        self.contract.check_request("POST", path, body)
        answer = super().post(path, body)
        self.contract.check_response("POST", path, answer.status_code, answer.json())
        return answer

    def delete(self, path: str) -> requests.Response:
        self.contract.check_request("DELETE", path)
        answer = super().delete(path)
        self.contract.check_response("DELETE", path, answer.status_code, answer.json())
        return answer
