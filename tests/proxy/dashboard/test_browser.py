"""The page in a real browser: logging in, live data, phone and desktop, light and dark, names that would be scripts."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.proxy.dashboard.browser import Page, chromium
from tests.proxy.dashboard.month import fill, set_up
from tests.proxy.dashboard.sample import HOSTILE, SCRIPT, SampleLedger
from tests.proxy.dashboard.serving import PASSWORD, app_with, served

CONTRAST = Path(__file__).with_name("contrast.js").read_text()
SIZES = {"phone": (360, 780), "tablet": (820, 1100), "desktop": (1440, 900)}
TOO_WIDE = """[...document.querySelectorAll("main *, header *")].filter((one) => one.checkVisibility()
    && !one.closest(".unseen") && one.getBoundingClientRect().right > innerWidth + 0.5).map((one) => one.outerHTML)"""
OVERLAPPING = """[...document.querySelectorAll("#tokens text")].map((one) => one.getBoundingClientRect())
    .filter((a, at, all) => all.some((b) => a !== b && a.x < b.right && b.x < a.right && a.y < b.bottom
        && b.y < a.bottom)).length"""
TEXT = "document.body.innerText"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def page(browser: Page) -> Iterator[Page]:
    """A tab; a test after which the browser has complained of anything fails."""
    browser.complaints.clear()
    yield browser
    browser.run("0")  # what it has to say of the last steps comes before the answer
    assert browser.complaints == []


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleLedger]:
    ledger = SampleLedger(tmp_path_factory.mktemp("month") / "ledger.sqlite")
    fill(ledger, time.time())
    yield ledger
    ledger.close()


@pytest.fixture(scope="module")
def busy(month: SampleLedger) -> Iterator[str]:
    """The address of a dashboard with a month of calls."""
    with served(app_with(month)) as url:
        yield url


@pytest.fixture
def new(ledger: SampleLedger, page: Page) -> Iterator[str]:
    """The address of a dashboard that has seen no call, and whose set-up was refused."""
    now = time.time()
    view = replace(set_up(now), refused="line 14: no provider is called 'zia'", refused_at=now - 90)
    with served(app_with(ledger, view)) as url:
        yield url
        page.leave()


def enter(page: Page, url: str, size: str = "desktop", scheme: str = "light") -> None:
    """Opens the dashboard, through the form where it is asked for."""
    page.open(f"{url}/dashboard", *SIZES[size], scheme)
    page.wait("document.readyState === 'complete'")
    if page.run("!!document.querySelector('#password')"):
        page.type(PASSWORD)
    page.wait("document.body.dataset.ready === 'live 24h'")


def test_a_person_types_the_password_and_is_in(page: Page, busy: str) -> None:
    page.ask("Network.clearBrowserCookies")
    page.open(f"{busy}/dashboard", *SIZES["phone"])
    page.wait("document.activeElement?.id === 'password'")
    assert page.run("location.pathname") == "/dashboard/login"
    page.type("not the password")
    page.wait(f"{TEXT}.includes('That is not the password.')")
    assert [text for text in page.complaints if "401" not in text] == []
    page.complaints.clear()
    page.wait("document.activeElement?.id === 'password'")
    page.type(PASSWORD)
    page.wait("document.body.dataset.ready === 'live 24h'")
    assert page.run("location.pathname") == "/dashboard"
    page.wait("document.querySelector('#status').innerText === 'live'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_and_can_be_read(page: Page, busy: str, tmp_path: Path, size: str, scheme: str) -> None:
    enter(page, busy, size, scheme)
    page.wait("document.querySelectorAll('#money .bar').length === 24")
    assert page.run("document.scrollingElement.scrollWidth") <= page.run("innerWidth") == SIZES[size][0]
    assert page.run(TOO_WIDE) == []
    assert page.run(CONTRAST) == []
    picture = tmp_path / f"dashboard-{size}-{scheme}.png"
    page.save(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_everything_a_person_wants_is_on_the_page(page: Page, busy: str) -> None:
    enter(page, busy)
    text = page.run(TEXT)
    for wanted in (
        "Spent", "Calls", "Tokens", "Median call", "First token", "Fallbacks", "Under way", "Latest calls",
        "Slowest calls", "Where calls go", "open: timeout · tried again in", "downgrade", "last error", "Limits",
        "everyone, today", "$31.40 of $60.00", "ada, today", "key laptop, this month", "Errors",
        "529 overloaded", "anthropic 529 → zai",
        "By provider", "By model", "By role", "By tier", "By run", "By person", "By client key", "of input from cache",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert page.run("document.querySelectorAll('#holds tbody tr').length") == 4
    assert page.run("document.querySelector('[role=meter]').ariaValueText") == "$31.40 of $60.00"


def test_a_new_call_appears_without_a_reload(page: Page, busy: str, month: SampleLedger) -> None:
    enter(page, busy)
    page.run("window.never_left = true")
    calls = page.run("document.querySelectorAll('#holds tbody tr').length")
    month.hold(model="a-model-under-way")
    page.wait("document.querySelector('#holds').innerText.includes('a-model-under-way')", 5)
    assert page.run("document.querySelectorAll('#holds tbody tr').length") == calls + 1
    month.run("DELETE FROM holds WHERE model = ?", ("a-model-under-way",))
    month.call(model="a-model-that-ended")
    page.wait("document.querySelector('#latest tbody tr').innerText.includes('a-model-that-ended')", 5)
    page.wait("!document.querySelector('#holds').innerText.includes('a-model-under-way')", 5)
    page.wait("document.querySelector('#spending').innerText.includes('a-model-that-ended')", 10)
    assert page.run("window.never_left") is True


def test_ages_tick_by_themselves(page: Page, busy: str) -> None:
    enter(page, busy)
    age = "document.querySelector('#holds tr:last-child [data-since]').innerText"
    before = page.run(age)
    page.wait(f"{age} !== {before!r}", 5)


@pytest.mark.parametrize(("period", "bars"), [("1h", 12), ("7d", 28), ("30d", 30)])
def test_another_period_has_other_figures(page: Page, busy: str, period: str, bars: int) -> None:
    enter(page, busy)
    page.run(f"document.querySelector('input[value=\"{period}\"]').click()")
    page.wait(f"document.body.dataset.ready === 'live {period}'")
    assert page.run("document.querySelectorAll('#tokens .bar').length") == bars
    assert page.run(OVERLAPPING) == 0
    assert page.run("document.scrollingElement.scrollWidth <= innerWidth")


def test_a_chart_reads_out_the_bar_under_the_pointer_or_chosen_by_keys(page: Page, busy: str) -> None:
    enter(page, busy)
    readout = "document.querySelector('#money-now').innerText"
    total = page.run(readout)
    page.run("document.querySelector('#money svg').focus()")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
        page.press(key)
    page.wait(f"/^\\d\\d:\\d\\d · \\$.* calls?/.test({readout})")
    assert page.run("[...document.querySelectorAll('#money .bar')].findIndex((bar) => bar.matches('.chosen'))") == 23
    page.run("document.activeElement.blur()")
    assert page.run(readout) == total
    box = page.run("(({x, y}) => [x, y])(document.querySelector('#money svg').getBoundingClientRect())")
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + 5, y=box[1] + 60)
    page.wait("document.querySelector('#money .bar').matches('.chosen')")
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=5)
    page.wait(f"{readout} === {total!r}")


def test_who_reads_a_chart_by_keys_keeps_the_place_when_it_is_drawn_anew(
    page: Page, busy: str, month: SampleLedger
) -> None:
    enter(page, busy)
    page.run("document.querySelector('#money svg').focus()")
    for _ in range(3):
        page.press("ArrowLeft")
    page.run("window.old = document.querySelector('#money svg')")
    month.call()
    page.wait("document.querySelector('#money svg') !== window.old", 10)
    assert page.run("document.activeElement === document.querySelector('#money svg')")
    assert page.run("[...document.querySelectorAll('#money .bar')].findIndex((bar) => bar.matches('.chosen'))") == 21


def test_a_stream_that_ended_is_opened_again(page: Page, ledger: SampleLedger) -> None:
    later = 0.0
    with served(app_with(ledger, clock=lambda: time.time() + later)) as url:
        enter(page, url)
        later = 301.0
        page.wait("performance.getEntriesByType('resource').some((one) => one.name.includes('/dashboard/events'))")
        ledger.hold(model="after-the-end")
        page.wait(f"{TEXT}.includes('after-the-end')", 8)
        assert page.run("document.querySelector('#status').innerText") == "live"
        page.leave()


def test_names_that_would_be_scripts_are_shown_and_do_nothing(page: Page, new: str, ledger: SampleLedger) -> None:
    ledger.call(**HOSTILE)
    ledger.hold(**{name: value for name, value in HOSTILE.items() if name not in ("tried", "fallbacks")})
    ledger.insert("breakers", provider=SCRIPT, worker="w", state=SCRIPT, until=time.time() + 60, reason=SCRIPT)
    ledger.insert("client_keys", name=SCRIPT, hash="x", made=0.0, day_micro=5)
    for size in SIZES:
        enter(page, new, size)
        page.wait("document.querySelectorAll('#spending section').length === 7")
        for part in ("holds", "latest", "slowest", "failures", "fallbacks", "spending", "limits", "money-legend"):
            assert SCRIPT in page.run(f"document.querySelector('#{part}').innerText"), part
        assert page.run("window.pwned === undefined && document.scripts.length === 1")
        assert page.run("document.scrollingElement.scrollWidth <= innerWidth")


def test_a_newcomer_is_told_what_to_do_until_the_first_call(page: Page, new: str, ledger: SampleLedger) -> None:
    enter(page, new, "phone")
    steps = "document.querySelector('#first-steps').checkVisibility()"
    text = page.run(TEXT)
    assert page.run(steps)
    assert "python -m proxy keys add NAME" in text
    assert f"ANTHROPIC_BASE_URL={new}" in text
    assert "Where calls go" in text
    assert "Latest calls" not in text
    ledger.call()
    page.wait(f"!{steps}", 5)
    assert "Latest calls" in page.run(TEXT)


def test_a_set_up_that_was_refused_is_said_with_its_reason(page: Page, new: str) -> None:
    enter(page, new)
    said = page.run("document.querySelector('#refused').innerText")
    assert said.startswith("gateway.toml was refused 1 m ago.")
    assert "line 14: no provider is called 'zia'" in said


def test_a_refusal_without_a_time_has_none(page: Page, ledger: SampleLedger) -> None:
    view = replace(set_up(time.time()), refused="line 3: an unknown key\nline 9: another", refused_at=0)
    with served(app_with(ledger, view)) as url:
        enter(page, url, "phone")
        said = page.run("document.querySelector('#refused').innerText").split("\n")
        page.leave()
    assert said == [
        "gateway.toml was refused. The one from before stays in force.", "line 3: an unknown key", "line 9: another",
    ]  # fmt: skip


def test_who_is_no_longer_logged_in_comes_back_to_the_form(page: Page, busy: str) -> None:
    enter(page, busy)
    page.ask("Network.clearBrowserCookies")
    page.run("document.querySelector('input[value=\"1h\"]').click()")
    page.wait("location.pathname === '/dashboard/login' && document.querySelector('#password')")
    assert [text for text in page.complaints if "401" not in text] == []
    page.complaints.clear()


def test_logging_out_leads_to_the_form(page: Page, busy: str) -> None:
    enter(page, busy)
    page.run("document.querySelector('header form button').click()")
    page.wait("location.pathname === '/dashboard/login' && document.querySelector('#password')")
    page.open(f"{busy}/dashboard", *SIZES["desktop"])
    page.wait("document.querySelector('#password')")


def test_figures_are_written_as_people_read_them(page: Page, busy: str) -> None:
    enter(page, busy)
    got = page.run("""import("/dashboard/static/format.js").then((f) => ({
        money: [0, 7, 4200, 52000, 160000, 1234560, 12345678901].map(f.money),
        count: [0, 950, 9999, 12345, 999999, 1000000, 48210000, 5e9].map(f.count),
        duration: [0, 0.84, 9.96, 59.4, 125, 3661].map(f.duration),
        ago: [0, 12.9, 60, 7199, 90000].map(f.ago),
        percent: [[0, 0], [1, 300], [5, 100], [1, 3]].map(([part, of]) => f.percent(part, of)),
    }))""")
    assert got == {
        "money": ["$0", "$0.000007", "$0.0042", "$0.052", "$0.16", "$1.23", "$12,346"],
        "count": ["0", "950", "9,999", "12.3k", "1M", "1M", "48.2M", "5B"],
        "duration": ["0.0 s", "0.8 s", "10 s", "59 s", "2 m 05 s", "1 h 01 m"],
        "ago": ["now", "12 s ago", "1 m ago", "1 h ago", "1 d ago"],
        "percent": ["0 %", "0.3 %", "5 %", "33 %"],
    }
