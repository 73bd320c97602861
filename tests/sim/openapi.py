"""GitHub's published OpenAPI description as a contract: what may be asked, and what may be answered."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft4Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT4

FILE = Path(__file__).parents[2] / ".cache" / "openapi" / "api.github.com.json"
SPEC = "urn:github"

# The description says integer; GitHub answers null for a comment whose line has changed since.
NULL_IN_TRUTH = {"position", "line"}

Check = Callable[..., Iterator[ValidationError]]


def _nullable(check: Check) -> Check:
    def checked(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not (instance is None and schema.get("nullable")):
            yield from check(validator, value, instance, schema)

    return checked


def _properties_of_answer(validator: Any, properties: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    check: Check = Draft4Validator.VALIDATORS["properties"]
    if isinstance(instance, dict):
        known = {key: value for key, value in instance.items() if value is not None or key not in NULL_IN_TRUTH}
        yield from check(validator, properties, known, schema)


def _properties_of_request(validator: Any, properties: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """What GitHub does not know is a slip of the pen."""
    yield from Draft4Validator.VALIDATORS["properties"](validator, properties, instance, schema)
    if isinstance(instance, dict):
        for name in instance.keys() - properties.keys():
            yield ValidationError(f"{name!r} is not known to GitHub")


NULLABLE = {key: _nullable(Draft4Validator.VALIDATORS[key]) for key in ("type", "enum", "oneOf", "anyOf", "allOf")}
Answer: Any = extend(Draft4Validator, {**NULLABLE, "properties": _properties_of_answer})  # type: ignore[no-untyped-call]
Request: Any = extend(Draft4Validator, {**NULLABLE, "properties": _properties_of_request})  # type: ignore[no-untyped-call]


@cache
def description() -> dict[str, Any]:
    """Raises `FileNotFoundError` with the command that fetches it."""
    if not FILE.exists():
        raise FileNotFoundError("GitHub's OpenAPI description is missing: run scripts/fetch-schemas")
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


class Contract:
    """Each check raises `AssertionError` that says what is wrong where. A path may carry a query."""

    def __init__(self) -> None:
        self._spec = description()
        self._registry = Registry().with_resource(SPEC, DRAFT4.create_resource(self._spec))
        plain_first = sorted(self._spec["paths"], key=lambda template: template.count("{"))
        self._patterns = {
            template: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))) for template in plain_first
        }

    def check_request(self, method: str, path: str, body: object = None) -> None:
        operation, where = self._operation(method, path)
        self._check_query(operation, path)
        declared = self._resolve(operation.get("requestBody", {}))
        if body is None:
            assert not declared.get("required"), f"{method} {path}: a body is required"
            return
        assert declared, f"{method} {path}: takes no body"
        self._check(Request, f"{where}/requestBody/content/application~1json/schema", body, f"{method} {path}")

    def check_response(self, method: str, path: str, status: int, body: object = None) -> None:
        operation, where = self._operation(method, path)
        what = f"{method} {path} -> {status}"
        if str(status) not in operation["responses"]:
            assert status >= 400, f"{what}: GitHub has no such success"
            self._check(Answer, "/components/schemas/basic-error", body, what)
            return
        pointer = f"{where}/responses/{status}"
        reference = operation["responses"][str(status)].get("$ref")
        pointer = reference.removeprefix("#") if reference else pointer
        self._check(Answer, f"{pointer}/content/application~1json/schema", body, what)

    def _operation(self, method: str, path: str) -> tuple[dict[str, Any], str]:
        plain = urlsplit(path).path
        for template, pattern in self._patterns.items():
            if pattern.fullmatch(plain) and method.lower() in self._spec["paths"][template]:
                escaped = template.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
                return self._spec["paths"][template][method.lower()], f"/paths/{escaped}/{method.lower()}"
        raise AssertionError(f"GitHub has no {method} {plain}")

    def _check_query(self, operation: dict[str, Any], path: str) -> None:
        parameters = [self._resolve(parameter) for parameter in operation.get("parameters", [])]
        known = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
        unknown = parse_qs(urlsplit(path).query).keys() - known
        assert not unknown, f"{path}: {unknown} is not known to GitHub"

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        for key in node.get("$ref", "").split("/")[1:]:
            node = self._spec[key] if key == "components" else node[key]
        return node

    def _check(self, validator: Any, pointer: str, body: object, what: str) -> None:
        checker = validator({"$ref": f"{SPEC}#{pointer}"}, registry=self._registry)
        problems = [
            f"{'/'.join(map(str, one.absolute_path))}: {one.message[:300]}" for one in checker.iter_errors(body)
        ]
        assert not problems, "\n".join([what, *problems])
