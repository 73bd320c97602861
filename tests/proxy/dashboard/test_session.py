"""Who gets in: the password, cookies that end, too many guesses, forms from elsewhere."""

import threading
from http.cookies import Morsel, SimpleCookie

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from proxy.dashboard.session import COOKIE, SESSION_SECONDS, AttemptsOfAProcess
from tests.proxy.dashboard.conftest import Clock
from tests.proxy.dashboard.sample import SampleLedger
from tests.proxy.dashboard.serving import PASSWORD, app_with

OWN = {"Origin": "http://localhost"}
FOREIGN = [
    {},
    {"Origin": "null"},
    {"Origin": "http://elsewhere.example"},
    {"Origin": "http://localhost.elsewhere.example"},
    {"Origin": "http://localhost:81"},
    {"Origin": "http://elsewhere.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://elsewhere.example", "Referer": "http://localhost/dashboard"},
]


@pytest.fixture
def app(ledger: SampleLedger, clock: Clock) -> Flask:
    return app_with(ledger, sleep=clock.sleep, clock=clock, attempts=AttemptsOfAProcess(clock=clock))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def log_in(client: FlaskClient, password: str = PASSWORD, **headers: str) -> TestResponse:
    return client.post("/dashboard/login", data={"password": password}, headers=OWN | headers)


def cookie(response: TestResponse) -> "Morsel[str]":
    return SimpleCookie(response.headers["Set-Cookie"])[COOKIE]


def is_in(client: FlaskClient) -> bool:
    return client.get("/dashboard").status_code == 200


def test_the_password_opens_the_page(client: FlaskClient) -> None:
    assert not is_in(client)
    response = log_in(client)
    assert (response.status_code, response.headers["Location"]) == (303, "/dashboard")
    assert is_in(client)


def test_the_cookie_is_for_this_site_alone_and_ends_by_itself(client: FlaskClient) -> None:
    found = cookie(log_in(client))
    assert found["httponly"]
    assert not found["secure"]
    assert (found["samesite"], found["path"], found["max-age"]) == ("Strict", "/dashboard", str(12 * 3600))


def test_over_https_the_cookie_never_travels_in_the_clear(app: Flask) -> None:
    direct = app.test_client()
    direct_response = direct.post(
        "/dashboard/login", base_url="https://localhost", data={"password": PASSWORD}, headers=OWN
    )
    assert cookie(direct_response)["secure"]
    assert cookie(log_in(app.test_client(), **{"X-Forwarded-Proto": "https"}))["secure"]


def test_a_session_ends_after_twelve_hours(client: FlaskClient, clock: Clock) -> None:
    log_in(client)
    clock.now += SESSION_SECONDS - 1
    assert is_in(client)
    clock.now += 1
    assert not is_in(client)


def test_a_cookie_of_another_password_or_another_key_opens_nothing(ledger: SampleLedger, client: FlaskClient) -> None:
    value = cookie(log_in(client)).value
    others = [app_with(ledger, password="another"), app_with(ledger, cookie_key="another-key")]
    for other, opens in ((app_with(ledger), True), *((app, False) for app in others)):
        visitor = other.test_client()
        visitor.set_cookie(COOKIE, value, path="/dashboard")
        assert is_in(visitor) == opens


@pytest.mark.parametrize("value", ["", "in", "1e99", "1e99.AAAA", "é", "." * 3000])
def test_a_cookie_that_was_made_up_opens_nothing(client: FlaskClient, value: str) -> None:
    client.set_cookie(COOKIE, value, path="/dashboard")
    assert not is_in(client)


@pytest.mark.parametrize("wrong", ["", "x", PASSWORD + " ", PASSWORD.upper(), "\N{GREEK SMALL LETTER ALPHA}" * 99])
def test_a_wrong_password_waits_and_is_told_so(client: FlaskClient, clock: Clock, wrong: str) -> None:
    response = log_in(client, wrong)
    assert response.status_code == 401
    assert "That is not the password." in response.text
    assert "Set-Cookie" not in response.headers
    assert clock.slept == [0.5]


def test_after_five_wrong_passwords_even_the_right_one_waits_a_minute(client: FlaskClient, clock: Clock) -> None:
    for _ in range(5):
        assert log_in(client, "wrong").status_code == 401
    response = log_in(client)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "60")
    assert "Wait a minute" in response.text
    clock.now += 60
    assert log_in(client).status_code == 303


def test_who_is_in_stays_in_while_others_guess(app: Flask, client: FlaskClient) -> None:
    log_in(client)
    guesser = app.test_client()
    assert [log_in(guesser, "wrong").status_code for _ in range(6)][-1] == 429
    assert is_in(client)


def test_right_passwords_are_not_counted(client: FlaskClient) -> None:
    assert {log_in(client).status_code for _ in range(20)} == {303}


def test_guesses_made_at_once_are_counted_too(ledger: SampleLedger) -> None:
    """Each waits for its answer; none may be looked at beyond the fifth."""

    def wait(seconds: float) -> None:
        waiting.append(seconds)
        all_are_in.wait(10)

    waiting: list[float] = []
    all_are_in = threading.Event()
    app = app_with(ledger, sleep=wait)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(log_in(app.test_client(), "wrong").status_code)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    while len(found) < 7:
        all_are_in.wait(0.01)
    all_are_in.set()
    for thread in threads:
        thread.join()
    assert (sorted(found), len(waiting)) == ([401] * 5 + [429] * 7, 5)


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_from_elsewhere_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    login = client.post("/dashboard/login", data={"password": PASSWORD}, headers=headers)
    assert (login.status_code, "Set-Cookie" in login.headers) == (403, False)
    log_in(client)
    logout = client.post("/dashboard/logout", headers=headers)
    assert (logout.status_code, is_in(client)) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://gateway.example", "X-Forwarded-Host": "gateway.example"},
        {"Origin": "https://localhost"},
    ],
)
def test_our_own_form_is_known_also_behind_a_proxy(client: FlaskClient, headers: dict[str, str]) -> None:
    response = client.post("/dashboard/login", data={"password": PASSWORD}, headers=headers)
    assert response.status_code == 303


def test_logging_out_takes_the_cookie_back(client: FlaskClient) -> None:
    log_in(client)
    response = client.post("/dashboard/logout", headers=OWN)
    assert (response.status_code, response.headers["Location"]) == (303, "/dashboard/login")
    assert cookie(response)["max-age"] == "0"
    assert not is_in(client)


def test_a_link_cannot_log_anyone_out(client: FlaskClient) -> None:
    log_in(client)
    assert client.get("/dashboard/logout").status_code == 405
    assert is_in(client)


def test_a_form_is_small(client: FlaskClient) -> None:
    assert log_in(client, "x" * 5000).status_code == 413
