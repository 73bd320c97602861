"""How Claude Code is started: its options and its environment, and what each of them is for.

The CLI is pinned, because this was measured: what an option does not say here, it does not do.
"""

import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.claude import serving
from agents.claude.hooks import REPORT, JobHooks
from agents.role import Setup
from agents.sandbox.slot import Slot
from agents.sandbox.workspace import Workspace
from stack.errors import GiveUp

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions, McpSdkServerConfig

WRAPPER = Path(__file__).parent / "claude.sh"
MOST_BYTES = 32 << 20  # of one line that Claude Code prints; the SDK's own limit is 1 MB, which one image exceeds

# Claude Code reckons with prices of its own, and runs no tool of the answer that is one too many: the proxy's ledger is
# to be first.
MARGIN = 1.5

MayUse = Callable[[str, dict[str, Any], Any], Awaitable[Any]]
ASK = "AskUserQuestion"


def require_start(slot: Slot, folder: Path) -> None:
    """Raises GiveUp, in words, where nothing could be started in a slot: tried once, before a task comes."""
    environment = slot.environment(Path("/bin/true"), started=folder / "tried", folder=folder)
    command, path = [WRAPPER], {"PATH": os.defpath}
    done = subprocess.run(command, env=path | environment, cwd=folder, capture_output=True, text=True, check=False)
    (folder / "tried").unlink(missing_ok=True)
    if done.returncode:
        raise GiveUp(f"nothing can be started in {slot.name}: {done.stderr.strip()[-500:]}")


def options(
    setup: Setup,
    hooks: JobHooks,
    *,
    may_use: MayUse,
    servers: "dict[str, McpSdkServerConfig]",
    workspace: Workspace,
    environment: dict[str, str],
    budget_usd: float,
    session: str,
    resume: bool,
) -> "ClaudeAgentOptions":
    """The options for one session."""
    from claude_agent_sdk import ClaudeAgentOptions

    return ClaudeAgentOptions(
        cli_path=WRAPPER,
        cwd=workspace.work,
        env=environment,
        model=setup.tier,
        system_prompt=setup.system_prompt,
        tools=[*setup.tools, *([ASK] if setup.asks else [])],
        mcp_servers={**servers},
        allowed_tools=serving.names(setup),  # a rule for anything else would open what is outside of the work folder
        # what no rule allows is refused; a role that may ask has its questions, and all that is refused, come to us
        permission_mode="default" if setup.asks else "dontAsk",
        can_use_tool=may_use if setup.asks else None,
        setting_sources=[],  # nothing that a repository brings is obeyed
        strict_mcp_config=True,
        verbatim_prompts=True,  # neither @path nor /command in a stranger's text
        extra_args={"restricted": None},  # no file outside of the work folder, through links neither
        include_partial_messages=True,  # signs of life
        max_buffer_size=MOST_BYTES,
        max_turns=setup.max_turns,
        max_budget_usd=budget_usd * MARGIN,
        output_format={"type": "json_schema", "schema": setup.schema} if setup.schema else None,
        session_id=None if resume else session,
        resume=session if resume else None,
        stderr=hooks.heard_stderr,
        hooks=_matchers(setup, hooks),
    )


def _matchers(setup: Setup, hooks: JobHooks) -> Any:
    from claude_agent_sdk import HookMatcher

    after = [HookMatcher(hooks=[hooks.after_tool])]
    if setup.schema is None:
        return {"PostToolUse": after}
    return {
        "PreToolUse": [HookMatcher(matcher=REPORT, hooks=[hooks.before_report])],
        "PostToolUse": [*after, HookMatcher(matcher=REPORT, hooks=[hooks.after_report])],
        "Stop": [HookMatcher(hooks=[hooks.before_stop])],
    }


def environment(workspace: Workspace, *, base_url: str, token: str) -> dict[str, str]:
    """All that Claude Code gets to know of the world."""
    return {
        "HOME": str(workspace.home),
        "TMPDIR": str(workspace.temporary),
        "ANTHROPIC_BASE_URL": base_url,
        "ANTHROPIC_AUTH_TOKEN": token,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",  # no settings file can redirect the model calls
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",  # no process that outlives its result
        "ENABLE_TOOL_SEARCH": "0",  # all tools are there from the start
        "CLAUDE_CODE_MAX_RETRIES": "6",
        "API_TIMEOUT_MS": "120000",  # until the first byte
        "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "60000",  # between two bytes; pings count
        # git that the model runs obeys nothing of the repository's
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": "/dev/null",
        "GIT_CONFIG_KEY_1": "core.fsmonitor",
        "GIT_CONFIG_VALUE_1": "false",
        "GIT_CONFIG_KEY_2": "protocol.ext.allow",
        "GIT_CONFIG_VALUE_2": "never",
    }
