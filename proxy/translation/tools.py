"""Tools and the choice among them, as chat completions have them: functions."""

from typing import Any

from proxy.translation.fields import field, optional, refused, typed

CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def tools(request: dict[str, Any]) -> dict[str, Any]:
    """`tools`, `tool_choice` and `parallel_tool_calls`, each where it is asked for.

    Raises ApiError (400) for a tool that Anthropic's servers run, or that only their models know.
    """
    found = optional(request, "tools", list) or []
    if not found:
        return {}
    functions = [_function(typed(tool, dict, f"tools.{n}"), f"tools.{n}") for n, tool in enumerate(found)]
    return {"tools": functions, **_choice(optional(request, "tool_choice", dict))}


def fits_strict(schema: object) -> bool:
    """Whether a schema is as OpenAI wants it for a strict answer: in every object, all is named and all is required."""
    if isinstance(schema, list):
        return all(fits_strict(inner) for inner in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties", {})
    if schema.get("type") == "object" or properties:
        required = schema.get("required", [])
        if schema.get("additionalProperties") is not False or not isinstance(properties, dict):
            return False
        if not isinstance(required, list) or any(name not in required for name in properties):
            return False
    return all(fits_strict(inner) for inner in schema.values())


def _function(tool: dict[str, Any], where: str) -> dict[str, Any]:
    kind = tool.get("type")
    if kind not in (None, "custom"):
        raise refused(where, f"{str(kind)[:60]!r} is a tool of Anthropic's own; this provider takes only custom tools")
    schema = field(tool, "input_schema", dict, where)
    parameters = {"type": "object", "properties": {}, **{k: v for k, v in schema.items() if k != "$schema"}}
    function: dict[str, Any] = {"name": field(tool, "name", str, where), "parameters": parameters}
    if description := optional(tool, "description", str, where):
        function["description"] = description
    if optional(tool, "strict", bool, where) and fits_strict(parameters):
        function["strict"] = True
    return {"type": "function", "function": function}


def _choice(choice: dict[str, Any] | None) -> dict[str, Any]:
    if choice is None:
        return {}
    translated: dict[str, Any] = {}
    kind = choice.get("type")
    if kind == "tool":
        name = field(choice, "name", str, "tool_choice")
        translated["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif isinstance(kind, str) and kind in CHOICES:
        translated["tool_choice"] = CHOICES[kind]
    else:
        raise refused("tool_choice.type", "Input should be 'auto', 'any', 'tool' or 'none'")
    if optional(choice, "disable_parallel_tool_use", bool, "tool_choice"):
        translated["parallel_tool_calls"] = False
    return translated
