"""The dashboard's addresses: the page, its events, logging in and out; without a password, only how to set one."""

import logging
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from proxy.dashboard import session
from proxy.dashboard.feed import Feed, OffLoop, directly, never
from proxy.dashboard.session import Attempts, AttemptsOfAProcess, Sessions
from proxy.dashboard.view import SetUpView
from proxy.ledger.reports import PERIODS, WINDOW, Reports
from stack.secret import Secret

log = logging.getLogger(__name__)

DEFAULT_PERIOD = "24h"
WRONG_SECONDS = 0.5  # how long a wrong password waits for its answer
MAX_FORM_BYTES = 4096
NEW_KEY = "python -m proxy keys add NAME"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # not `no-referrer`: with that, browsers say `Origin: null` on our own forms
    "Referrer-Policy": "same-origin",
}


def blueprint(
    reports: Reports,
    gateway: Callable[[], SetUpView],
    password: str,
    *,
    cookie_key: Secret,
    off_loop: OffLoop[Any] = directly,
    attempts: Attempts | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    stopping: Callable[[], bool] = never,
    new_key_command: str = NEW_KEY,
) -> Blueprint:
    """The pages under `/dashboard`; without a password, one that says how to turn them on.

    `off_loop` runs what reads the ledger, so that calls need not wait for it. `attempts` counts wrong passwords: for
    this process alone unless another is given. `stopping` says that the process is about to end: streams end then,
    so that it need not wait for them. `new_key_command` makes a client key; a newcomer is told of it.
    """
    pages = Blueprint(
        "dashboard", __name__, url_prefix="/dashboard", static_folder="static", template_folder="templates"
    )
    pages.after_request(_with_headers)
    if not password:
        _off(pages)
        return pages
    sessions = Sessions(password=password, key=cookie_key, clock=clock)
    _forms(pages, sessions, attempts or AttemptsOfAProcess(), sleep)
    feed = Feed(reports, gateway, off_loop=off_loop, clock=clock, sleep=sleep, stopping=stopping)
    _views(pages, sessions, feed, new_key_command)
    return pages


def _off(pages: Blueprint) -> None:
    @pages.get("", strict_slashes=False)
    @pages.get("/<path:page>")
    def off(page: str = "") -> tuple[str, int]:
        return render_template("dashboard/off.html"), 503


def _forms(pages: Blueprint, sessions: Sessions, attempts: Attempts, sleep: Callable[[float], None]) -> None:
    @pages.get("/login")
    def login_form() -> str:
        return render_template("dashboard/login.html")

    @pages.post("/login")
    def login() -> Response:
        request.max_content_length = MAX_FORM_BYTES
        if not session.is_own_form(request):
            return _refused("This form did not come from the dashboard itself. Log in here.", 403)
        if not attempts.begin():
            log.warning("the dashboard had too many wrong passwords")
            return _refused("Too many wrong passwords. Wait a minute, then try again.", 429, {"Retry-After": "60"})
        if not sessions.is_password(request.form.get("password", "")):
            sleep(WRONG_SECONDS)
            return _refused("That is not the password.", 401)
        attempts.forgive()
        response = make_response(redirect(url_for("dashboard.page"), 303))
        sessions.open(request, response)
        return response

    @pages.post("/logout")
    def logout() -> Response:
        if not session.is_own_form(request):
            return _refused("This form did not come from the dashboard itself. Nothing was done.", 403)
        response = make_response(redirect(url_for("dashboard.login_form"), 303))
        sessions.close(request, response)
        return response


def _views(pages: Blueprint, sessions: Sessions, feed: Feed, new_key_command: str) -> None:
    @pages.get("", strict_slashes=False)
    def page() -> Response:
        if not sessions.is_open(request):
            return make_response(redirect(url_for("dashboard.login_form"), 303))
        periods = {name: name.replace("h", " h").replace("d", " d") for name in PERIODS}
        html = render_template(
            "dashboard/page.html",
            periods=periods,
            chosen=DEFAULT_PERIOD,
            new_key_command=new_key_command,
            window=f"{WINDOW:,}",
        )
        return make_response(html)

    @pages.get("/events")
    def events() -> Response:
        if not sessions.is_open(request):
            return Response("Log in first.\n", 401, mimetype="text/plain")
        period = request.args.get("period", DEFAULT_PERIOD)
        if period not in PERIODS:
            return Response(f"period is one of {', '.join(PERIODS)}.\n", 400, mimetype="text/plain")
        give_back = feed.listen()
        if give_back is None:
            text = "Too many dashboards are open. Close one, then try again.\n"
            return Response(text, 503, {"Retry-After": "10"}, mimetype="text/plain")
        response = Response(feed.events(period), mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
        response.call_on_close(give_back)
        return response


def _refused(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return make_response(render_template("dashboard/login.html", error=text), status, headers or {})


def _with_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.endpoint == "dashboard.static":
        response.headers["Cache-Control"] = "no-cache"  # asked for again each time, sent only where it changed
    return response
