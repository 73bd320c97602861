"""The real Claude Code, from the wheel of claude-agent-sdk, in a home of its own and an environment of its own."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import claude_agent_sdk

CLAUDE = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"


@dataclass(frozen=True)
class Ran:
    """What a run of Claude Code told: its messages, as `--output-format stream-json` has them."""

    messages: list[dict[str, Any]]
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """The last message: how it ended."""
        assert self.messages, self.stderr
        assert self.messages[-1]["type"] == "result", self.messages[-1]
        return self.messages[-1]

    def blocks(self, kind: str) -> list[dict[str, Any]]:
        """The blocks of a type in all messages, those of the model and of tools."""
        return [
            block
            for message in self.messages
            if message["type"] in ("assistant", "user") and isinstance(message["message"]["content"], list)
            for block in message["message"]["content"]
            if block["type"] == kind
        ]


def environment(folder: Path, base_url: str, token: str, **more: str) -> dict[str, str]:
    """All that it gets to know of the world."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder), "TMPDIR": str(folder), "CLAUDE_CONFIG_DIR": str(folder / ".claude"),
        "ANTHROPIC_BASE_URL": base_url, "ANTHROPIC_AUTH_TOKEN": token,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "2",
        **more,
    }  # fmt: skip


def started_claude(
    folder: Path, base_url: str, token: str, prompt: str, *, model: str, **more: str
) -> subprocess.Popen[bytes]:
    """Starts it with one prompt, and the tool Read alone."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    command = [
        str(CLAUDE), "--print", "--verbose", "--output-format", "stream-json", "--model", model, "--tools", "Read",
        "--permission-mode", "dontAsk", "--setting-sources", "", "--strict-mcp-config", prompt,
    ]  # fmt: skip
    return subprocess.Popen(
        command, cwd=folder, env=environment(home, base_url, token, **more), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run_claude(folder: Path, base_url: str, token: str, prompt: str, *, model: str, **more: str) -> Ran:
    """Runs one prompt to its end."""
    with started_claude(folder, base_url, token, prompt, model=model, **more) as process:
        try:
            output, errors = process.communicate(timeout=120)
        finally:
            process.kill()
    lines = output.decode().splitlines()
    return Ran([json.loads(line) for line in lines if line.startswith("{")], errors.decode())
