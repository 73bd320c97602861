"""The model gateway: `python -m proxy`, or one of the commands that `python -m proxy --help` lists."""

import os

from proxy.app import Secrets
from proxy.gateway_file import SetUpError
from proxy.reload import Watched
from proxy.serve import serve
from proxy.settings import ProxySettings
from stack import logs


def main() -> None:
    """Serves until SIGTERM. Raises SystemExit for settings that cannot be used."""
    settings = ProxySettings.load()
    redactor = logs.set_up(settings.service_name or "proxy", level=settings.log_level, secrets=settings.secrets())
    try:
        source = Watched(settings, os.environ, hide=redactor.hide)
    except SetUpError as mistakes:
        raise SystemExit(str(mistakes)) from None
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    serve(
        source,
        ledger=settings.ledger_url.get_secret_value() or settings.data_dir / "gateway.sqlite",
        secrets=Secrets(
            token_key=settings.model_token_key.get_secret_value(),
            read_token=settings.proxy_read_token.get_secret_value(),
            dashboard_password=settings.dashboard_password.get_secret_value(),
        ),
        host=settings.proxy_host,
        port=settings.proxy_port,
        workers=settings.proxy_workers,
        log_level=settings.log_level,
    )


if __name__ == "__main__":
    main()
