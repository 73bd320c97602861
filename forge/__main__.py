"""`python -m forge`: builds the forge from the environment and runs it until it is stopped."""

import socket

from forge.conversation import Conversations
from forge.github import GitHub
from forge.marks import Marks
from forge.mirrors import Mirrors
from forge.pulls import Pulls
from forge.reviews import Reviews
from forge.server import make_app, room_for
from forge.settings import ForgeSettings
from stack import logs, topology
from stack.alive import Alive
from stack.api import TasksApi
from stack.broker import Consumer, Listener, Publisher, share_run_records
from stack.proof import Prover, of_agents
from stack.service import Every, run_until_stopped
from stack.web import WebServer
from stack.work.beforehand import FetchConversation, FetchHead
from stack.work.review import DraftReview, FetchPullRequest, PostReview
from stack.worker import Worker

ROLE = "forge"
WORKERS = 4  # tasks at once; one that has to wait for long gives its worker back
TIDY_SECONDS = 3600


def main(settings: ForgeSettings) -> None:
    """Runs the forge."""
    settings.refuse_real_token()
    broker = settings.secret("broker_url")
    publisher = Publisher(broker, ROLE)
    redact = logs.set_up(ROLE, level=settings.log_level, secrets=settings.secrets)
    share_run_records(publisher, redact)

    token = settings.github_token.get_secret_value()
    github = GitHub(url=settings.github_api_url, token=token)
    mirrors = Mirrors(folder=settings.data_dir / "mirrors", url=settings.github_url, token=token)
    marks = Marks(settings.secret("forge_mark_key"))
    pulls = Pulls(github=github, mirrors=mirrors, marks=marks)
    conversations = Conversations(github=github, mirrors=mirrors, marks=marks)
    reviews = Reviews(
        github=github,
        mirrors=mirrors,
        marks=marks,
        conversations=conversations,
        max_inline=settings.max_inline_comments,
    )

    orchestrator, api_token = settings.orchestrator_url, settings.secret("api_token")
    tasks = TasksApi(orchestrator, api_token, name=settings.service_name or socket.gethostname())
    worker = Worker(
        ROLE,
        {  # all that the forge can do
            FetchPullRequest: pulls.fetch,
            FetchHead: pulls.head,
            FetchConversation: conversations.fetch,
            DraftReview: reviews.draft,
            PostReview: reviews.post,
        },
        tasks=tasks,
        sender=publisher,
    )
    token_key = settings.secret("forge_token_key")
    app = make_app(mirrors=mirrors, token_key=token_key, check=Alive(orchestrator, api_token).check)
    run_until_stopped(
        publisher,
        WebServer(
            app,
            host=settings.forge_host,
            port=settings.forge_port,
            room=room_for(token_key),
            prover=Prover(ROLE, lambda: of_agents(settings.secret("proof_key"))),
        ),
        Every(TIDY_SECONDS, mirrors.tidy),
        Listener(broker, ROLE, topology.SIGNALS, "task.*", worker.hear),
        Consumer(
            broker,
            topology.work_queue(ROLE),
            worker.take,
            publisher=publisher,
            workers=WORKERS,
            heartbeat_file=settings.heartbeat_file,
            too_new=worker.too_new,
        ),
        worker,  # the last that is started is stopped first: it gives back what can be interrupted
    )


if __name__ == "__main__":
    main(ForgeSettings.load())
