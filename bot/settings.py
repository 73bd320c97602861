"""The bot's settings."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from stack.settings import BrokerSettings, refuse_real_token_at_simulator

TELEGRAM = "https://api.telegram.org"


class BotSettings(BrokerSettings):
    """What the bot is told by its environment."""

    telegram_bot_token: SecretStr = Field(description="The bot's token, from @BotFather")
    telegram_api_url: str = Field(default=TELEGRAM, description="Telegram's address, or a simulator's")
    allowed_users: Annotated[frozenset[int], NoDecode] = Field(
        default=frozenset(),
        description="Numeric Telegram ids of those who may use the bot, separated by commas; nobody if empty",
    )
    admin_users: Annotated[frozenset[int], NoDecode] = Field(
        default=frozenset(),
        description="Numeric Telegram ids of those who may also add people and stop the runs of others, and who hear "
        "of what a clock or the command line began; each of them may use the bot",
    )
    github_url: str = Field(
        default="https://github.com", description="The GitHub whose addresses people write, as a browser shows it"
    )
    orchestrator_url: str = Field(description="Address of the orchestrator's internal API")
    api_token: SecretStr = Field(description="The bot's token for the orchestrator's API")
    request_id_key: SecretStr = Field(
        min_length=16, description="Makes the ids of requests, which nobody else can foretell"
    )
    data_dir: Path = Field(description="Folder of the bot's memory")

    @field_validator("telegram_bot_token")
    @classmethod
    def _is_a_token(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", token.get_secret_value()):
            raise ValueError("must look like 123456:letters, as @BotFather gives it")
        return token

    @field_validator("github_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?", url):
            raise ValueError("must be an address like https://github.com, with nothing behind the host")
        return url.rstrip("/")

    @field_validator("allowed_users", "admin_users", mode="before")
    @classmethod
    def _ids(cls, value: object) -> object:
        return frozenset(map(_user_id, filter(None, value.split(",")))) if isinstance(value, str) else value

    def refuse_real_token_at_simulator(self) -> None:
        """Raises SystemExit where a token of the real Telegram would go somewhere else."""
        token = self.telegram_bot_token.get_secret_value()
        looks_real = re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]{35}", token) is not None
        refuse_real_token_at_simulator(token, looks_real, self.telegram_api_url, "TELEGRAM_BOT_TOKEN")


def _user_id(entry: str) -> int:
    if not re.fullmatch(r"\s*[0-9]{1,16}\s*", entry):
        raise ValueError(f"{entry.strip()!r} is not a numeric Telegram id; the bot tells a stranger theirs")
    return int(entry)
