"""A folder with a gateway.toml in it, and what it is loaded with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from proxy import gateway_file
from proxy.gateway import Gateway
from proxy.settings import ProxySettings

EXAMPLE = Path(__file__).parents[3] / "docs/gateway.example.toml"
KEYS = {
    "ANTHROPIC_API_KEY": "invented-first-key",
    "ANTHROPIC_API_KEY_2": "invented-second-key",
    "ZHIPU_API_KEY": "invented-third-key",
    "ZAI_API_KEY": "invented-zai-key",
}
ANTHROPIC = '[providers.anthropic]\nkeys = "env:ANTHROPIC_API_KEY"\n'
SMALL = ANTHROPIC + '[tiers]\nsonnet = "anthropic"\n'


@dataclass
class Written:
    """A gateway.toml, and the variables that its keys come from."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=lambda: KEYS)

    @property
    def path(self) -> Path:
        return self.folder / "gateway.toml"

    def load(self, text: str | bytes) -> Gateway:
        """Writes the file and reads it."""
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return gateway_file.load(self.path, self.environ)

    def mistakes(self, text: str | bytes) -> list[str]:
        """What is wrong with a file; nothing with a good one."""
        try:
            self.load(text)
        except gateway_file.SetUpError as error:
            return str(error).splitlines()
        return []

    def settings(self, **changes: object) -> ProxySettings:
        """The proxy's settings with this file."""
        return settings(gateway_file=self.path, **changes)


def settings(**changes: object) -> ProxySettings:
    given = {"model_token_key": SecretStr("k"), "proxy_read_token": SecretStr("r"), "data_dir": Path("unused")}
    return ProxySettings.model_validate(given | changes)
