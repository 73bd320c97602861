"""An agent's settings; each field is an environment variable of the same name in capitals."""

from pathlib import Path

from pydantic import Field, SecretStr

from agents.sandbox.limits import Limits, usual_cpus
from stack.settings import BrokerSettings


class AgentSettings(BrokerSettings):
    """Which role it plays, whom it talks to, and how it runs Claude Code."""

    agent_role: str = Field(description="Folder of the role under agents/")
    agent_slots: int = Field(default=1, ge=1, le=16, description="Tasks that this process works on at once")
    agent_slot_uid: int = Field(
        default=0, ge=0, description="First of the 150 user ids of the slots; some of nobody's by the host's name if 0"
    )
    agent_memory_mb: int = Field(default=Limits.memory_mb, ge=256, description="Memory of a task in all, in MB")
    agent_processes: int = Field(default=Limits.processes, ge=64, description="Processes and threads of a task at once")
    agent_disk_mb: int = Field(default=Limits.disk_mb, ge=64, description="Files of a task in all, in MB")
    agent_cpus: float = Field(default=0, ge=0, description="Processors of a task; all but a half of one if 0")
    agent_contained: bool = Field(
        default=False,
        description="The container is the boundary of its one slot: refuse to start where it does not hold",
    )
    agent_silence_seconds: float = Field(
        default=300, gt=0, description="Claude is ended after so long without a sign of life, of the model or of a tool"
    )
    agent_keep_days: float = Field(
        default=7, ge=0, description="Transcripts of tasks that failed are kept for so long, for inspection"
    )
    data_dir: Path = Field(description="Folder of repository caches, workspaces and transcripts")
    orchestrator_url: str = Field(default="http://127.0.0.1:8001", description="Address of the orchestrator's API")
    api_token: SecretStr = Field(description="What this agent shows to the orchestrator")
    forge_url: str = Field(default="http://127.0.0.1:8002", description="Address of the forge's git server")
    forge_proof_key: SecretStr = Field(description="What the forge proves with that it is the forge")
    proxy_url: str = Field(default="http://127.0.0.1:8003", description="Address of the model proxy")
    proxy_proof_key: SecretStr = Field(description="What the proxy proves with that it is the proxy")
    claude_cli: Path | None = Field(default=None, description="Claude Code to run; the bundled one if empty")

    def addresses(self) -> tuple[str, ...]:
        """Of the services that an agent calls."""
        return self.orchestrator_url, self.forge_url, self.proxy_url

    def limits(self) -> Limits:
        """What one task may take."""
        return Limits(
            memory_mb=self.agent_memory_mb,
            processes=self.agent_processes,
            disk_mb=self.agent_disk_mb,
            cpus=self.agent_cpus or usual_cpus(),
        )
