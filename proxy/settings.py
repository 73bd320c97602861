"""The proxy's settings. A name here, in capitals, is the name in the environment."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from stack.settings import Settings

TierName = Literal["haiku", "sonnet", "opus"]
# those of proxy/presets.py
ProviderName = Literal[
    "anthropic", "zai", "deepseek", "moonshot", "kimi", "openrouter", "ollama", "vllm", "openai", "gemini",
    "custom", "custom-openai",
]  # fmt: skip
PriceText = Annotated[str, Field(pattern=r"^(\d{1,6}(\.\d{1,6})?/\d{1,6}(\.\d{1,6})?)?$")]
Dollars = Annotated[Decimal, Field(gt=0, le=1_000_000_000)]


class ProxySettings(Settings):
    """Where the proxy listens, what it verifies, a provider for each tier, and limits."""

    proxy_host: str = Field(default="127.0.0.1", description="Address the proxy listens on")
    proxy_port: int = Field(default=8003, description="Port the proxy listens on")
    proxy_workers: int = Field(default=2, ge=1, description="Number of processes that serve model calls")
    model_token_key: SecretStr = Field(min_length=1, description="Key that verifies the tokens of model calls")
    proxy_read_token: SecretStr = Field(min_length=1, description="Bearer token that may read usage and metrics")
    orchestrator_url: str = Field(
        default="", pattern=r"^(http://.+)?$", description="Who says whether a task still runs; nobody if empty"
    )
    api_token: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="What the proxy shows to the orchestrator"
    )
    proof_key: SecretStr = Field(
        default=SecretStr(""), description="Makes what proves to each agent that it has reached the proxy"
    )
    data_dir: Path = Field(description="Folder of the ledger of calls")
    ledger_url: SecretStr = Field(default=SecretStr(""), description="Database of the ledger; in DATA_DIR if empty")
    dashboard_password: SecretStr = Field(default=SecretStr(""), description="Opens the dashboard; none if empty")

    gateway_file: Path | None = Field(default=None, description="gateway.toml, in place of all tiers below")
    proxy_default_tier: TierName | None = Field(default=None, description="Serves unknown model names; else a 404")

    sonnet_provider: ProviderName = Field(default="anthropic", description="Provider of the sonnet tier")
    sonnet_provider_base_url: str = Field(default="", description="Its address, where it is not the usual one")
    sonnet_provider_api_key: SecretStr = Field(default=SecretStr(""), description="Its key")
    sonnet_model: str = Field(default="", description="Model to ask it for; the requested one if empty")
    sonnet_price: PriceText = Field(default="", description="Dollars per million tokens, INPUT/OUTPUT")

    haiku_provider: ProviderName | None = Field(default=None, description="Provider of the haiku tier; else sonnet's")
    haiku_provider_base_url: str = Field(default="", description="Its address; else sonnet's or the usual one")
    haiku_provider_api_key: SecretStr = Field(default=SecretStr(""), description="Its key; else sonnet's")
    haiku_model: str = Field(default="", description="Model to ask it for; the requested one if empty")
    haiku_price: PriceText = Field(default="", description="Dollars per million tokens, INPUT/OUTPUT")

    opus_provider: ProviderName | None = Field(default=None, description="Provider of the opus tier; else sonnet's")
    opus_provider_base_url: str = Field(default="", description="Its address; else sonnet's or the usual one")
    opus_provider_api_key: SecretStr = Field(default=SecretStr(""), description="Its key; else sonnet's")
    opus_model: str = Field(default="", description="Model to ask it for; the requested one if empty")
    opus_price: PriceText = Field(default="", description="Dollars per million tokens, INPUT/OUTPUT")

    limit_run_usd: Dollars | None = Field(default=None, description="Most that the calls of one run may cost")
    limit_person_day_usd: Dollars | None = Field(default=None, description="Most that one person may cost in a day")
    limit_person_month_usd: Dollars | None = Field(default=None, description="The same in a month")
    limit_day_usd: Dollars | None = Field(default=None, description="Most that all calls may cost in a day")
    limit_month_usd: Dollars | None = Field(default=None, description="The same in a month")

    @field_validator("api_token")
    @classmethod
    def _is_there(cls, token: SecretStr, others: ValidationInfo) -> SecretStr:
        if others.data.get("orchestrator_url") and not token.get_secret_value():
            raise ValueError("must be set where ORCHESTRATOR_URL is")
        return token
