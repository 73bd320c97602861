"""A request to Anthropic's Messages API as one for chat completions."""

import re
from typing import Any

from proxy.gateway import Provider
from proxy.translation.fields import field, number, optional, refused, typed
from proxy.translation.tools import fits_strict, tools
from proxy.translation.turns import Turns

Request = dict[str, Any]

# Families that are known to take `reasoning_effort`: others answer 400 to it, so they are not told.
TAKES_EFFORT = re.compile(
    r"(^|/)(o[1-9]|gpt-[5-9]|gpt-oss|gemini-(2\.5|[3-9])|grok-[4-9]|deepseek-v[4-9])", re.IGNORECASE
)
# Families of OpenAI that take tools or an effort on this wire, not both (from gpt-5.2 on; openai-openapi issue 541).
NO_EFFORT_BESIDE_TOOLS = re.compile(r"(^|/)gpt-(5\.[2-9]|[6-9])", re.IGNORECASE)
# Families of OpenAI that refuse any `temperature` and `top_p` but their own.
OWN_SAMPLING = re.compile(r"(^|/)(o[1-9]|gpt-[5-9])", re.IGNORECASE)
EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


def to_openai(request: Request, *, model: str, provider: Provider) -> Request:
    """The same request for chat completions. Raises ApiError (400) for what cannot be said there, or is wrong.

    `output_config.effort` becomes `reasoning_effort` where the model's family takes one, and its format of output
    becomes `response_format`. `thinking` is dropped: it is sent for every unknown model, a budget has no counterpart,
    and how much such models think is what the effort says. Dropped as well is what has no meaning there: `top_k`,
    `metadata`, `context_management`, `cache_control`, `service_tier` and all that is not known.
    """
    try:
        return _translated(request, model, provider)
    except RecursionError as error:
        raise refused("request", "Input is nested too deeply") from error


def _translated(request: Request, model: str, provider: Provider) -> Request:
    if request.get("mcp_servers"):
        raise refused("mcp_servers", f"the provider {provider.name} does not talk to MCP servers")
    translated: Request = {"model": model, "messages": Turns(model, provider).messages(request)}
    translated[provider.max_tokens_field] = max(1, field(request, "max_tokens", int, ""))
    translated |= tools(request) | _sampling(request, model) | _output(request, model)
    if optional(request, "stream", bool):
        translated |= {"stream": True, "stream_options": {"include_usage": True}}
    return translated


def _sampling(request: Request, model: str) -> Request:
    stops = [
        typed(stop, str, f"stop_sequences.{n}")
        for n, stop in enumerate(optional(request, "stop_sequences", list) or [])
    ]
    found: Request = {"stop": stops} if stops else {}
    values = {name: number(request, name) for name in ("temperature", "top_p")}
    if not OWN_SAMPLING.search(model):
        found |= {name: value for name, value in values.items() if value is not None}
    return found


def _output(request: Request, model: str) -> Request:
    config = optional(request, "output_config", dict) or {}
    found: Request = {}
    effort = optional(config, "effort", str, "output_config")
    alone = not (request.get("tools") and NO_EFFORT_BESIDE_TOOLS.search(model))
    if effort in EFFORTS and alone and TAKES_EFFORT.search(model):
        found["reasoning_effort"] = EFFORTS[effort]
    wanted = optional(config, "format", dict, "output_config")
    if wanted and wanted.get("type") == "json_schema":
        schema = field(wanted, "schema", dict, "output_config.format")
        described = {"name": "answer", "schema": schema, "strict": fits_strict(schema)}
        found["response_format"] = {"type": "json_schema", "json_schema": described}
    return found
