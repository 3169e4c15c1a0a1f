"""Strangers who guess are slowed, owners are not: counted in the database, for all processes and over a restart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from douane.flow.house import House
from douane.flow.identity import unlock
from douane.flow.sign_in_limit import ACCOUNT_FACTOR, SignInLimit, forget_old, network
from douane.store import sign_ins
from douane.store.database import database_now, read

WINDOW_S = 60


@pytest.fixture
def limit(house: House) -> SignInLimit:
    return limited(house, 3)


def limited(house: House, tries: int, window_s: int = WINDOW_S) -> SignInLimit:
    settings = house.settings.model_copy(update={"login_tries_max": tries, "login_window_s": window_s})
    return SignInLimit(replace(house, settings=settings), unlock(house))


def test_an_address_may_fail_so_often_whatever_the_account(house: House, limit: SignInLimit) -> None:
    assert [limit.begin(account, "1.1.1.1").wait_s for account in ("ann", "bob", "eve")] == [0.0] * 3
    assert 1 <= limit.begin("zoe", "1.1.1.1").wait_s <= WINDOW_S
    assert limit.begin("ann", "2.2.2.2").wait_s == 0
    # Another process, and this one after a restart.
    assert limited(house, 3).begin("ann", "1.1.1.1").wait_s > 0


def test_a_right_one_does_not_count(limit: SignInLimit) -> None:
    for _ in range(10):
        tried = limit.begin("ann", "home")
        assert tried.wait_s == 0
        limit.succeed(tried)


def test_the_window_passes(house: House) -> None:
    limit = limited(house, 1, window_s=1)
    assert limit.begin("ann", "home").wait_s == 0
    while limit.begin("ann", "home").wait_s > 0:
        pass
    # A second ahead: the last try may be of this millisecond.
    forget_old(replace(house, settings=house.settings.model_copy(update={"login_window_s": -1})))
    with read(house.engine) as connection:
        now = database_now(connection)
        assert sign_ins.count_since(connection, now.replace(year=now.year - 1)) == 0


def test_strangers_cannot_keep_an_owner_out(limit: SignInLimit) -> None:
    limit.succeed(limit.begin("ann", "home"))
    mark = limit.device_mark("ann")
    tries = [limit.begin("ann", f"10.0.0.{number}") for number in range(3 * ACCOUNT_FACTOR + 1)]
    assert [one.wait_s > 0 for one in tries] == [False] * 3 * ACCOUNT_FACTOR + [True], "the account as a whole"
    # Guessing from her own address does not keep her out there, and it is slowed like any.
    for number in range(3):
        assert limit.begin(f"other{number}", "home").wait_s == 0
    assert limit.begin("other", "home").wait_s > 0
    assert limit.begin("ann", "home").wait_s == 0
    assert limit.begin("ann", "on the way", mark).wait_s == 0
    assert limit.begin("ann", "on the way").wait_s > 0


def test_a_mark_is_of_one_account_and_does_not_lift_the_limit(limit: SignInLimit) -> None:
    mark = limit.device_mark("ann")
    assert mark != limit.device_mark("bob")
    assert [limit.begin("ann", "cafe", mark).wait_s > 0 for _ in range(4)] == [False, False, False, True]
    assert [limit.begin("bob", "bar", mark).wait_s > 0 for _ in range(4)] == [False, False, False, True]
    for odd in ("", "é", "x" * 5000):
        assert limit.begin("eve", f"street {odd[:1]}", odd).wait_s == 0


def test_many_tries_at_once_are_counted_one_by_one(limit: SignInLimit) -> None:
    with ThreadPoolExecutor(12) as pool:
        tries = list(pool.map(lambda _: limit.begin("ann", "1.1.1.1"), range(12)))
    assert [one.wait_s for one in tries].count(0.0) == 3


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:50123", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::1", "::/64"),
        ("home", "home"),
        ("1.2.3", "1.2.3"),
        ("", ""),
    ],
)
def test_an_address_counts_as_what_one_client_has(address: str, counted: str) -> None:
    assert network(address) == counted


def test_another_address_of_the_same_network_is_no_other(limit: SignInLimit) -> None:
    tries = [limit.begin(f"person{number}", f"2001:db8::{number:x}").wait_s > 0 for number in range(1, 5)]
    assert tries == [False, False, False, True]
    assert limit.begin("ann", "2001:db8:0:1::1").wait_s == 0
