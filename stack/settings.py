"""Settings: read from the environment once, by a service's `__main__.py`. A secret may stand in a file: `NAME_FILE`."""

import os
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from stack.errors import GiveUp


class SecretFiles(PydanticBaseSettingsSource):
    """Reads `NAME` from the file that `NAME_FILE` names, or from the file `NAME` in the folder SECRETS_DIR.

    A file that NAME_FILE names and that is missing or empty is an error.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{field_name.upper()}_FILE") or self._in_folder(field_name.upper())
        if not path:
            return None, field_name, False
        try:
            text = Path(path).read_text().strip()
        except OSError as error:
            raise GiveUp(f"{field_name.upper()}_FILE: {error.strerror}: {path}") from error
        if not text:
            raise GiveUp(f"{field_name.upper()}_FILE: {path} is empty")
        return text, field_name, False

    @staticmethod
    def _in_folder(name: str) -> str:
        path = Path(os.environ.get("SECRETS_DIR") or "/nonexistent", name)
        return str(path) if path.exists() else ""

    def __call__(self) -> dict[str, Any]:
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, _, _ = self.get_field_value(field, name)
            if value is not None:
                found[name] = value
        return found


class Settings(BaseSettings):
    """Base of each service's settings, with those that all of them have."""

    # a setting that is present and empty (`NAME=` in .env) counts as not set
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    service_name: str = Field(
        default="",
        description="Name of this process in logs and leases; the host's name if empty",
    )
    heartbeat_file: Path | None = Field(
        default=None,
        description="File that is touched while the service is well; read by python -m stack.health",
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, SecretFiles(settings_cls), env_settings

    @classmethod
    def load(cls) -> Self:
        """The settings as the environment has them. Raises SystemExit that names each setting in the wrong."""
        try:
            return cls()
        except ValidationError as error:
            lines = [f"  {str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
            raise SystemExit("Settings that cannot be used:\n" + "\n".join(lines)) from None
        except GiveUp as error:
            raise SystemExit(f"Settings that cannot be used:\n  {error}") from None

    def secrets(self) -> list[str]:
        """The values that must never be logged."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [v.get_secret_value() for v in values if isinstance(v, SecretStr) and v.get_secret_value()]


class BrokerSettings(Settings):
    """Base of the settings of services that talk to the broker."""

    broker_url: SecretStr = Field(description="amqp:// address of RabbitMQ with this service's own user")


def refuse_real_token_at_simulator(token: str, looks_real: bool, url: str, name: str) -> None:
    """Raises SystemExit where a token that looks real would be sent to an address that is not the real one."""
    if token and looks_real and not url.startswith("https://"):
        raise SystemExit(f"{name} looks real, but {url} is not https: refusing to send it there")
