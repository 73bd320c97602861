"""Settings: read from the environment once, by a service's `__main__.py`. A secret may stand in a file: `NAME_FILE`.

A secret that stands in a file may be renewed there: `Settings.secret` follows it.
"""

import os
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from stack.errors import GiveUp
from stack.secret import Secret, SecretFile, lines_of, seen


class SecretFiles(PydanticBaseSettingsSource):
    """Reads `NAME` from the file that `NAME_FILE` names, or from the file `NAME` in the folder SECRETS_DIR.

    A file that NAME_FILE names and that is missing or empty is an error. Of a secret in the folder, which is of the
    stack's own making, the first line counts here; a key from outside is one line.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = self.path(field_name)
        if not path:
            return None, field_name, False
        try:
            text = path.read_text().strip()
        except OSError as error:
            raise GiveUp(f"{field_name.upper()}_FILE: {error.strerror}: {path}") from error
        if not text:
            raise GiveUp(f"{field_name.upper()}_FILE: {path} is empty")
        is_ours = field.annotation is SecretStr and not os.environ.get(f"{field_name.upper()}_FILE")
        return lines_of(text)[0] if is_ours else text, field_name, False

    @staticmethod
    def path(field_name: str) -> Path | None:
        """The file that a setting stands in, if it stands in one."""
        if named := os.environ.get(f"{field_name.upper()}_FILE"):
            return Path(named)
        path = Path(os.environ.get("SECRETS_DIR") or "/nonexistent", field_name.upper())
        return path if path.exists() else None

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

    _files: dict[str, SecretFile] = PrivateAttr(default_factory=dict)

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

    def model_post_init(self, _context: Any) -> None:
        """Remembers where each secret is from: its environment may be taken from this process later."""
        for name in type(self).model_fields:
            value, path = getattr(self, name), SecretFiles.path(name)
            if isinstance(value, SecretStr) and path:
                file = SecretFile(path)
                if value.get_secret_value() in file.lines():
                    self._files[name] = file

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

    def secret(self, name: str) -> Secret:
        """The secret of this name, for whoever uses it: renewed where its file is."""
        value: SecretStr = getattr(self, name)
        return self._files.get(name) or value.get_secret_value()

    def secrets(self) -> list[str]:
        """The values that must never be logged: those of now, and those before."""
        names = [name for name in type(self).model_fields if isinstance(getattr(self, name), SecretStr)]
        return [value for name in names for value in seen(self.secret(name)) if value]


class BrokerSettings(Settings):
    """Base of the settings of services that talk to the broker."""

    broker_url: SecretStr = Field(description="amqp:// address of RabbitMQ with this service's own user")


def refuse_real_token_at_simulator(token: str, looks_real: bool, url: str, name: str) -> None:
    """Raises SystemExit where a token that looks real would be sent to an address that is not the real one."""
    if token and looks_real and not url.startswith("https://"):
        raise SystemExit(f"{name} looks real, but {url} is not https: refusing to send it there")
