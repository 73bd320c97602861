"""Keys of people who use the gateway alone."""

import hashlib
import time

import pytest

from proxy.ledger.keys import ClientKey
from proxy.ledger.ledger import Ledger
from tests.proxy.ledger.conftest import OpenLedger
from tests.proxy.ledger.processes import output, start


def test_a_key_is_found_with_its_limits(ledger: Ledger) -> None:
    expires = time.time() + 60
    key = ledger.keys.make("laptop", expires=expires, total_micro=3, day_micro=1, month_micro=2)
    found = ledger.keys.find(key)
    assert found
    assert found == ClientKey("laptop", found.made, expires, None, 3, 1, 2)
    assert abs(found.made - time.time()) < 10


def test_a_key_is_long_and_never_the_same(ledger: Ledger) -> None:
    keys = {ledger.keys.make(name) for name in ("a", "b", "c")}
    assert len(keys) == 3
    assert {(key[:3], len(key)) for key in keys} == {("gk-", 46)}


def test_only_the_hash_of_a_key_is_kept(ledger: Ledger) -> None:
    key = ledger.keys.make("laptop")
    kept = ledger.rows("SELECT * FROM client_keys")
    assert key.removeprefix("gk-") not in str(kept)
    assert kept[0]["hash"] == hashlib.sha256(key.encode()).hexdigest()
    assert key not in repr(ledger.keys.find(key))


@pytest.mark.parametrize("wrong", ["", "gk-", "gk-invented", "sk-invented", "gk-\ud800", "gk-" + "x" * 100_000])
def test_what_is_no_key_opens_nothing(ledger: Ledger, wrong: str) -> None:
    ledger.keys.make("laptop")
    assert ledger.keys.find(wrong) is None


def test_a_key_opens_nothing_with_a_character_changed(ledger: Ledger) -> None:
    key = ledger.keys.make("laptop")
    assert ledger.keys.find(key + "x") is None
    assert ledger.keys.find(key.swapcase().replace("GK-", "gk-")) is None


def test_an_expired_key_opens_nothing(ledger: Ledger) -> None:
    key = ledger.keys.make("laptop", expires=time.time() - 0.001)
    assert ledger.keys.find(key) is None
    assert [one.name for one in ledger.keys.list()] == ["laptop"]


def test_a_key_is_revoked_for_every_worker_at_once(open_as: OpenLedger) -> None:
    one, other = open_as("w1"), open_as("w2")
    key, kept = one.keys.make("laptop"), one.keys.make("desktop")
    assert other.keys.find(key)
    one.keys.revoke("laptop")
    assert other.keys.find(key) is None
    assert other.keys.find(kept)


def test_a_key_is_refused_as_soon_as_another_process_has_revoked_it(ledger: Ledger, ledger_url: str) -> None:
    key = ledger.keys.make("laptop")
    assert ledger.keys.find(key)
    output(start("tests.proxy.ledger.revoker", ledger_url, "laptop"))
    assert ledger.keys.find(key) is None


def test_a_key_stays_revoked_since_it_was_first(ledger: Ledger) -> None:
    ledger.keys.make("laptop")
    ledger.keys.revoke("laptop")
    (first,) = ledger.keys.list()
    ledger.keys.revoke("laptop")
    assert ledger.keys.list() == [first]
    assert first.revoked


def test_keys_are_listed_by_name(ledger: Ledger) -> None:
    for name in ("b", "a.1", "a-1"):
        ledger.keys.make(name)
    assert [key.name for key in ledger.keys.list()] == ["a-1", "a.1", "b"]


@pytest.mark.parametrize("name", ["", "Laptop", "a b", "a/b", "ä", "a" * 41, "a\n", "*", "a%"])
def test_a_name_that_could_be_misread_is_refused(ledger: Ledger, name: str) -> None:
    with pytest.raises(ValueError, match="1 to 40"):
        ledger.keys.make(name)
    assert ledger.keys.list() == []


def test_a_name_is_given_once_even_after_it_was_revoked(ledger: Ledger) -> None:
    key = ledger.keys.make("laptop")
    with pytest.raises(ValueError, match="already"):
        ledger.keys.make("laptop")
    assert ledger.keys.find(key)
    ledger.keys.revoke("laptop")
    with pytest.raises(ValueError, match="already"):
        ledger.keys.make("laptop")


def test_only_a_key_that_is_there_can_be_revoked(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="no key with the name laptop"):
        ledger.keys.revoke("laptop")
