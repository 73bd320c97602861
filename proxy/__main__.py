"""Starts the model proxy: `python -m proxy`."""

from flask import Flask

from proxy.ledger import Ledger
from proxy.server import Server
from proxy.settings import ProxySettings
from proxy.tiers import tiers
from stack import logs


def main() -> None:
    """Serves until SIGTERM. Raises SystemExit for settings that cannot be used."""
    settings = ProxySettings.load()
    logs.set_up(settings.service_name or "proxy", level=settings.log_level, secrets=settings.secrets())
    found = tiers(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    ledger_file = settings.data_dir / "ledger.sqlite"
    Ledger(ledger_file).close()  # made here, so that the workers need not race for it

    def load() -> Flask:
        # imported in the worker, after gevent has patched sockets and ssl
        from proxy.app import create_app
        from proxy.upstream import Upstream

        return create_app(
            upstreams={name: Upstream(tier) for name, tier in found.items()},
            ledger=Ledger(ledger_file),
            token_key=settings.model_token_key.get_secret_value(),
            read_token=settings.proxy_read_token.get_secret_value(),
        )

    Server(
        load,
        host=settings.proxy_host,
        port=settings.proxy_port,
        workers=settings.proxy_workers,
        log_level=settings.log_level,
    ).run()


if __name__ == "__main__":
    main()
