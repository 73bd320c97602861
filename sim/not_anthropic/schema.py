"""Fits values to a JSON schema: what a tool's input has a place for, and something for the rest that it requires."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_EMPTY = {"string": "", "integer": 0, "number": 0, "boolean": False, "null": None}


def fill(schema: Schema, values: Mapping[str, Any], root: Schema | None = None) -> dict[str, Any]:
    """An object of the schema: of `values` those that it has a property for, and what else it requires."""
    root = schema if root is None else root
    schema = resolve(schema, root)
    properties: Schema = schema.get("properties", {})
    filled = {name: fit(properties[name], value, root) for name, value in values.items() if name in properties}
    missing = (name for name in schema.get("required", []) if name not in filled)
    return filled | {name: placeholder(properties.get(name, {}), root) for name in missing}


def fit(schema: Schema, value: Any, root: Schema) -> Any:
    """The value as the schema allows it: objects filled, texts and lists cut, something else for what is no choice."""
    schema = resolve(schema, root)
    if isinstance(value, dict):
        return fill(schema, value, root)
    if isinstance(value, list):
        return [fit(schema.get("items", {}), item, root) for item in value[: schema.get("maxItems")]]
    if isinstance(value, str):
        value = value[: schema.get("maxLength")]
    return placeholder(schema, root) if value not in schema.get("enum", [value]) else value


def placeholder(schema: Schema, root: Schema) -> Any:
    """The emptiest value that the schema allows."""
    schema = resolve(schema, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return fill(schema, {}, root)
    if kind == "array":
        return [placeholder(schema.get("items", {}), root)] * schema.get("minItems", 0)
    if kind == "string":
        return "-" * schema.get("minLength", 0)
    return schema.get("minimum", _EMPTY[kind])


def resolve(schema: Schema, root: Schema) -> Schema:
    """The schema behind references and choices; of several choices the first that is not null."""
    while True:
        if "$ref" in schema:
            schema = _referred(schema["$ref"], root)
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            schema = next((choice for choice in choices if choice.get("type") != "null"), choices[0])
        elif len(schema.get("allOf", [])) == 1:
            schema = schema["allOf"][0]
        else:
            return schema


def _referred(reference: str, root: Schema) -> Schema:
    found: Any = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        found = found[name] if name else found
    return found  # type: ignore[no-any-return]
