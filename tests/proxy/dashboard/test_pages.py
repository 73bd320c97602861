"""The addresses: what each answers with, and with which headers; what the pages are made of."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from proxy.dashboard import pages
from tests.proxy.dashboard.events import named
from tests.proxy.dashboard.sample import SampleLedger
from tests.proxy.dashboard.serving import PASSWORD, app_with

FOLDER = Path(pages.__file__).parent
SCRIPTS = sorted((FOLDER / "static").glob("*.js"))
OWN = {"Origin": "http://localhost"}
FILES = [f"/dashboard/static/{path.name}" for path in sorted((FOLDER / "static").iterdir())]


@pytest.fixture
def app(ledger: SampleLedger) -> Flask:
    return app_with(ledger, sleep=lambda seconds: None)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor who is logged in."""
    found = app.test_client()
    assert found.post("/dashboard/login", data={"password": PASSWORD}, headers=OWN).status_code == 303
    return found


def test_without_a_login_there_is_only_the_form(visitor: FlaskClient) -> None:
    for page in ("/dashboard", "/dashboard/"):
        response = visitor.get(page)
        assert (response.status_code, response.headers["Location"]) == (303, "/dashboard/login")
    assert visitor.get("/dashboard/events").status_code == 401
    form = visitor.get("/dashboard/login")
    assert form.status_code == 200
    assert '<label for="password">' in form.text


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/", "/dashboard/login", "/dashboard/events"])
def test_without_a_password_the_page_says_which_setting_turns_it_on(ledger: SampleLedger, path: str) -> None:
    visitor = app_with(ledger, password="").test_client()
    response = visitor.get(path)
    assert response.status_code == 503
    assert "DASHBOARD_PASSWORD" in response.text
    assert visitor.post("/dashboard/login", data={"password": ""}, headers=OWN).status_code == 405
    with visitor.get("/dashboard/static/page.css") as style:
        assert style.status_code == 200


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/login", "/dashboard/events?period=none", *FILES])
def test_every_answer_is_kept_from_frames_caches_and_strangers_scripts(client: FlaskClient, path: str) -> None:
    with client.get(path) as response:
        headers = response.headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == ("no-cache" if path in FILES else "no-store")
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_refusals_have_the_same_headers(visitor: FlaskClient) -> None:
    refused = [
        visitor.post("/dashboard/login", data={"password": "x"}, headers=OWN), visitor.post("/dashboard/logout"),
        visitor.get("/dashboard"), visitor.get("/dashboard/events"),
        visitor.post("/dashboard/login", data={"password": "x" * 9999}, headers=OWN),
    ]  # fmt: skip
    assert [response.status_code for response in refused] == [401, 403, 303, 401, 413]
    for response in refused:
        assert response.headers["Cache-Control"] == "no-store"
        assert "'none'" in response.headers["Content-Security-Policy"]


def test_the_page_offers_every_period_and_the_way_to_a_key(ledger: SampleLedger) -> None:
    client = app_with(ledger, new_key_command="make-me <a> key").test_client()
    client.post("/dashboard/login", data={"password": PASSWORD}, headers=OWN)
    page = client.get("/dashboard").text
    assert re.findall(r'value="(\w+)"( checked)?', page) == [("1h", ""), ("24h", " checked"), ("7d", ""), ("30d", "")]
    assert "make-me &lt;a&gt; key" in page


def test_events_are_a_stream_that_nobody_on_the_way_may_hold_back(client: FlaskClient, ledger: SampleLedger) -> None:
    ledger.call(micro_dollars=5)
    with client.get("/dashboard/events?period=1h", buffered=False) as response:
        assert (response.status_code, response.mimetype) == (200, "text/event-stream")
        assert response.headers["X-Accel-Buffering"] == "no"
        chunks: Iterator[str] = (chunk.decode() for chunk in response.response)  # type: ignore[union-attr]
        assert named(chunks, "report")["report"]["period"] == "1h"


def test_a_period_that_does_not_exist_is_refused(client: FlaskClient) -> None:
    response = client.get("/dashboard/events?period=1y")
    assert (response.status_code, response.text) == (400, "period is one of 1h, 24h, 7d, 30d.\n")


def test_too_many_listeners_are_turned_away_until_one_leaves(client: FlaskClient) -> None:
    streams = [client.get("/dashboard/events", buffered=False) for _ in range(24)]
    assert {stream.status_code for stream in streams} == {200}
    refused = client.get("/dashboard/events")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert "Too many dashboards" in refused.text
    streams.pop().close()  # one that never read a byte gives its place back too
    with client.get("/dashboard/events", buffered=False) as again:
        assert again.status_code == 200
    for stream in streams:
        stream.close()


def test_pages_hold_no_script_no_style_and_no_handler_of_their_own() -> None:
    templates = sorted((FOLDER / "templates").rglob("*.html"))
    assert len(templates) == 4
    for template in templates:
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\bstyle=|\son\w+=|javascript:|https?:", text)
        assert "safe" not in re.findall(r"\|\s*(\w+)", text)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_make_text_of_text(script: Path) -> None:
    text = script.read_text()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function", text
    )
    assert set(re.findall(r"https?://[^\s\"'`]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r'from "\./(.+?)"', text)) <= {path.name for path in SCRIPTS}
