"""The orchestrator's settings; each field is an environment variable of the same name in capitals."""

from pathlib import Path

from pydantic import Field, SecretStr

from stack.settings import BrokerSettings


class OrchestratorSettings(BrokerSettings):
    """Where it keeps its runs, who may call it, and the limits of a task."""

    orchestrator_host: str = Field(default="127.0.0.1", description="Address that the internal API listens on")
    orchestrator_port: int = Field(default=8001, description="Port of the internal API")
    data_dir: Path = Field(description="Folder of the databases")
    database_url: str = Field(default="", description="Database of the runs; SQLite in DATA_DIR if empty")
    model_token_key: SecretStr = Field(description="Signs the tokens for model calls; shared with the proxy")
    forge_token_key: SecretStr = Field(description="Signs the tokens for git; shared with the forge")
    api_token_bot: SecretStr = Field(description="What the bot shows to the internal API")
    api_token_agent: SecretStr = Field(description="What agents show to the internal API")
    api_token_cli: SecretStr = Field(description="What the command line shows to the internal API")
    proxy_url: str = Field(default="http://127.0.0.1:8003", description="Address of the model proxy")
    proxy_read_token: SecretStr = Field(description="Lets the orchestrator read what a run cost")
    task_budget_usd: float = Field(default=2.0, gt=0, description="Most that one task may spend on model calls")
    task_minutes: int = Field(default=30, ge=1, le=60, description="Hard limit of one conversation with Claude")
