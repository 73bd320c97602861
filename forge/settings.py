"""The forge's settings."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from stack.settings import BrokerSettings, refuse_real_token_at_simulator

# https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
REAL_TOKENS = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")


class ForgeSettings(BrokerSettings):
    """What the forge needs to know."""

    forge_host: str = Field(default="127.0.0.1", description="Address that runners reach git on")
    forge_port: int = Field(default=8002, ge=1, le=65535, description="Port that runners reach git on")
    orchestrator_url: str = Field(default="http://127.0.0.1:8001", description="Address of the orchestrator's API")
    api_token: SecretStr = Field(description="What the forge shows to the orchestrator")
    forge_token_key: SecretStr = Field(description="Key that the tokens of runners are signed with")
    proof_key: SecretStr = Field(description="Makes what proves to each agent that it has reached the forge")
    forge_mark_key: SecretStr = Field(description="Key that what is posted is signed with; nobody else has it")
    github_token: SecretStr = Field(description="GitHub token that reads repositories and writes pull request reviews")
    github_api_url: str = Field(default="https://api.github.com", description="Address of GitHub's REST API")
    github_url: str = Field(default="https://github.com", description="Address of GitHub's git over HTTP")
    data_dir: Path = Field(
        description="Folder of the mirrors: mirrors/<owner>/<name>.git, with a number behind it where it was made anew"
    )
    max_inline_comments: int = Field(default=10, ge=0, description="Comments on lines in one review; the rest go below")

    @field_validator("github_api_url", "github_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise ValueError("must begin with https:// or http://")
        return url.rstrip("/")

    def refuse_real_token(self) -> None:
        """Raises SystemExit where a token that looks real would go to a simulator."""
        token = self.github_token.get_secret_value()
        for url in (self.github_api_url, self.github_url):
            refuse_real_token_at_simulator(token, token.startswith(REAL_TOKENS), url, "GITHUB_TOKEN")
