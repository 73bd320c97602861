"""The providers that are known by name: their addresses, and where each looks for its key.

Each fact is from the vendor's own documentation, read in November 2026; the page is named beside it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from proxy.gateway import Provider

_KNOWN = (
    # platform.claude.com, "API overview": x-api-key
    Provider("anthropic", "anthropic", "https://api.anthropic.com", "x-api-key", is_anthropic=True),
    # docs.z.ai, "Claude Code" of the developer pack. The keys of its coding plan work here too
    Provider("zai", "anthropic", "https://api.z.ai/api/anthropic", "x-api-key"),
    # api-docs.deepseek.com, "Using the Anthropic API": x-api-key. It takes claude-* names and maps them itself
    Provider("deepseek", "anthropic", "https://api.deepseek.com/anthropic", "x-api-key"),
    # platform.kimi.ai, "Using Kimi in coding agents": ANTHROPIC_AUTH_TOKEN, which is Bearer. Keys of the Kimi Code
    # plan belong to another server: https://api.kimi.com/coding, with x-api-key
    Provider("moonshot", "anthropic", "https://api.moonshot.ai/anthropic", "bearer"),
    Provider("kimi", "anthropic", "https://api.moonshot.ai/anthropic", "bearer"),
    # openrouter.ai, "Claude Code integration": ANTHROPIC_AUTH_TOKEN, and ANTHROPIC_API_KEY must be empty
    Provider("openrouter", "anthropic", "https://openrouter.ai/api", "bearer"),
    # docs.ollama.com, "Anthropic compatibility": since 0.14; a local server ignores the key, ollama.com wants Bearer
    Provider("ollama", "anthropic", "http://127.0.0.1:11434", "bearer", needs_key=False),
    # docs.vllm.ai, "Claude Code": it serves /v1/messages; Bearer where it was started with --api-key
    Provider("vllm", "anthropic", "http://127.0.0.1:8000", "bearer", needs_key=False),
    # developers.openai.com, "Chat Completions": its reasoning models refuse max_tokens
    Provider("openai", "openai", "https://api.openai.com/v1", "bearer", max_tokens_field="max_completion_tokens"),
    # ai.google.dev, "OpenAI compatibility"
    Provider("gemini", "openai", "https://generativelanguage.googleapis.com/v1beta/openai", "bearer"),
    # any other server of the one wire or the other; its address must be set
    Provider("custom", "anthropic", "", "both", needs_key=False),
    Provider("custom-openai", "openai", "", "bearer", needs_key=False),
)

PRESETS: Mapping[str, Provider] = MappingProxyType({provider.name: provider for provider in _KNOWN})
