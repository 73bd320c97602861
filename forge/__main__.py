"""`python -m forge`: builds the forge from the environment and runs it until it is stopped."""

from forge.github import GitHub
from forge.handler import Handler
from forge.mirror import Mirrors
from forge.pulls import Pulls
from forge.reviews import Reviews
from forge.server import make_app
from forge.settings import ForgeSettings
from stack import logs, topology
from stack.broker import Consumer, Publisher, share_run_records
from stack.service import run_until_stopped
from stack.web import WebServer

WORKERS = 4


def main(settings: ForgeSettings) -> None:
    """Runs the forge."""
    settings.refuse_real_token()
    broker = settings.broker_url.get_secret_value()
    publisher = Publisher(broker, "forge")
    redact = logs.set_up("forge", level=settings.log_level, secrets=settings.secrets())
    share_run_records(publisher, "forge", redact)
    token = settings.github_token.get_secret_value()
    github = GitHub(url=settings.github_api_url, token=token)
    mirrors = Mirrors(folder=settings.data_dir / "mirrors", url=settings.github_url, token=token)
    handler = Handler(
        sender=publisher,
        pulls=Pulls(github=github, mirrors=mirrors),
        reviews=Reviews(github=github, mirrors=mirrors, max_inline=settings.max_inline_comments),
    )
    app = make_app(mirrors=mirrors, token_key=settings.forge_token_key.get_secret_value())
    run_until_stopped(
        publisher,
        WebServer(app, host=settings.forge_host, port=settings.forge_port),
        Consumer(
            broker,
            topology.FORGE,
            handler,
            publisher=publisher,
            workers=WORKERS,
            heartbeat_file=settings.heartbeat_file,
        ),
    )


if __name__ == "__main__":
    main(ForgeSettings.load())
